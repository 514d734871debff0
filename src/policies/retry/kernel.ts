/** What follows a try that was worth repeating. No clock, no timer, no chance: the caller brings the time, the interval and the budget. */
import type { Budget } from './budget.ts'

export { backoffInterval } from './intervals.ts'
export { parseRetryOn, type RetryOn, shouldRetryReset, shouldRetryResponse } from './retry-on.ts'

export interface RetryLimits {
  /** Retries after the first try. */
  readonly retries: number
  /** No retry begins later than this after the first try, ms. */
  readonly maxElapsed: number
  /** Nobody waits longer than this because the callee asked for it, ms. */
  readonly maxRetryAfter: number
}

/** Why there is no further try. */
export type Stop = 'attempts' | 'once' | 'retryAfter' | 'interval' | 'elapsed' | 'budget'

/**
 * After try `attempt` (1 for the first): ms to wait before the next one, or why there is none. A wait means that the budget has given a
 * place, which must be given back when that next try has ended.
 *
 * @param elapsed ms since the first try began
 * @param own ms that the back-off wants; negative: give up
 * @param asked ms that the callee wants, by Retry-After or the like; never undercut
 */
export function afterTry(
  limits: RetryLimits,
  attempt: number,
  elapsed: number,
  own: number,
  asked: number | undefined,
  budget: Budget | undefined,
): number | Stop {
  if (attempt > limits.retries) return 'attempts'
  if (asked !== undefined && asked > limits.maxRetryAfter) return 'retryAfter'
  if (!(own >= 0)) return 'interval'
  const wait = asked === undefined ? own : Math.max(own, asked)
  if (elapsed + wait > limits.maxElapsed) return 'elapsed'
  if (budget !== undefined && !budget.take()) return 'budget'
  return wait
}
