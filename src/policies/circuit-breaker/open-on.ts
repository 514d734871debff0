/** Whether one outcome alone opens the breaker: because a hook says so, or because the callee itself says when to come again. */
import { type Duration, toMs } from '../../base/time/duration.ts'
import { report } from '../../core/events.ts'
import { responseOf, statusOf } from '../retry/http-outcome.ts'
import { retryAfterOf } from '../retry/retry-after.ts'
import { listed } from './classify.ts'
import type { CircuitBreakerSettings } from './options.ts'

/** ms; `true`: the configured wait. */
export type OpenFor = number | true | undefined

/** What the hook says of a result or an error. One that throws is reported and says nothing. */
export function openByHook({ transitionOnResult }: CircuitBreakerSettings, result: unknown, error: unknown): OpenFor {
  if (transitionOnResult === undefined) return undefined
  try {
    const answer: Duration | boolean | undefined = transitionOnResult(result, error)
    return answer === undefined || answer === false ? undefined : answer === true ? true : toMs(answer, 'transitionOnResult')
  } catch (problem) {
    report(problem)
    return undefined
  }
}

interface RetryAfterRule {
  readonly statuses: readonly (number | string)[]
  readonly maxDelay: number
}
const A_503: RetryAfterRule = { statuses: [503], maxDelay: 300_000 }

/** What a response, or the response of an error, asks for. `wall`: ms since the epoch, for a Retry-After that is a date. */
export function openByRetryAfter({ openOnRetryAfter }: CircuitBreakerSettings, outcome: unknown, wall: number): OpenFor {
  if (openOnRetryAfter === false) return undefined
  const { statuses, maxDelay } = openOnRetryAfter === true ? A_503 : (openOnRetryAfter as RetryAfterRule)
  try {
    const response = responseOf(outcome)
    if (response === undefined || !listed(statuses, statusOf(response)!)) return undefined
    const ms = retryAfterOf(response, wall)
    return ms !== undefined && ms > 0 ? Math.min(ms, maxDelay) : undefined
  } catch (problem) {
    report(problem)
    return undefined
  }
}
