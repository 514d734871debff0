/**
 * When permissions may be used. Each algorithm keeps its own account; all count integer nanoseconds since the limiter was made and own no clock.
 * A reservation is `waitFor`, then `take` when that wait is acceptable.
 */
import { Cycles } from './cycles.ts'
import type { RateLimiterSettings } from './options.ts'
import { SlidingWindow } from './sliding-window.ts'
import { Smooth } from './smooth.ts'
import { TokenBucket } from './token-bucket.ts'
import { WarmUp } from './warm-up.ts'

export interface Permissions {
  /** ns until `n` permissions may be used; `Infinity`: never. Takes nothing. */
  waitFor(n: number, now: number): number
  /** Takes what `waitFor` promised. */
  take(n: number, now: number): void
  /** A reservation for the time `due` will not be used. */
  giveBack(n: number, due: number, now: number): void
  /** Permissions at that time; negative when reserved ahead. */
  available(now: number): number
  /** Takes what is there now, and says how many that were. What is reserved ahead stays reserved. */
  drain(now: number): number
  /** A new rate. What was taken stays taken. */
  change(rate: Rate, now: number): void
}

export interface Rate {
  /** Permissions per period. */
  readonly limit: number
  /** ns. */
  readonly period: number
  /** Permissions that a pause may save up (token bucket). */
  readonly burst: number
  /** ns from cold to full speed, and how much slower it is when cold; none: always warm. */
  readonly warmUp: { readonly duration: number; readonly coldFactor: number } | undefined
}

export const ns = (ms: number) => Math.round(ms * 1e6)

export function rateOf(settings: RateLimiterSettings): Rate {
  const { limitForPeriod, limitRefreshPeriod, burst, warmUp } = settings
  return {
    limit: limitForPeriod,
    period: ns(limitRefreshPeriod),
    burst: burst ?? limitForPeriod,
    warmUp: warmUp && { duration: ns(warmUp.duration), coldFactor: warmUp.coldFactor },
  }
}

export function permissions(settings: RateLimiterSettings, now: number): Permissions {
  const rate = rateOf(settings)
  switch (settings.algorithm) {
    case 'cycle':
      return new Cycles(rate)
    case 'token-bucket':
      return new TokenBucket(rate, now)
    case 'sliding-window':
      return new SlidingWindow(rate)
    case 'smooth':
      return rate.warmUp === undefined ? new Smooth(rate, now) : new WarmUp(rate, now)
  }
}
