/** fetch over a mesh: what the caller wrote becomes a request of the mesh, hop by hop, and the reply a Response. */
import type { BodyCare } from '../../core/body.ts'
import type { Handle } from '../../traffic/engine/exchange.ts'
import { readRequest } from './fetch-request.ts'
import { follow } from './redirect.ts'

/** Makes a fetch that sends through `handle`. What is no HTTP request (`data:`, `blob:`) goes to the platform's. */
export function makeFetch(handle: Handle, care?: BodyCare): typeof fetch {
  return function meshFetch(input: any, init?: any): Promise<Response> {
    try {
      const asked = readRequest(input, init)
      if (asked === undefined) return globalThis.fetch(input, init)
      if (!(asked instanceof Promise)) return follow(handle, asked, care)
      return asked.then(read => (read === undefined ? globalThis.fetch(input, init) : follow(handle, read, care)))
    } catch (error) {
      return Promise.reject(error)
    }
  } as typeof fetch
}
