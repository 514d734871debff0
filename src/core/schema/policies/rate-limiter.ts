/** Options of the rate limiter: Resilience4j's RateLimiterConfig names. */
import { duration, integer } from '../option.ts'

export const rateLimiterFields = {
  limitForPeriod: integer('Permissions per period.', { default: 50, min: 1 }),
  limitRefreshPeriod: duration('Length of a period.', { default: 500e-6, min: 0, above: true }),
  timeoutDuration: duration('How long a call may wait for a permission.', { default: '5s', min: 0 }),
} as const
