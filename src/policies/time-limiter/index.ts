/** A time limiter: gives up what takes too long, and tells it so through its own signal. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { Emitter, type EventNames, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { timeLimiterSurprises } from '../../core/surprises/time-limiter.ts'
import { LimitStep } from './layer.ts'
import { readTimeLimiterOptions, type TimeLimiterOptions } from './options.ts'

export type { TimeLimiterOptions }

export interface TimeLimiterEvents {
  success: { durationMs: number }
  error: { error: unknown }
  /** `timeoutMs`: how long the call was given. */
  timeout: { timeoutMs: number }
}
export const TIME_LIMITER_EVENTS: EventNames<TimeLimiterEvents> = { success: 1, error: 1, timeout: 1 }

export interface TimeLimiterMetrics {
  readonly numberOfSuccessfulCalls: number
  /** Calls that failed in time. What the caller gave up is in none of these. */
  readonly numberOfFailedCalls: number
  readonly numberOfTimedOutCalls: number
}

export interface TimeLimiter extends Policy, Observable<TimeLimiterEvents> {
  readonly metrics: TimeLimiterMetrics
  /** Changes options. Calls that run keep the limit they began with. */
  update(options: TimeLimiterOptions): void
}

/**
 * Makes a time limiter. The call inside gets a signal and a deadline of its own; after a timeout the caller gets a TimeLimitError.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const limit = timeLimiter({ timeoutDuration: '2s' })
 * const response = await limit.execute(call => fetch(url, { signal: call.signal }))
 * console.log(response.status) // => 200
 */
export function timeLimiter(options: TimeLimiterOptions = {}, around: { name?: string; clock?: Clock } = {}): TimeLimiter {
  const { name = '', clock = systemClock } = readAround(around, 'timeLimiter')
  let given = { ...options }
  const events = new Emitter<TimeLimiterEvents>('timeLimiter', TIME_LIMITER_EVENTS)
  const metrics = { numberOfSuccessfulCalls: 0, numberOfFailedCalls: 0, numberOfTimedOutCalls: 0 }
  const listener = {
    answered(start: number) {
      metrics.numberOfSuccessfulCalls++
      if (events.listening > 0) events.emit('success', { durationMs: clock.now() - start })
    },
    failed(error: unknown) {
      metrics.numberOfFailedCalls++
      if (events.listening > 0) events.emit('error', { error })
    },
    timedOut(timeoutMs: number) {
      metrics.numberOfTimedOutCalls++
      if (events.listening > 0) events.emit('timeout', { timeoutMs })
    },
  }
  const step = new LimitStep(readTimeLimiterOptions(options), clock, listener, `time limiter${name === '' ? '' : ` ${name}`}`, name)
  const core = policy('timeLimiter', name, step, () => step.settings, timeLimiterSurprises)
  const own = {
    on: events.on.bind(events),
    update(changed: TimeLimiterOptions) {
      const merged = { ...given, ...changed }
      step.settings = readTimeLimiterOptions(merged)
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    metrics: { get: () => ({ ...metrics }), enumerable: true },
  }) as unknown as TimeLimiter
}
