/** What surprises about a policy where calls wait for their turn: the wait is taken for something else further out. */
import { number, type Surprise } from './index.ts'

/** `option`: what bounds the wait. `others`: what else surprises about that policy. */
export function waiting(kind: string, option: string, others: readonly Surprise[] = []): readonly Surprise[] {
  return [
    ...others,
    {
      outer: ['timeLimiter'],
      inner: [kind],
      why(outer, inner) {
        const [timeout, wait] = [number(outer, 'timeoutDuration'), number(inner, option)]
        return wait > timeout && `a call may wait ${wait} ms there, so its ${timeout} ms may be over before it is its turn`
      },
    },
    {
      outer: ['circuitBreaker'],
      inner: [kind],
      why(outer, inner) {
        const [slow, wait] = [number(outer, 'slowCallDurationThreshold'), number(inner, option)]
        return wait > slow && `a call may wait ${wait} ms there and counts as slow after ${slow} ms, so waiting alone can open it`
      },
    },
  ]
}
