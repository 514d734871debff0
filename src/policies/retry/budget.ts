/**
 * A retry budget: extra tries may only be a share of the calls that run, so that retries and hedges cannot multiply the load on a callee
 * that is in trouble. Envoy's rule: max(minRetryConcurrency, percent of the running calls), cut to a whole number.
 */
import { type InputOf, type OptionsOf, readOptions } from '../../core/schema/index.ts'
import { retryBudgetFields } from '../../core/schema/policies/retry-budget.ts'

/** Options of `retryBudget`. A wrong one throws an `OptionsError` that names every fault. */
export type RetryBudgetOptions = InputOf<typeof retryBudgetFields>

export class Budget {
  #settings: OptionsOf<typeof retryBudgetFields>
  #extra = 0
  #refused = 0
  readonly #running = new Set<object>()

  constructor(options: RetryBudgetOptions = {}) {
    this.#settings = readOptions(retryBudgetFields, options, 'retryBudget')
  }

  /** A call begins. False: it is counted already, by another policy round the same call. */
  enter(call: object): boolean {
    if (this.#running.has(call)) return false
    this.#running.add(call)
    return true
  }

  leave(call: object): void {
    this.#running.delete(call)
  }

  /** Takes a place for one extra try, or not. */
  take(): boolean {
    if (this.#extra < this.limit) {
      this.#extra++
      return true
    }
    this.#refused++
    return false
  }

  /** The extra try has ended. */
  giveBack(): void {
    this.#extra--
  }

  /** Extra tries allowed at this moment. */
  get limit(): number {
    return Math.max(Math.trunc((this.#settings.percent / 100) * this.#running.size), this.#settings.minRetryConcurrency)
  }

  get metrics(): RetryBudgetMetrics {
    return { running: this.#running.size, extra: this.#extra, limit: this.limit, refused: this.#refused }
  }

  get settings(): OptionsOf<typeof retryBudgetFields> {
    return this.#settings
  }

  /** Changes options; who has a place keeps it. */
  update(options: RetryBudgetOptions): void {
    this.#settings = readOptions(retryBudgetFields, { ...this.#settings, ...options }, 'retryBudget')
  }
}

export interface RetryBudgetMetrics {
  /** Calls that run under policies with this budget. */
  readonly running: number
  /** Extra tries under way or waited for. */
  readonly extra: number
  readonly limit: number
  /** Extra tries that were not made. */
  readonly refused: number
}

/** A budget that several policies share: give the same object to each. */
export interface RetryBudget {
  readonly metrics: RetryBudgetMetrics
  update(options: RetryBudgetOptions): void
}

/**
 * Makes a budget for extra tries, to be shared by retries and hedges.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const budget = retryBudget({ percent: 20, minRetryConcurrency: 3 })
 * const guard = pipeline(retry({ retryBudget: budget }), hedge({ delay: '50ms', retryBudget: budget }))
 * console.log(await guard.execute(async () => 'well')) // => well
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  return new Budget(options)
}

/** The budget itself, or a new one from options. */
export function budgetOf(given: RetryBudget | RetryBudgetOptions | undefined): Budget | undefined {
  return given === undefined || given instanceof Budget ? given : new Budget(given as RetryBudgetOptions)
}
