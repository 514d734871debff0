/** A fetch under a policy, without a mesh. */
import type { CallView } from '../../core/call.ts'
import type { Policy } from '../../core/policy.ts'

/** Statuses from here on are failures of the callee. */
const FAILURE = 500

/** What a policy round fetch may see as an error: the response is kept, and given back when nobody handles it. */
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
 * is returned, as fetch would.
 *
 * @example
 * const governed = governFetch(fetch, pipeline(retry({ attempts: 2 }), circuitBreaker()))
 */
export function governFetch<F extends typeof fetch>(fetcher: F, policy: Policy<any, any>): typeof fetch {
  return (async (input: any, init: any) => {
    const signal: AbortSignal | undefined = init?.signal ?? undefined
    const work = async (call: CallView) => {
      const response = await fetcher(input instanceof Request ? input.clone() : input, { ...init, signal: call.signal })
      if (response.status >= FAILURE) throw new FailedResponse(response)
      return response
    }
    try {
      return await policy.execute(work, { signal, method: init?.method ?? 'GET' })
    } catch (error) {
      if (error instanceof FailedResponse) return error.response
      throw error
    }
  }) as typeof fetch
}
