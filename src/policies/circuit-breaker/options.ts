/** Options of the circuit breaker: Resilience4j's CircuitBreakerConfig names. */
import type { Duration } from '../../base/time/duration.ts'
import { boolean, duration, hook, type InputOf, integer, number, type OptionsOf, object, oneOf, union } from '../../core/schema/index.ts'
import { STATES } from './transitions.ts'

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
  slidingWindowSize: integer('Calls, or time slices, in the window.', { default: 100, min: 1 }),
  slidingWindowSliceDuration: duration('Width of a slice of a TIME_BASED window.', { default: '1s', min: 1 }),
  minimumNumberOfCalls: integer('No rate is worked out from fewer calls.', { default: 100, min: 1 }),
  permittedNumberOfCallsInHalfOpenState: integer('Calls that may probe in HALF_OPEN.', { default: 10, min: 1 }),
  waitDurationInOpenState: union(
    'How long it stays open: a time, a back-off over openings in a row, or a function of their number (1 for the first).',
    [
      duration('A fixed time.', { min: 1 }),
      object('A back-off.', {
        initial: duration('The first time.', { required: true, min: 1 }),
        multiplier: number('Factor for each further opening in a row.', { default: 1.5, min: 1 }),
        max: duration('Never longer.', { default: Number.MAX_SAFE_INTEGER }),
        randomizationFactor: number('Spread around the time: 0.5 is ±50 %.', { default: 0, min: 0, max: 1 }),
      }),
      hook<(attempt: number) => number>('Gives ms.'),
    ],
    { default: '60s' },
  ),
  maxWaitDurationInHalfOpenState: duration('How long HALF_OPEN may last; 0: until its calls have ended.', { default: 0, min: 0 }),
  transitionToStateAfterWaitDuration: oneOf('Where that leads.', ['OPEN', 'CLOSED'], { default: 'OPEN' }),
  automaticTransitionFromOpenToHalfOpenEnabled: boolean('HALF_OPEN begins by itself when the wait is over, not at the next call.', {
    default: false,
  }),
  initialState: oneOf('State at the start.', STATES, { default: 'CLOSED' }),
  recordResult: hook<(result: any) => boolean>('Whether a result counts as a failure.'),
  recordException: hook<(error: unknown) => boolean>(
    'Whether an error counts as a failure; otherwise it counts as a success. Default: every error.',
  ),
  ignoreException: hook<(error: unknown) => boolean>('Whether an error counts for nothing. Asked first.'),
} as const

/** What a user writes. `R` is what the hooks accept as a result. */
export type CircuitBreakerOptions<R = unknown> = Omit<InputOf<typeof circuitBreakerFields>, 'recordResult' | 'waitDurationInOpenState'> & {
  recordResult?: ((result: R) => boolean) | undefined
  waitDurationInOpenState?:
    | Duration
    | { initial: Duration; multiplier?: number; max?: Duration; randomizationFactor?: number }
    | ((attempt: number) => number)
    | undefined
}

export type CircuitBreakerSettings = OptionsOf<typeof circuitBreakerFields>
