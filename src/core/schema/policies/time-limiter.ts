/** Options of the time limiter: Resilience4j's TimeLimiterConfig names. */
import { boolean, duration } from '../option.ts'

export const timeLimiterFields = {
  timeoutDuration: duration('How long a call may take. One that takes longer fails with a TimeLimitError.', {
    default: '1s',
    min: 0,
    above: true,
  }),
  cancelRunningFuture: boolean('Whether the work is told by its signal that nobody waits any more.', { default: true }),
  cooperative: boolean('Whether the call waits until the work, told by its signal, has really ended; otherwise it fails at once.', {
    default: false,
  }),
} as const
