/** What surprises about the place of a retry. */
import { number, type Surprise } from './index.ts'

export const retrySurprises: readonly Surprise[] = [
  {
    outer: ['circuitBreaker'],
    inner: ['retry'],
    why: 'it sees only the last try of each call, so it opens later than the failures come',
  },
  {
    outer: ['retry'],
    inner: ['circuitBreaker'],
    why: ({ options }) =>
      options['retryRejections'] === true && 'it repeats rejections, so an open circuit uses up every try of every call',
  },
  {
    outer: ['retry'],
    inner: ['retry'],
    why: (outer, inner) => `up to ${(1 + number(outer, 'attempts')) * (1 + number(inner, 'attempts'))} tries in all`,
  },
  {
    outer: ['timeLimiter'],
    inner: ['retry'],
    why(outer, inner) {
      const [timeout, wait, one] = [number(outer, 'timeoutDuration'), number(inner, 'baseInterval'), number(inner, 'perTryTimeout')]
      if (wait >= timeout) return `its ${timeout} ms may be over in the first wait of up to ${wait} ms, so the retry may never run`
      return one >= timeout && `its ${timeout} ms may be over in one try of up to ${one} ms, so a slow try is never repeated`
    },
  },
  { outer: ['bulkhead'], inner: ['retry'], why: 'a call holds its slot also while it waits to try again' },
]
