/** Options of the time limiter, as code writes them. Described in core/schema/policies, where documents find them too. */
import { OptionsError } from '../../core/errors.ts'
import { type InputOf, type OptionsOf, readOptions } from '../../core/schema/index.ts'
import { timeLimiterFields } from '../../core/schema/policies/time-limiter.ts'

export { timeLimiterFields } from '../../core/schema/policies/time-limiter.ts'

/** Options of `timeLimiter`. A wrong one throws an `OptionsError` that names every fault. */
export type TimeLimiterOptions = InputOf<typeof timeLimiterFields>
export type TimeLimiterSettings = OptionsOf<typeof timeLimiterFields>

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readTimeLimiterOptions(options: TimeLimiterOptions): TimeLimiterSettings {
  const settings = readOptions(timeLimiterFields, options, 'timeLimiter')
  if (settings.cooperative && !settings.cancelRunningFuture)
    throw new OptionsError(
      'timeLimiter: cooperative: the work must be told by its signal that it is late (leave cancelRunningFuture at true, or cooperative at false)',
    )
  return settings
}
