/** A rate limiter: so many calls per period; who comes too early waits its turn, as long as it may. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { Failure } from '../../core/next.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { type Signal, signalIssue, whenAborted } from '../../core/signal.ts'
import { rateLimiterSurprises } from '../../core/surprises/rate-limiter.ts'
import { Gate, RATE_LIMITER_EVENTS, type RateLimiterEvents, rateLimiterStep } from './layer.ts'
import { type RateLimiterOptions, readRateLimiterOptions } from './options.ts'

export type { RateLimiterEvents, RateLimiterOptions }

/** Resilience4j's names. */
export interface RateLimiterMetrics {
  /** Negative when reserved ahead. */
  readonly availablePermissions: number
  /** Calls that wait for their time. */
  readonly numberOfWaitingThreads: number
  /** ns until a permission could be used. */
  readonly nanosToWait: number
}

export interface RateLimiter<R = unknown> extends Policy<R, never>, Observable<RateLimiterEvents> {
  /** Reserves `n` permissions: ms to wait before they may be used, or -1 when that would exceed `timeoutDuration`. */
  reserve(n?: number): number
  /** Waits for permissions. Rejects at once with RateLimitedError when that would exceed `timeoutDuration`, or with the signal's reason. */
  acquire(options?: { signal?: Signal | undefined; weight?: number | undefined }): Promise<void>
  /** Takes what is left now, e.g. after a 429. What is reserved ahead stays reserved. */
  drain(): void
  /** For those who call `reserve` by hand: shows the end of a call to `drainPermissionsOnResult`. */
  onResult(result: R): void
  onError(error: unknown): void
  readonly metrics: RateLimiterMetrics
  /** A new rate and a new longest wait act at once; what was taken or reserved stays so. A new algorithm begins a new account. */
  update(options: RateLimiterOptions<R>): void
}

/**
 * Makes a rate limiter with Resilience4j's options; `algorithm` chooses other ones than its cycles.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const limiter = rateLimiter({ limitForPeriod: 100, limitRefreshPeriod: '1s', timeoutDuration: 0 })
 * await limiter.execute(call => fetch(url, { signal: call.signal }))
 * console.log(limiter.metrics.availablePermissions) // => 99
 */
export function rateLimiter<R = unknown>(
  options: RateLimiterOptions<R> = {},
  around: { name?: string; clock?: Clock } = {},
): RateLimiter<R> {
  const { name = '', clock = systemClock } = readAround(around, 'rateLimiter')
  let given = { ...options }
  const events = new Emitter<RateLimiterEvents>('rateLimiter', RATE_LIMITER_EVENTS)
  const gate = new Gate(readRateLimiterOptions(options), clock, events, name)

  const core = policy<R, never>('rateLimiter', name, rateLimiterStep(gate), () => gate.settings, rateLimiterSurprises)
  const own: Omit<RateLimiter<R>, keyof Policy | 'metrics'> = {
    on: (type, listener, listening) => events.on(type, listener, listening),
    reserve(n = 1) {
      const now = gate.now()
      const wait = gate.reserve(n, now)
      if (wait >= 0) gate.permitted(n, wait / 1e6)
      else if (events.listening > 0) gate.refused(n, gate.retryAfter(n, now))
      return wait < 0 ? -1 : wait / 1e6
    },
    async acquire(options) {
      const issue = signalIssue(options, 'rateLimiter.acquire')
      if (issue !== undefined) throw issue
      const { signal, weight = 1 } = options ?? {}
      signal?.throwIfAborted()
      const now = gate.now()
      const wait = gate.admit(weight, now)
      if (wait instanceof Failure) throw wait.error
      if (wait > 0) await gate.wait(weight, now, wait, listener => heard(signal, listener))
      signal?.throwIfAborted()
    },
    drain: () => gate.drain(),
    onResult: result => gate.ended(result, undefined),
    onError: error => gate.ended(undefined, error),
    update(changed) {
      const merged = { ...given, ...changed }
      gate.update(readRateLimiterOptions(merged))
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    metrics: {
      get: (): RateLimiterMetrics => {
        const now = gate.now()
        return {
          availablePermissions: gate.account.available(now),
          numberOfWaitingThreads: gate.waiting,
          nanosToWait: gate.account.waitFor(1, now),
        }
      },
      enumerable: true,
    },
  }) as unknown as RateLimiter<R>
}

function heard(signal: Signal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {}
  return whenAborted(signal, () => listener(signal.reason))
}
