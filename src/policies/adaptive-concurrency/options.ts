/** Options of the adaptive limit, as code writes them. Described in core/schema/policies, where documents find them too. */
import { type InputOf, readOptions } from '../../core/schema/index.ts'
import {
  type AdaptiveConcurrencySettings,
  adaptiveConcurrencyFaults,
  adaptiveConcurrencyFields,
} from '../../core/schema/policies/adaptive-concurrency.ts'

export { type AdaptiveConcurrencySettings, adaptiveConcurrencyFields }

/** Options of `adaptiveConcurrency`. A wrong one throws an `OptionsError` that names every fault. `R`: the results that its hooks accept. */
export type AdaptiveConcurrencyOptions<R = unknown> = Omit<InputOf<typeof adaptiveConcurrencyFields>, 'isDrop'> & {
  isDrop?: ((error: unknown, result: R | undefined) => boolean) | undefined
}

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readAdaptiveOptions(options: AdaptiveConcurrencyOptions<any>): AdaptiveConcurrencySettings {
  return readOptions(adaptiveConcurrencyFields, options, 'adaptiveConcurrency', adaptiveConcurrencyFaults)
}
