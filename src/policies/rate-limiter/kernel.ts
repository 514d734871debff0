/**
 * When permissions may be used. Each algorithm keeps its own account; all count integer nanoseconds since the limiter was made and own no clock.
 * A reservation is `waitFor`, then `take` when that wait is acceptable.
 */
import { Cycles } from './cycles.ts'
import type { RateLimiterSettings } from './options.ts'
import type { Permissions, Rate } from './rate.ts'
import { SlidingWindow } from './sliding-window.ts'
import { Smooth } from './smooth.ts'
import { TokenBucket } from './token-bucket.ts'
import { WarmUp } from './warm-up.ts'

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
