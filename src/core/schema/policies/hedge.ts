/** Options of hedging: a second try beside the first when it is slow. The last two are for code only. */
import { LONGEST_MS } from '../../../base/time/duration.ts'
import { array, duration, hook, integer, number, object, string, union } from '../option.ts'
import { retryBudgetFields } from './retry-budget.ts'

export const hedgeFields = {
  delay: union(
    'How long a try may be alone before another is started beside it: a time, or `{ quantile, initial, minimumNumberOfCalls, window, min, max }` of what the calls of late took.',
    [
      duration('A fixed time.', { min: 0 }),
      object('A quantile of the latencies of late.', {
        quantile: number('The share of calls, 0 to 1, that are faster than the delay: with 0.95 only one call in twenty is hedged.', {
          required: true,
          min: 0,
          above: true,
          max: 1,
        }),
        initial: duration('Used until there were enough calls. Default: nothing is hedged until then.', { min: 0 }),
        minimumNumberOfCalls: integer('So many calls must have been timed.', { default: 20, min: 1 }),
        window: duration('Latencies older than one to two of these are forgotten.', { default: '1m', min: 1 }),
        min: duration('The delay is never shorter.', { default: 1, min: 0 }),
        max: duration('The delay is never longer.', { default: LONGEST_MS, min: 0 }),
      }),
    ],
    { default: '50ms' },
  ),
  maxHedgedRequests: integer('Further tries, beside the first.', { default: 1, min: 1, max: 10 }),
  methods: array('Calls with another HTTP method are not hedged; those without a method are.', string(''), {
    default: ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'],
  }),
  handleResult: hook<(result: any) => boolean>(
    'Whether a result is as bad as an error: it does not win while another try may still answer. Default: none is.',
  ),
  retryBudget: object(
    'Bounds hedges to a share of the calls that run: options, or a `retryBudget()` shared with others. Default: no bound.',
    retryBudgetFields,
    { codeOnly: true },
  ),
} as const
