/** fetch over a mesh: what the caller wrote becomes a request of the mesh, hop by hop, and the reply a Response. */
import { platformFetch } from '../../base/platform.ts'
import type { BodyCare } from '../../core/body.ts'
import type { Handle } from '../../traffic/engine/exchange.ts'
import { readRequest } from './fetch-request.ts'
import { follow } from './redirect.ts'

/** Makes a fetch that sends through `handle`. What is not an HTTP request (`data:`, `blob:`) goes to the platform's. */
export function makeFetch(handle: Handle, care?: BodyCare): typeof fetch {
  return function meshFetch(input: any, init?: any): Promise<Response> {
    try {
      const call = readRequest(input, init)
      if (call === undefined) return platformFetch(input, init)
      if (!(call instanceof Promise)) return follow(handle, call, care)
      return call.then(read => (read === undefined ? platformFetch(input, init) : follow(handle, read, care)))
    } catch (error) {
      return Promise.reject(error)
    }
  } as typeof fetch
}
