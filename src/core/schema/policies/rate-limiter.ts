/** Options of the rate limiter: Resilience4j's RateLimiterConfig names, other algorithms, and what they must be together. */
import { duration, hook, integer, number, object, oneOf } from '../option.ts'
import type { Fault } from '../read.ts'
import type { OptionsOf } from '../types.ts'

export const rateLimiterFields = {
  limitForPeriod: integer('Permissions per period: calls that may begin in it.', { default: 50, min: 1 }),
  limitRefreshPeriod: duration('Length of a period.', { default: 500e-6, min: 0, above: true }),
  timeoutDuration: duration(
    'How long a call may wait for a permission. One that would have to wait longer fails at once with a RateLimitedError.',
    { default: '5s', min: 0 },
  ),
  algorithm: oneOf(
    'How permissions come: all at the start of each period (Resilience4j), evenly into a bucket, never more in any span of a period, or evenly spaced.',
    ['cycle', 'token-bucket', 'sliding-window', 'smooth'],
    { default: 'cycle' },
  ),
  burst: integer('Permissions that a pause may save up (`token-bucket`). Default: `limitForPeriod`.', { min: 1 }),
  warmUp: object('After a pause the rate begins low and rises (`smooth`). Default: it does not.', {
    duration: duration('How long it takes to reach the full rate.', { required: true, min: 1 }),
    coldFactor: number('How many times slower it begins.', { default: 3, min: 1, above: true }),
  }),
  drainPermissionsOnResult: hook<(result: any, error: unknown) => boolean>(
    'Looks at each result or error of a call: `true` takes all permissions that are left, e.g. after a 429. Default: nothing is taken.',
  ),
} as const

type RateLimiterSettings = OptionsOf<typeof rateLimiterFields>

/** What no single option can be blamed for. */
export function rateLimiterFaults({ algorithm, burst, warmUp, limitRefreshPeriod }: RateLimiterSettings): Fault[] {
  const faults: Fault[] = []
  if (burst !== undefined && algorithm !== 'token-bucket')
    faults.push({ path: 'burst', kind: 'value', message: `algorithm ${algorithm} has no bucket`, hint: 'use algorithm token-bucket' })
  if (warmUp !== undefined && algorithm !== 'smooth')
    faults.push({ path: 'warmUp', kind: 'value', message: `algorithm ${algorithm} does not warm up`, hint: 'use algorithm smooth' })
  if (Math.round(limitRefreshPeriod * 1e6) < 1)
    faults.push({
      path: 'limitRefreshPeriod',
      kind: 'range',
      message: `${limitRefreshPeriod} ms is less than 1 ns`,
      hint: 'expected at least 1ns',
    })
  return faults
}
