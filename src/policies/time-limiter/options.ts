/** Options of the time limiter, as code writes them. Described in core/schema/policies, where documents find them too. */
import type { InputOf } from '../../core/schema/index.ts'
import type { timeLimiterFields } from '../../core/schema/policies/time-limiter.ts'

export { timeLimiterFields } from '../../core/schema/policies/time-limiter.ts'

export type TimeLimiterOptions = InputOf<typeof timeLimiterFields>
