/** Options of hedge, as code writes them. Described in core/schema/policies, where documents find them too; hook and budget are for code only. */
import { hook, type InputOf, type OptionsOf, object, readOptions } from '../../core/schema/index.ts'
import { hedgeFields as shared } from '../../core/schema/policies/hedge.ts'
import { type Budget, budgetFields, budgetOf, type RetryBudget, type RetryBudgetOptions } from '../retry/budget.ts'

export const hedgeFields = {
  ...shared,
  handleResult: hook<(result: any) => boolean>(
    'Whether a result is as bad as an error: it does not win while another try may still answer.',
  ),
  retryBudget: object('Bounds hedges to a share of the calls that run: options, or a `retryBudget()` shared with others.', budgetFields),
} as const

/** What a user writes. `R` is what the hook accepts as a result. */
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
  const { retryBudget, ...rest } = options
  const { methods, ...settings } = readOptions(hedgeFields, rest, 'hedge')
  return { ...settings, methods: new Set(methods.map(method => method.toUpperCase())), budget: budgetOf(retryBudget) }
}
