/** A rate limiter: so many calls per period; who comes too early waits its turn, as long as it may. */
import { type Clock, KEEP_ALIVE, systemClock } from '../../base/time/clock.ts'
import type { Call } from '../../core/call.ts'
import { RateLimitedError, reject } from '../../core/errors.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readOptions } from '../../core/schema/index.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { Cycles } from './kernel.ts'
import { type RateLimiterOptions, type RateLimiterSettings, rateLimiterFields } from './options.ts'

export type { RateLimiterOptions }

export interface RateLimiterEvents {
  permitted: { permissions: number; waitMs: number }
  rejected: { permissions: number }
  drained: { permissions: number }
}

export interface RateLimiter extends Policy, Observable<RateLimiterEvents> {
  /** Reserves `n` permissions: ms to wait before they may be used, or -1 when that would exceed `timeoutDuration`. */
  reserve(n?: number): number
  /** Takes what is left of the current period, e.g. after a 429. */
  drain(): void
  readonly metrics: { readonly availablePermissions: number; readonly numberOfWaitingThreads: number }
  update(options: RateLimiterOptions): void
}

const ns = (ms: number) => Math.round(ms * 1e6)

/**
 * Makes a rate limiter with Resilience4j's cycle algorithm.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const limiter = rateLimiter({ limitForPeriod: 100, limitRefreshPeriod: '1s', timeoutDuration: 0 })
 */
export function rateLimiter(options: RateLimiterOptions = {}, around: { name?: string; clock?: Clock } = {}): RateLimiter {
  const { name = '', clock = systemClock } = around
  let given = options
  let settings: RateLimiterSettings = readOptions(rateLimiterFields, options, 'rateLimiter')
  const cycles = new Cycles(settings.limitForPeriod, ns(settings.limitRefreshPeriod), ns(settings.timeoutDuration))
  const events = new Emitter<RateLimiterEvents>()
  const start = clock.now()
  const since = () => ns(clock.now() - start)
  let waiting = 0

  const reserve = (n = 1): number => {
    if (!(n >= 1)) throw new RangeError(`rateLimiter.reserve: ${n} permissions; expected at least 1`)
    const wait = cycles.reserve(n, since())
    if (wait < 0) {
      if (events.listening > 0) events.emit('rejected', { permissions: n })
      return -1
    }
    if (events.listening > 0) events.emit('permitted', { permissions: n, waitMs: wait / 1e6 })
    return wait / 1e6
  }
  const refuse = (n: number) => {
    const now = since()
    const retryAfter = (settings.limitRefreshPeriod * 1e6 - (now % ns(settings.limitRefreshPeriod))) / 1e6
    return reject(
      RateLimitedError,
      `rate limiter${name === '' ? '' : ` ${name}`} permits ${settings.limitForPeriod} calls per ${settings.limitRefreshPeriod} ms; ${cycles.available(now)} left, ${n} asked`,
      { policy: name, retryAfter },
    )
  }
  /** Waits; an abort gives the reservation back. */
  const wait = (call: Call, ms: number, n: number) =>
    new Promise<void>((resolve, rejectWith) => {
      waiting++
      const timer = clock.schedule(
        ms,
        () => {
          waiting--
          off()
          resolve()
        },
        KEEP_ALIVE,
      )
      const off = call.onAbort(reason => {
        waiting--
        timer.cancel()
        cycles.giveBack(n)
        rejectWith(reason)
      })
    })
  const step: Step<void> = {
    admit(call) {
      const ms = reserve(call.weight)
      if (ms < 0) throw refuse(call.weight)
      if (ms > 0) return wait(call, ms, call.weight)
    },
    answered: (_call, _pass, value) => value,
    failed: () => GOES_ON,
  }
  return Object.defineProperties(
    Object.assign(
      policy('rateLimiter', name, step, () => ({ kind: 'rateLimiter', name, options: { ...settings } })),
      {
        on: events.on.bind(events),
        reserve,
        drain() {
          const permissions = cycles.available(since())
          cycles.drain(since())
          events.emit('drained', { permissions: Math.max(0, permissions) })
        },
        update(changed: RateLimiterOptions) {
          given = { ...given, ...changed }
          settings = readOptions(rateLimiterFields, given, 'rateLimiter')
          cycles.limit = settings.limitForPeriod
          cycles.timeout = ns(settings.timeoutDuration)
        },
      },
    ),
    { metrics: { get: () => ({ availablePermissions: cycles.available(since()), numberOfWaitingThreads: waiting }), enumerable: true } },
  ) as unknown as RateLimiter
}
