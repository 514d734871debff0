/** What surprises about the place of an adaptive limit: it measures everything further in. */
import { number, type Surprise } from './index.ts'

const measured = (inner: string, option: string): Surprise => ({
  outer: ['adaptiveConcurrency'],
  inner: [inner],
  why: (_, waits) => number(waits, option) > 0 && 'it takes the wait there for a slow callee',
})

export const adaptiveConcurrencySurprises: readonly Surprise[] = [
  /* @__PURE__ */ measured('bulkhead', 'maxWaitDuration'),
  /* @__PURE__ */ measured('rateLimiter', 'timeoutDuration'),
  { outer: ['adaptiveConcurrency'], inner: ['retry'], why: 'it takes a row of tries and their waits for one slow call' },
]
