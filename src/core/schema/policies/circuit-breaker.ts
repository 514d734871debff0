/** Options of the circuit breaker: Resilience4j's CircuitBreakerConfig names, and what they must be together. */
import { type Duration, LONGEST_MS } from '../../../base/time/duration.ts'
import { array, boolean, duration, hook, integer, number, object, oneOf, string, union } from '../option.ts'
import type { Fault } from '../read.ts'
import type { OptionsOf } from '../types.ts'

/** Resilience4j's states. */
export const BREAKER_STATES = ['CLOSED', 'OPEN', 'HALF_OPEN', 'DISABLED', 'FORCED_OPEN', 'METRICS_ONLY'] as const

const statusCode = union('', [integer('', { min: 100, max: 999 }), string('', { pattern: /^[1-9](xx|\d\d)$/ })])

export const circuitBreakerFields = {
  failureRateThreshold: number('Opens when at least this share of the calls in the window failed.', {
    default: 50,
    min: 0,
    above: true,
    max: 100,
    unit: '%',
  }),
  slowCallRateThreshold: number('Opens when at least this share of the calls in the window was slow.', {
    default: 100,
    min: 0,
    above: true,
    max: 100,
    unit: '%',
  }),
  slowCallDurationThreshold: duration('A call that takes longer than this is slow.', { default: '60s', min: 0, above: true }),
  slidingWindowType: oneOf('Whether the window holds the last calls or the last seconds.', ['COUNT_BASED', 'TIME_BASED'], {
    default: 'COUNT_BASED',
  }),
  slidingWindowSize: integer('Calls in the window when COUNT_BASED, seconds when TIME_BASED.', { default: 100, min: 1, max: 10_000_000 }),
  slidingWindowSliceDuration: duration('A TIME_BASED window moves on by this; its slices are aligned to the zero of the clock.', {
    default: '1s',
    min: 1,
  }),
  minimumNumberOfCalls: integer('No rate is worked out from fewer calls than this, so it cannot open on them.', { default: 100, min: 1 }),
  permittedNumberOfCallsInHalfOpenState: integer('Calls that may probe in HALF_OPEN. One beyond them fails with a CircuitOpenError.', {
    default: 10,
    min: 1,
  }),
  waitDurationInOpenState: union(
    'How long it stays open: a time, a back-off over openings in a row, or a function of their number (1 for the first). Meanwhile calls fail with a CircuitOpenError.',
    [
      duration('A fixed time.', { min: 1 }),
      object('A back-off.', {
        initial: duration('The wait after the first opening.', { required: true, min: 1 }),
        multiplier: number('Factor for each further opening in a row.', { default: 1.5, min: 1 }),
        max: duration('The wait is never longer.', { default: LONGEST_MS }),
        randomizationFactor: number('Spread around the time: 0.5 is ±50 %.', { default: 0, min: 0, max: 1 }),
      }),
      hook<(attempt: number) => Duration>('Gives the time.'),
    ],
    { default: '60s' },
  ),
  maxWaitDurationInHalfOpenState: duration('How long HALF_OPEN may last; 0: until its calls have ended.', { default: 0, min: 0 }),
  transitionToStateAfterWaitDuration: oneOf('The state after `maxWaitDurationInHalfOpenState`.', ['OPEN', 'CLOSED'], { default: 'OPEN' }),
  automaticTransitionFromOpenToHalfOpenEnabled: boolean('Whether HALF_OPEN begins by itself when the wait is over, not at the next call.', {
    default: false,
  }),
  initialState: oneOf('State at the start.', BREAKER_STATES, { default: 'CLOSED' }),
  recordResult: hook<(result: any) => boolean>('Whether a result counts as a failure. Default: none does.'),
  recordException: hook<(error: unknown) => boolean>(
    'Whether an error counts as a failure; otherwise it counts as a success. Default: every error.',
  ),
  ignoreException: hook<(error: unknown) => boolean>('Whether an error counts for nothing. Asked first. Default: none does.'),
  recordStatus: array(
    'Results with one of these HTTP statuses are failures, no others: numbers, or classes such as `5xx`. Default: results are no failures.',
    statusCode,
  ),
  ignoreStatus: array('Results with one of these HTTP statuses count for nothing. Default: none.', statusCode),
  recordErrors: array(
    'Errors with one of these codes or names (their own or of their cause) are failures, others count as successes. Default: every error is a failure.',
    string(''),
  ),
  ignoreErrors: array('Errors with one of these codes or names count for nothing. Default: none.', string('')),
  consecutiveFailures: integer('Opens also when so many calls in a row failed, whatever the rates are. Default: it does not.', { min: 1 }),
  transitionOnResult: hook<(result: any, error: unknown) => Duration | boolean | undefined>(
    'Looks at each counted result or error in CLOSED: a duration opens for that long, `true` for the configured wait. Default: it opens by its rates alone.',
  ),
  openOnRetryAfter: union(
    'In CLOSED, one response (or error with one) whose Retry-After says when to come again opens for that long. `true`: a 503, 5 minutes at most.',
    [
      boolean(''),
      object('Which, and how long at most.', {
        statuses: array('Statuses of such responses: numbers, or classes such as `5xx`.', statusCode, { default: [503], minItems: 1 }),
        maxDelay: duration('It never opens for longer than this.', { default: '5m', min: 1 }),
      }),
    ],
    { default: false },
  ),
  gradualReadmission: object('After HALF_OPEN, CLOSED lets through only a growing share of the calls. Default: all at once.', {
    shares: array('Share of the calls let through in each step, e.g. `[10, 30, 60]`.', number('', { min: 0, max: 100, unit: '%' }), {
      required: true,
      minItems: 1,
    }),
    stepDuration: duration('How long each step lasts; all calls pass after the last.', { required: true, min: 1 }),
  }),
} as const

export type CircuitBreakerSettings = OptionsOf<typeof circuitBreakerFields>

/** How many slices a TIME_BASED window has. */
export function slices(settings: Pick<CircuitBreakerSettings, 'slidingWindowSize' | 'slidingWindowSliceDuration'>): number {
  return Math.ceil((settings.slidingWindowSize * 1000) / settings.slidingWindowSliceDuration)
}

/** What no single option can be blamed for. */
export function circuitBreakerFaults(settings: CircuitBreakerSettings): Fault[] {
  if (settings.slidingWindowType !== 'TIME_BASED' || slices(settings) <= 1_000_000) return []
  return [
    {
      path: 'slidingWindowSliceDuration',
      kind: 'range',
      message: `${settings.slidingWindowSliceDuration} ms cuts ${settings.slidingWindowSize} s into ${slices(settings)} slices`,
      hint: 'expected at most 1000000',
    },
  ]
}
