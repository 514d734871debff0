/**
 * Orders and settings of policies that are valid and will surprise: said by `describe()`, never forbidden. One rule each. What somebody may well mean is not
 * said: a fallback for one kind of error inside a breaker, a bulkhead that nobody waits for.
 */
import type { Description } from './policy.ts'

interface Rule {
  readonly outer: readonly string[]
  readonly inner: readonly string[]
  /** What surprises, or nothing. `further`: what stands further out than `outer`. */
  says(outer: Description, inner: Description, further: readonly Description[]): string | undefined
}

/** Policies that bound how many calls run or begin; the last two may let them wait. */
const MEASURED = ['adaptiveConcurrency', 'bulkhead', 'rateLimiter']
const WAITING = ['bulkhead', 'rateLimiter']
const TAKES: Record<string, string> = { bulkhead: 'one slot', rateLimiter: 'one permission', adaptiveConcurrency: 'one place' }

const RULES: readonly Rule[] = [
  {
    outer: ['circuitBreaker'],
    inner: ['retry'],
    says: () => 'circuitBreaker stands outside retry: it sees only the last try of each call, so it opens later than the failures come',
  },
  {
    outer: ['circuitBreaker'],
    inner: ['hedge'],
    says: () => 'circuitBreaker stands outside hedge: it sees only the try that wins, so slow and failed ones count for nothing',
  },
  {
    outer: ['retry'],
    inner: ['fallback'],
    says: (_, inner) => (answersAll(inner) ? 'fallback stands inside retry: retry never sees a failure, so it never retries' : undefined),
  },
  {
    outer: ['circuitBreaker'],
    inner: ['fallback'],
    says: (_, inner) => (answersAll(inner) ? 'fallback stands inside circuitBreaker: the breaker never sees a failure' : undefined),
  },
  {
    outer: ['timeLimiter', ...MEASURED],
    inner: ['fallback'],
    says: (outer, inner, further) =>
      answersAll(inner) && !further.some(({ kind }) => kind === 'fallback')
        ? `fallback stands inside ${outer.kind}: it does not answer for ${outer.kind === 'timeLimiter' ? 'a call whose time is over' : 'what that refuses'}`
        : undefined,
  },
  {
    outer: ['cache'],
    inner: ['fallback'],
    says: outer =>
      outer.options['cacheable'] === undefined ? 'fallback stands inside cache: its answer is kept as if it were the callee’s' : undefined,
  },
  {
    outer: ['retry'],
    inner: ['circuitBreaker'],
    says: ({ options }) =>
      options['retryRejections'] === true
        ? 'retry repeats rejections round circuitBreaker: an open circuit uses up every try of every call'
        : undefined,
  },
  {
    outer: ['retry', 'hedge'],
    inner: ['retry'],
    says(outer, inner) {
      const tries = (1 + (number(outer, 'attempts') || number(outer, 'maxHedgedRequests') || 0)) * (1 + number(inner, 'attempts'))
      return outer.kind === 'hedge'
        ? `hedge stands outside retry: each hedge is a whole row of tries with its waits, up to ${tries} tries in all`
        : `retry stands inside retry: up to ${tries} tries in all`
    },
  },
  {
    outer: ['timeLimiter'],
    inner: ['retry'],
    says(outer, inner) {
      const [timeout, wait, one] = [number(outer, 'timeoutDuration'), number(inner, 'baseInterval'), number(inner, 'perTryTimeout')]
      if (wait >= timeout)
        return `timeLimiter (${timeout} ms) stands outside retry whose first wait may be ${wait} ms: the retry may never run`
      return one >= timeout
        ? `timeLimiter (${timeout} ms) stands outside retry whose tries may take ${one} ms each: a slow try is never repeated`
        : undefined
    },
  },
  {
    outer: ['timeLimiter'],
    inner: ['timeLimiter'],
    says(outer, inner) {
      const [all, one] = [number(outer, 'timeoutDuration'), number(inner, 'timeoutDuration')]
      return one >= all ? `timeLimiter (${one} ms) stands inside timeLimiter (${all} ms): it never acts` : undefined
    },
  },
  {
    outer: ['timeLimiter', 'hedge'],
    inner: ['timeLimiter', 'hedge'],
    says(one, other) {
      const [limit, hedge] = one.kind === 'hedge' ? [other, one] : [one, other]
      const [timeout, delay] = [number(limit, 'timeoutDuration'), number(hedge, 'delay')]
      return delay >= timeout
        ? `hedge waits ${delay} ms, but timeLimiter ends a try after ${timeout} ms: nothing is ever hedged`
        : undefined
    },
  },
  {
    outer: ['timeLimiter'],
    inner: WAITING,
    says(outer, inner) {
      const [timeout, wait] = [number(outer, 'timeoutDuration'), longestWait(inner)]
      return wait > timeout
        ? `timeLimiter (${timeout} ms) stands outside ${inner.kind} where a call may wait ${wait} ms: its time may be over before it is its turn`
        : undefined
    },
  },
  {
    outer: ['circuitBreaker'],
    inner: WAITING,
    says(outer, inner) {
      const [slow, wait] = [number(outer, 'slowCallDurationThreshold'), longestWait(inner)]
      return wait > slow
        ? `circuitBreaker counts calls of more than ${slow} ms as slow, and a call may wait ${wait} ms in ${inner.kind}: waiting alone can open it`
        : undefined
    },
  },
  {
    outer: ['bulkhead'],
    inner: ['rateLimiter'],
    says: (_, inner) =>
      longestWait(inner) > 0
        ? `bulkhead stands outside rateLimiter: a call holds its slot while it waits up to ${longestWait(inner)} ms`
        : undefined,
  },
  {
    outer: ['adaptiveConcurrency'],
    inner: WAITING,
    says: (_, inner) =>
      longestWait(inner) > 0 ? `adaptiveConcurrency stands outside ${inner.kind}: it takes the wait there for a slow callee` : undefined,
  },
  {
    outer: ['rateLimiter'],
    inner: ['retry'],
    says: () => 'rateLimiter stands outside retry: a call takes one permission, its retries none',
  },
  {
    outer: ['bulkhead'],
    inner: ['retry'],
    says: () => 'bulkhead stands outside retry: a call holds its slot also while it waits to try again',
  },
  {
    outer: ['adaptiveConcurrency'],
    inner: ['retry'],
    says: () => 'adaptiveConcurrency stands outside retry: it takes a row of tries and their waits for one slow call',
  },
  {
    outer: MEASURED,
    inner: ['hedge'],
    says: ({ kind }) => `${kind} stands outside hedge: a call and its hedges take ${TAKES[kind]} together`,
  },
  {
    outer: ['retry', 'circuitBreaker', ...MEASURED],
    inner: ['cache'],
    says: ({ kind }) => `cache stands inside ${kind}: what is at hand has to pass it all the same`,
  },
]

/** Everything that surprises in a row of policies, the first outermost; pipelines in it count as their parts. */
export function surprises(row: readonly Description[]): string[] {
  const flat = row.flatMap(flatten)
  const found = new Set<string>()
  for (const [at, outer] of flat.entries())
    for (const inner of flat.slice(at + 1))
      for (const rule of RULES) {
        if (!rule.outer.includes(outer.kind) || !rule.inner.includes(inner.kind)) continue
        const text = rule.says(outer, inner, flat.slice(0, at))
        if (text !== undefined) found.add(text)
      }
  return [...found]
}

function flatten(description: Description): Description[] {
  return description.kind === 'pipeline' ? (description.inner ?? []).flatMap(flatten) : [description]
}

/** A number among the settings; NaN when it is none, so that no comparison holds. */
function number({ options }: Description, name: string): number {
  const value = options[name]
  return typeof value === 'number' ? value : Number.NaN
}

/** ms for which a call may wait in a bulkhead or a limiter. */
const longestWait = (waits: Description) => number(waits, waits.kind === 'bulkhead' ? 'maxWaitDuration' : 'timeoutDuration')

/** Whether no failure gets past a fallback. */
const answersAll = ({ options }: Description) => options['handle'] === undefined
