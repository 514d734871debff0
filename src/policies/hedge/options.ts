/** Options of hedge, as code writes them. Described in core/schema/policies, where documents find them too. */
import { type InputOf, isRecord, type OptionsOf, readOptions } from '../../core/schema/index.ts'
import { hedgeFields } from '../../core/schema/policies/hedge.ts'
import { type Budget, budgetOf, type RetryBudget, type RetryBudgetOptions } from '../retry/budget.ts'

export { hedgeFields } from '../../core/schema/policies/hedge.ts'

/** Options of `hedge`. A wrong one throws an `OptionsError` that names every fault. `R`: the results that its hooks accept. */
export type HedgeOptions<R = unknown> = Omit<InputOf<typeof hedgeFields>, 'handleResult' | 'retryBudget'> & {
  handleResult?: ((result: R) => boolean) | undefined
  retryBudget?: RetryBudget | RetryBudgetOptions | undefined
}

export type HedgeSettings = Omit<OptionsOf<typeof hedgeFields>, 'retryBudget' | 'methods'> & {
  readonly methods: ReadonlySet<string>
  readonly budget: Budget | undefined
}

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readHedgeOptions(options: HedgeOptions<any>): HedgeSettings {
  if (!isRecord(options)) readOptions(hedgeFields, options, 'hedge') // which says so
  const { retryBudget, ...rest } = options ?? {}
  const { methods, ...settings } = readOptions(hedgeFields, rest, 'hedge')
  return { ...settings, methods: new Set(methods.map(method => method.toUpperCase())), budget: budgetOf(retryBudget) }
}
