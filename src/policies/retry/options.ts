/** Options of retry: Istio's names, and Resilience4j's for code. */
import { boolean, duration, hook, type InputOf, integer, type OptionsOf, object } from '../../core/schema/index.ts'

export const retryFields = {
  attempts: integer('Retries after the first try. Default 2.', { min: 0 }),
  maxAttempts: integer('Tries in all (Resilience4j); not together with `attempts`.', { min: 1 }),
  backoff: duration('Base of the wait before a retry: doubled each time up to ten times itself, of which a random part is waited.', {
    default: 25,
    min: 1,
  }),
  waitDuration: duration('A fixed wait instead (Resilience4j).', { min: 0 }),
  intervalFunction: hook<(attempt: number, outcome: unknown) => number>('ms to wait after try `attempt`; negative: give up.'),
  retryOnResult: hook<(result: any) => boolean>('Whether a result is worth another try.'),
  retryOnException: hook<(error: unknown) => boolean>('Whether an error is. Default: every error but rejections.'),
  ignoreException: hook<(error: unknown) => boolean>('Errors that are never retried. Asked first.'),
  failAfterMaxAttempts: boolean('Whether a result that stays bad becomes an error.', { default: false }),
  maxElapsed: duration('No retry begins later than this after the start.', {}),
  retryBudget: object('Bounds retries to a share of the calls that run.', {
    percent: integer('Retries at once, as a share of running calls.', { default: 20, min: 0, max: 100, unit: '%' }),
    minRetryConcurrency: integer('Retries at once that are always allowed.', { default: 3, min: 0 }),
  }),
} as const

export type RetryOptions = InputOf<typeof retryFields>
export type RetrySettings = OptionsOf<typeof retryFields>
