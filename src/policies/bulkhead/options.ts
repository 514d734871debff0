/** Options of the bulkhead, as code writes them. Described in core/schema/policies, where documents find them too. */
import { type InputOf, type OptionsOf, readOptions } from '../../core/schema/index.ts'
import { bulkheadFields } from '../../core/schema/policies/bulkhead.ts'
import type { Limits } from './kernel.ts'

export { bulkheadFields }

/** Options of `bulkhead`. A wrong one throws an `OptionsError` that names every fault. `R`: the results that its hooks accept. */
export type BulkheadOptions<R = unknown> = Omit<InputOf<typeof bulkheadFields>, 'release'> & {
  release?: ((result: R) => PromiseLike<unknown> | undefined) | undefined
}
export type BulkheadSettings = Omit<OptionsOf<typeof bulkheadFields>, 'queueCapacity'> & { readonly queueCapacity: number }

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readBulkheadOptions(options: BulkheadOptions<any>): BulkheadSettings {
  const settings = readOptions(bulkheadFields, options, 'bulkhead')
  return { ...settings, queueCapacity: settings.queueCapacity ?? (settings.maxWaitDuration > 0 ? Infinity : 0) }
}

export function limitsOf({ maxConcurrentCalls, queueCapacity, queueOrder }: BulkheadSettings): Limits {
  return { max: maxConcurrentCalls, capacity: queueCapacity, order: queueOrder }
}
