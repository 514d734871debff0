/** Options of a retry budget: Istio's TrafficPolicy.retryBudget. */
import { integer, number } from '../option.ts'

export const retryBudgetFields = {
  percent: number('Extra tries that may be under way or waited for, as a share of the running calls.', {
    default: 20,
    min: 0,
    max: 100,
    unit: '%',
  }),
  minRetryConcurrency: integer('Extra tries that are always allowed, however few calls run.', { default: 3, min: 0 }),
} as const
