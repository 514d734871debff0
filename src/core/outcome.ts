/** How a governed HTTP request ended, in the words of Envoy's access log. Attached to the Response under a symbol that all copies of the library share. */

export interface Outcome {
  /** Response flags joined by commas, as %RESPONSE_FLAGS%; `''` when none. */
  flags: string
  /** As %RESPONSE_CODE_DETAILS%: `via_upstream`, or why the answer was made here. */
  details: string
  /** Name of the route, `''` when it has none. */
  route: string
  /** Name of the cluster, `''` when no route was found. */
  cluster: string
  /** `ip:port` of the endpoint last chosen; `''` when none was. */
  endpoint: string
  /** Tries sent to an upstream: 1 without a retry, 0 when the answer needed none. */
  attempts: number
  durations: {
    /** From the start of the call to the response headers, ms. */
    headers: number
    /** To the end of the body, ms; `undefined` while it is not over. */
    total: number | undefined
  }
  /** What went wrong, with its cause. */
  error: unknown
}

const OUTCOME: unique symbol = Symbol.for('meshless.outcome') as any

/**
 * How the request behind this response ended; `undefined` for a response that no mesh governed.
 *
 * @example
 * const mesh = createMesh({ rules })
 * const { details, cluster } = outcomeOf(await mesh.fetch(url))
 * console.log(details, cluster) // => via_upstream outbound|9080||reviews.default.svc.cluster.local
 */
export function outcomeOf(response: object): Outcome | undefined {
  if ((typeof response !== 'object' && typeof response !== 'function') || response === null || typeof (response as any).then === 'function')
    throw new TypeError(
      `outcomeOf: expected a response, got ${response && typeof response === 'object' ? 'a promise of one: await it first' : String(response)}`,
    )
  return (response as any)[OUTCOME]
}

/**
 * Gives another object the outcome of a response, e.g. what an adapter of your own makes from it.
 *
 * @example
 * const mesh = createMesh({ rules })
 * const response = await mesh.fetch(url)
 * const answer = attachOutcome({ text: await response.text() }, outcomeOf(response))
 * console.log(outcomeOf(answer).details) // => via_upstream
 */
export function attachOutcome<R extends object>(response: R, outcome: Outcome): R {
  Object.defineProperty(response, OUTCOME, { value: outcome, configurable: true })
  return response
}
