/** Options of the rate limiter, as code writes them. Described in core/schema/policies, where documents find them too. */
import { type InputOf, type OptionsOf, readOptions } from '../../core/schema/index.ts'
import { rateLimiterFaults, rateLimiterFields } from '../../core/schema/policies/rate-limiter.ts'

export { rateLimiterFields }

/** Options of `rateLimiter`. A wrong one throws an `OptionsError` that names every fault. `R`: the results that its hooks accept. */
export type RateLimiterOptions<R = unknown> = Omit<InputOf<typeof rateLimiterFields>, 'drainPermissionsOnResult'> & {
  drainPermissionsOnResult?: ((result: R | undefined, error: unknown) => boolean) | undefined
}
export type RateLimiterSettings = OptionsOf<typeof rateLimiterFields>

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readRateLimiterOptions(options: RateLimiterOptions<any>): RateLimiterSettings {
  return readOptions(rateLimiterFields, options, 'rateLimiter', rateLimiterFaults)
}
