/** A fetch under a policy, without a mesh. */
import type { CallView } from '../../core/call.ts'
import { needPolicy, type Policy } from '../../core/policy.ts'
import { SentOnce } from './sent-once.ts'

/** Statuses from here on are failures of the callee. */
export const FAILURE = 500

/** What a policy round fetch sees as an error: the response is kept, and given back when nobody handles it. */
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
 * The same fetch, governed by a policy. A response with status 500 or more counts as a failure; when every try fails the last response
 * is returned, as fetch would. A body that can be read once only (a stream) is sent once: what that came to is the end.
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
    const failed: Response[] = []
    const body = new SentOnce(init?.body)
    const send = async (call: CallView) => {
      // The call's signal ends with the call; the caller's own still reaches a body that is being read.
      const both = signal === undefined ? call.signal : AbortSignal.any([call.signal, signal])
      const response = await fetcher(request !== undefined && request.body !== null ? request.clone() : input, { ...init, signal: both })
      if (response.status < FAILURE) return response
      failed.push(response)
      // The only answer there will be is kept from who throws answers away before the next try.
      throw new FailedResponse(body.once ? new Response(null, response) : response)
    }
    let given: unknown
    try {
      given = await policy.execute((call: CallView) => body.send(() => send(call)), {
        signal,
        method: init?.method ?? request?.method ?? 'GET',
        host: hostOf(request?.url ?? input),
      })
      return given
    } catch (thrown) {
      const error = body.reason(thrown)
      if (!(error instanceof FailedResponse)) throw error
      given = body.once ? failed.at(-1) : error.response
      return given as Response
    } finally {
      // Answers of earlier tries hold connections until somebody takes their bodies.
      for (const response of failed) if (response !== given && !response.bodyUsed) response.body?.cancel().catch(() => {})
    }
  }) as typeof fetch
}

function hostOf(input: unknown): string | undefined {
  return /^[a-z][a-z\d+\-.]*:\/\/([^/?#]+)/i.exec(String(input))?.[1]
}
