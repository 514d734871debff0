/** What surprises about the place of hedging. */
import type { Description } from '../description.ts'
import { number, type Surprise } from './index.ts'

const tooLate = (limit: Description, hedge: Description) => {
  const [timeout, delay] = [number(limit, 'timeoutDuration'), number(hedge, 'delay')]
  return delay >= timeout && `the limit ends a try after ${timeout} ms, a hedge waits ${delay} ms: nothing is ever hedged`
}

const TAKES: Readonly<Record<string, string>> = {
  bulkhead: 'one slot',
  rateLimiter: 'one permission',
  adaptiveConcurrency: 'one place',
}

export const hedgeSurprises: readonly Surprise[] = [
  { outer: ['circuitBreaker'], inner: ['hedge'], why: 'it sees only the try that wins, so slow and failed ones count for nothing' },
  {
    outer: ['hedge'],
    inner: ['retry'],
    why: (outer, inner) =>
      `each hedge is a whole row of tries with its waits, up to ${(1 + number(outer, 'maxHedgedRequests')) * (1 + number(inner, 'attempts'))} tries in all`,
  },
  { outer: ['timeLimiter'], inner: ['hedge'], why: tooLate },
  { outer: ['hedge'], inner: ['timeLimiter'], why: (hedge, limit) => tooLate(limit, hedge) },
  {
    outer: ['adaptiveConcurrency', 'bulkhead', 'rateLimiter'],
    inner: ['hedge'],
    why: ({ kind }) => `a call and its hedges take ${TAKES[kind]} together`,
  },
]
