/** What surprises about the place of a cache. */
import type { Surprise } from './index.ts'

export const cacheSurprises: readonly Surprise[] = [
  {
    outer: ['retry', 'circuitBreaker', 'adaptiveConcurrency', 'bulkhead', 'rateLimiter'],
    inner: ['cache'],
    why: 'what is at hand has to pass it all the same',
  },
]
