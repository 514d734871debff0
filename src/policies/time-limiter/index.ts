/** A time limiter: gives up what takes too long, and tells it so through its own signal. */
import { type Clock, systemClock } from '../../base/time/clock.ts'
import { TimeLimitError } from '../../core/errors.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { isPromiseLike, type Layer } from '../../core/layer.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readOptions } from '../../core/schema/index.ts'
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
  const layer: Layer = next => outer => {
    const { timeoutDuration, cancelRunningFuture } = settings
    const call = outer.child()
    const start = clock.now()
    call.deadline = Math.min(outer.deadline, start + timeoutDuration)
    const result = next(call)
    if (!isPromiseLike(result)) {
      call.end()
      return result
    }
    return new Promise((resolve, reject) => {
      const timer = clock.schedule(
        timeoutDuration,
        () => {
          const error = new TimeLimitError(`time limiter${name === '' ? '' : ` ${name}`}: no result within ${timeoutDuration} ms`, {
            policy: name,
          })
          if (events.listening > 0) events.emit('timeout', { timeoutMs: timeoutDuration })
          if (cancelRunningFuture) call.abort(error)
          reject(error)
        },
        { keepAlive: true },
      )
      result.then(
        value => {
          timer.cancel()
          call.end()
          if (events.listening > 0) events.emit('success', { durationMs: clock.now() - start })
          resolve(value)
        },
        error => {
          timer.cancel()
          call.end()
          if (events.listening > 0) events.emit('error', { error })
          reject(error)
        },
      )
    })
  }
  return Object.assign(
    policy('timeLimiter', name, layer, () => ({ kind: 'timeLimiter', name, options: { ...settings } })),
    {
      on: events.on.bind(events),
      update(changed: TimeLimiterOptions) {
        given = { ...given, ...changed }
        settings = readOptions(timeLimiterFields, given, 'timeLimiter')
      },
    },
  ) as unknown as TimeLimiter
}
