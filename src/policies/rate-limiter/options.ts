/** Options of the rate limiter, as code writes them. Described in core/schema/policies, where documents find them too. */
import type { InputOf, OptionsOf } from '../../core/schema/index.ts'
import type { rateLimiterFields } from '../../core/schema/policies/rate-limiter.ts'

export { rateLimiterFields } from '../../core/schema/policies/rate-limiter.ts'

export type RateLimiterOptions = InputOf<typeof rateLimiterFields>
export type RateLimiterSettings = OptionsOf<typeof rateLimiterFields>
