/** A time limiter: gives up what takes too long, and tells it so through its own signal. */
import { type Clock, KEEP_ALIVE, systemClock, type Timer } from '../../base/time/clock.ts'
import { TimeLimitError } from '../../core/errors.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readOptions } from '../../core/schema/index.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { type TimeLimiterOptions, timeLimiterFields } from './options.ts'

export type { TimeLimiterOptions }

export interface TimeLimiterEvents {
  success: { durationMs: number }
  error: { error: unknown }
  timeout: { timeoutMs: number }
}

export interface TimeLimiter extends Policy, Observable<TimeLimiterEvents> {
  update(options: TimeLimiterOptions): void
}

/** What a call is given back at its end. */
interface Limit {
  readonly start: number
  /** The deadline it came with. */
  readonly deadline: number
  readonly timer: Timer
}

/**
 * Makes a time limiter. The call inside gets a signal and a deadline of its own; after a timeout the caller gets a TimeLimitError.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const limit = timeLimiter({ timeoutDuration: '2s' })
 */
export function timeLimiter(options: TimeLimiterOptions = {}, around: { name?: string; clock?: Clock } = {}): TimeLimiter {
  const { name = '', clock = systemClock } = around
  let given = options
  let settings = readOptions(timeLimiterFields, options, 'timeLimiter')
  const events = new Emitter<TimeLimiterEvents>()
  const step: Step<Limit> = {
    mayCut: true,
    admit(call, run) {
      const { timeoutDuration, cancelRunningFuture } = settings
      const start = call.admittedAt(clock)
      const { deadline } = call
      if (start + timeoutDuration < deadline) call.deadline = start + timeoutDuration
      const expire = () => {
        const error = new TimeLimitError(`time limiter${name === '' ? '' : ` ${name}`}: no result within ${timeoutDuration} ms`, {
          policy: name,
        })
        if (events.listening > 0) events.emit('timeout', { timeoutMs: timeoutDuration })
        call.deadline = deadline
        run.cut(step, error)
        if (cancelRunningFuture) call.abort(error)
      }
      return { start, deadline, timer: clock.schedule(timeoutDuration, expire, KEEP_ALIVE, start) }
    },
    answered(call, limit, value) {
      limit.timer.cancel()
      call.deadline = limit.deadline
      if (events.listening > 0) events.emit('success', { durationMs: clock.now() - limit.start })
      return value
    },
    failed(call, limit, error) {
      limit.timer.cancel()
      call.deadline = limit.deadline
      if (events.listening > 0) events.emit('error', { error })
      return GOES_ON
    },
  }
  return Object.assign(
    policy('timeLimiter', name, step, () => ({ kind: 'timeLimiter', name, options: { ...settings } })),
    {
      on: events.on.bind(events),
      update(changed: TimeLimiterOptions) {
        given = { ...given, ...changed }
        settings = readOptions(timeLimiterFields, given, 'timeLimiter')
      },
    },
  ) as unknown as TimeLimiter
}
