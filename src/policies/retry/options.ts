/** Options of retry: Istio's names, and Resilience4j's for code. */
import type { ErrorKind } from '../../core/error-kinds.ts'
import { OptionsError } from '../../core/errors.ts'
import {
  array,
  boolean,
  duration,
  hook,
  type InputOf,
  integer,
  isRecord,
  type Option,
  type OptionsOf,
  object,
  readOptions,
  string,
  union,
} from '../../core/schema/index.ts'
import { retryBudgetFields } from '../../core/schema/policies/retry-budget.ts'
import { type Budget, budgetOf, type RetryBudget, type RetryBudgetOptions } from './budget.ts'
import type { IntervalFunction } from './intervals.ts'
import { type RetryOn, readRetryOn } from './retry-on.ts'

const kind = union('', [string(''), hook<any>('')]) as Option<ErrorKind, ErrorKind | undefined>

export const retryFields = {
  attempts: integer('Retries after the first try (Istio): 2 are up to three tries. Default 2.', { min: 0 }),
  maxAttempts: integer(
    'Tries in all (Resilience4j): 3 are the first and two retries. Not together with `attempts`. Default: `attempts` counts.',
    { min: 1 },
  ),
  backoff: duration('Base of the wait before a retry: doubled each time up to ten times itself, of which a random part is waited.', {
    default: 25,
    min: 1,
  }),
  waitDuration: duration('A fixed wait instead of `backoff` (Resilience4j). Default: `backoff`.', { min: 0 }),
  intervalFunction: hook<IntervalFunction>(
    'ms to wait after try `attempt`, given `(attempt, error, result, random)`; negative: give up. See `IntervalFunction`. Default: `backoff`.',
  ),
  perTryTimeout: duration(
    'How long each try may take (Istio). A try that takes longer fails with a TimeLimitError. Default: as long as it likes.',
    { min: 1 },
  ),
  retryOn: string(
    'Which HTTP outcomes are worth another try (Istio): words and status codes with commas between. Looks at results that are responses, at errors that carry one and at errors of connections; other errors are retried as ever. Default: results are not looked at.',
  ),
  retryIgnorePreviousHosts: boolean('Whether a retry goes to an endpoint that was not tried yet, where `upstream` chooses it (Istio).', {
    default: true,
  }),
  retryOnResult: hook<(result: any) => boolean>('Whether a result is worth another try. Default: none is.'),
  retryExceptions: array('Only errors of these classes, codes or names are retried. Default: every error.', kind),
  retryOnException: hook<(error: unknown) => boolean>(
    'Only errors of which this is true are retried; with `retryExceptions`, those of either. Default: every error.',
  ),
  ignoreExceptions: array('Errors of these classes, codes or names are never retried. Looked at first. Default: none.', kind),
  ignoreException: hook<(error: unknown) => boolean>('Errors of which this is true are never retried. Looked at first. Default: none.'),
  retryRejections: boolean(
    'Whether answers of other policies that never reached the callee (an open circuit, a full bulkhead) are retried.',
    {
      default: false,
    },
  ),
  methods: array(
    'Only calls with one of these HTTP methods are retried, and those without a method; others only when the request certainly did not reach the server. Default: GET, HEAD, OPTIONS, TRACE, PUT, DELETE, QUERY and requests with an Idempotency-Key; any other method for those outcomes only that `retryOn`, `retryOnResult`, `retryExceptions` or `retryOnException` name.',
    string(''),
  ),
  failAfterMaxAttempts: boolean(
    'Whether a result that stays bad to the last try becomes a MaxRetriesExceededError; otherwise it is given as it is.',
    { default: false },
  ),
  consumeResultBeforeRetryAttempt: hook<(attempt: number, result: any) => void>(
    'Gets a result that is about to be thrown away for another try. Default: the body of a response is cancelled.',
  ),
  maxElapsed: duration('No retry begins later than this after the start. Default: no bound.', { min: 0 }),
  maxRetryAfter: duration(
    'The longest wait that a callee may ask for by Retry-After or the like; if it asks for more, nothing is retried.',
    {
      default: '5m',
      min: 0,
    },
  ),
  retryBudget: object(
    'Bounds retries to a share of the calls that run: options, or a `retryBudget()` shared with others. Default: no bound.',
    retryBudgetFields,
  ),
} as const

/** Options of `retry`. A wrong one throws an `OptionsError` that names every fault. `R`: the results that its hooks accept. */
export type RetryOptions<R = unknown> = Omit<
  InputOf<typeof retryFields>,
  'retryOnResult' | 'consumeResultBeforeRetryAttempt' | 'retryBudget' | 'intervalFunction'
> & {
  retryOnResult?: ((result: R) => boolean) | undefined
  consumeResultBeforeRetryAttempt?: ((attempt: number, result: R) => void) | undefined
  intervalFunction?: IntervalFunction | undefined
  retryBudget?: RetryBudget | RetryBudgetOptions | undefined
}

export type RetrySettings = Omit<OptionsOf<typeof retryFields>, 'attempts' | 'maxAttempts' | 'retryOn' | 'maxElapsed' | 'retryBudget'> & {
  readonly retries: number
  readonly maxElapsed: number
  readonly retryOn: RetryOn | undefined
  readonly budget: Budget | undefined
}

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readRetryOptions(options: RetryOptions<any>): RetrySettings {
  if (!isRecord(options)) readOptions(retryFields, options, 'retry') // which says so
  const { retryBudget, ...rest } = options ?? {}
  const { attempts, maxAttempts, retryOn, maxElapsed = Infinity, ...settings } = readOptions(retryFields, rest, 'retry')
  if (attempts !== undefined && maxAttempts !== undefined)
    throw new OptionsError('retry: attempts (retries, as in Istio) and maxAttempts (tries in all, as in Resilience4j) cannot both be given')
  const on = retryOn === undefined ? undefined : readRetryOn(retryOn)
  if (typeof on === 'string') throw new OptionsError(`retry: retryOn: ${on}`)
  const retries = attempts ?? (maxAttempts === undefined ? 2 : maxAttempts - 1)
  return { ...settings, retries, maxElapsed, retryOn: on, budget: budgetOf(retryBudget) }
}
