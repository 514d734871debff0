/** A fetch under a policy, without a mesh. */
import type { CallView } from '../../core/call.ts'
import { needPolicy, type Policy } from '../../core/policy.ts'
import { asReached, asRejection, callOf, FAILURE, isBroken } from './governed-call.ts'

/** What a policy round fetch sees as an error: the response is kept, and returned when no policy handles it. */
export class FailedResponse extends Error {
  override readonly name = 'FailedResponse'
  readonly response: Response
  readonly status: number
  constructor(response: Response) {
    super(`HTTP ${response.status}`)
    this.response = response
    this.status = response.status
  }
}

/**
 * The same fetch, governed by a policy. A response with status 500 or more counts as a failure; when every attempt fails the last
 * response is returned, as fetch would. Writes (POST, PATCH …) are retried only where the options of `retry` ask for it, or when the
 * request did not reach the server. A body that can be read once only (a stream) is sent once.
 *
 * @example
 * const governed = governFetch(fetch, pipeline(retry({ attempts: 2 }), circuitBreaker()))
 * const response = await governed(url)
 * console.log(await response.text()) // => hello
 */
export function governFetch<F extends typeof fetch>(fetcher: F, policy: Policy<any, any>): typeof fetch {
  if (typeof fetcher !== 'function') throw new TypeError('governFetch: expected fetch, then the policy: governFetch(fetch, retry())')
  needPolicy(policy, 'governFetch')
  return (async (input: any, init: any) => {
    const request = input instanceof Request ? input : undefined
    const signal: AbortSignal | undefined = init?.signal ?? request?.signal ?? undefined
    const url = request?.url ?? String(input)
    const body = init?.body
    const failed: Response[] = []
    const send = async (call: CallView) => {
      // The call's signal ends with the call; the caller's own still reaches a body that is being read.
      const both = signal === undefined ? call.signal : AbortSignal.any([call.signal, signal])
      let response: Response
      try {
        response = await fetcher(request !== undefined && request.body !== null ? request.clone() : input, { ...init, signal: both })
      } catch (error) {
        if (isBroken(body) || isMisuse(error, input, init)) throw asRejection(error)
        throw isOfAnotherHop(error, url) ? asReached(error) : error
      }
      if (response.status < FAILURE) return response
      failed.push(response)
      throw new FailedResponse(response)
    }
    const method = init?.method ?? request?.method ?? 'GET'
    let result: unknown
    try {
      result = await policy.execute(
        send,
        callOf(method, url, body, signal, name => hasHeader(init?.headers ?? request?.headers, name)),
      )
      return result
    } catch (error) {
      if (!(error instanceof FailedResponse)) throw error
      result = error.response
      return result as Response
    } finally {
      // Responses of earlier attempts hold connections until somebody takes their bodies.
      for (const response of failed) if (response !== result && !response.bodyUsed) response.body?.cancel().catch(() => {})
    }
  }) as typeof fetch
}

function hasHeader(headers: any, name: string): boolean {
  if (headers === undefined || headers === null) return false
  if (typeof headers.has === 'function') return headers.has(name)
  const names = typeof headers[Symbol.iterator] === 'function' ? [...headers].map(pair => pair?.[0]) : Object.keys(headers)
  return names.some(own => String(own).toLowerCase() === name)
}

const NETWORK = /^(fetch failed|failed to fetch|load failed|terminated|network)/i
const MISUSE = /^(ERR_INVALID_URL|UND_ERR_INVALID_ARG|UND_ERR_NOT_SUPPORTED|UND_ERR_REQ_CONTENT_LENGTH_MISMATCH)$/

/** Whether the caller wrote what no fetch sends. */
function isMisuse(error: any, input: unknown, init: any): boolean {
  if (!(error instanceof TypeError)) return false
  const cause: any = error.cause
  if (MISUSE.test(cause?.code) || /^(bad port|unknown scheme)$/.test(cause?.message)) return true
  if (NETWORK.test(error.message)) return false
  const { body, duplex: _duplex, signal: _signal, dispatcher: _dispatcher, ...rest } = init ?? {}
  try {
    const { method } = new Request(input as string, rest)
    return body !== undefined && body !== null && (method === 'GET' || method === 'HEAD')
  } catch {
    return true
  }
}

/** Whether a connection that failed was not that of the request itself, but of a redirect that it was answered with. */
function isOfAnotherHop({ cause }: any, url: string): boolean {
  const failure = cause?.errors?.[0] ?? cause
  const { port, hostname } = failure ?? {}
  if (port === undefined && hostname === undefined) return false
  if (!URL.canParse(url)) return false
  const asked = new URL(url)
  if (hostname !== undefined && hostname !== asked.hostname) return true
  return port !== undefined && String(port) !== (asked.port || (asked.protocol === 'https:' ? '443' : '80'))
}
