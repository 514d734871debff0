/** What surprises about the place of a time limiter. */
import { number, type Surprise } from './index.ts'

export const timeLimiterSurprises: readonly Surprise[] = [
  {
    outer: ['timeLimiter'],
    inner: ['timeLimiter'],
    why(outer, inner) {
      const [all, one] = [number(outer, 'timeoutDuration'), number(inner, 'timeoutDuration')]
      return one >= all && `the inner one (${one} ms) never acts before the outer one (${all} ms)`
    },
  },
]
