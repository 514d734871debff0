/** Whether one outcome alone opens the breaker: because a hook says so, or because the callee itself says when to come again. What throws here is for who asks to report. */
import { type Duration, toMs } from '../../base/time/duration.ts'
import { askHook } from '../../core/hooks.ts'
import { responseOf, statusOf } from '../retry/http-outcome.ts'
import { retryAfterOf } from '../retry/retry-after.ts'
import { listed } from './classify.ts'
import type { CircuitBreakerSettings } from './options.ts'

/** ms; `true`: the configured wait. */
export type OpenFor = number | true | undefined

/** What the hook says of a result or an error. */
export function openByHook({ transitionOnResult }: CircuitBreakerSettings, result: unknown, error: unknown): OpenFor {
  const answer: Duration | boolean = (transitionOnResult && askHook(transitionOnResult, undefined, result, error)) ?? false
  return typeof answer === 'boolean' ? answer || undefined : toMs(answer, 'transitionOnResult')
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
  const response = responseOf(outcome)
  const ms = response && listed(statuses, statusOf(response)!) ? retryAfterOf(response, wall) : undefined
  return ms !== undefined && ms > 0 ? Math.min(ms, maxDelay) : undefined
}
