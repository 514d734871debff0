/** What surprises about the place of a fallback. */
import type { Description } from '../description.ts'
import type { Surprise } from './index.ts'

/** Whether no failure gets past a fallback. */
const answersAll = ({ options }: Description) => options['handle'] === undefined

export const fallbackSurprises: readonly Surprise[] = [
  { outer: ['retry'], inner: ['fallback'], why: (_, inner) => answersAll(inner) && 'it never sees a failure, so it never retries' },
  { outer: ['circuitBreaker'], inner: ['fallback'], why: (_, inner) => answersAll(inner) && 'the breaker never sees a failure' },
  {
    outer: ['timeLimiter', 'adaptiveConcurrency', 'bulkhead', 'rateLimiter'],
    inner: ['fallback'],
    why: (outer, inner, further) =>
      answersAll(inner) &&
      !further.some(({ kind }) => kind === 'fallback') &&
      `the fallback does not answer for ${outer.kind === 'timeLimiter' ? 'a call whose time is over' : 'what is refused there'}`,
  },
  {
    outer: ['cache'],
    inner: ['fallback'],
    why: ({ options }) => options['cacheable'] === undefined && 'the fallback’s answer is kept as if it were the callee’s',
  },
]
