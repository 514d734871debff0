/** Orders and settings of policies that are valid and will surprise: said by `describe()`, never forbidden. One rule each. */
import type { Description } from './policy.ts'

interface Rule {
  readonly outer: string
  readonly inner: string
  /** What surprises, or nothing. */
  says(outer: Description, inner: Description): string | undefined
}

const RULES: readonly Rule[] = [
  {
    outer: 'circuitBreaker',
    inner: 'retry',
    says: () => 'circuitBreaker stands outside retry: it sees only the last try of each call, so it opens later than the failures come',
  },
  {
    outer: 'circuitBreaker',
    inner: 'hedge',
    says: () => 'circuitBreaker stands outside hedge: it sees only the try that wins, so slow and failed ones count for nothing',
  },
  {
    outer: 'retry',
    inner: 'fallback',
    says: () => 'fallback stands inside retry: retry never sees a failure, so it never retries',
  },
  {
    outer: 'circuitBreaker',
    inner: 'fallback',
    says: () => 'fallback stands inside circuitBreaker: the breaker never sees a failure',
  },
  {
    outer: 'retry',
    inner: 'circuitBreaker',
    says: ({ options }) =>
      options['retryRejections'] === true
        ? 'retry repeats rejections round circuitBreaker: an open circuit uses up every try of every call'
        : undefined,
  },
  {
    outer: 'timeLimiter',
    inner: 'retry',
    says(outer, inner) {
      const [timeout, wait] = [ms(outer, 'timeoutDuration'), ms(inner, 'baseInterval')]
      return wait >= timeout
        ? `timeLimiter (${timeout} ms) stands outside retry whose first wait may be ${wait} ms: the retry may never run`
        : undefined
    },
  },
  ...['timeLimiter', 'hedge'].map((outer): Rule => {
    const inner = outer === 'hedge' ? 'timeLimiter' : 'hedge'
    return {
      outer,
      inner,
      says(one, other) {
        const [limit, hedge] = outer === 'hedge' ? [other, one] : [one, other]
        const [timeout, delay] = [ms(limit, 'timeoutDuration'), ms(hedge, 'delay')]
        return delay >= timeout
          ? `hedge waits ${delay} ms, but timeLimiter ends a try after ${timeout} ms: nothing is ever hedged`
          : undefined
      },
    }
  }),
  {
    outer: 'rateLimiter',
    inner: 'retry',
    says: () => 'rateLimiter stands outside retry: a call takes one permission, its retries none',
  },
  {
    outer: 'bulkhead',
    inner: 'retry',
    says: () => 'bulkhead stands outside retry: a call holds its slot also while it waits to try again',
  },
  ...['retry', 'circuitBreaker', 'rateLimiter', 'bulkhead'].map(
    (outer): Rule => ({ outer, inner: 'cache', says: () => `cache stands inside ${outer}: what is at hand has to pass it all the same` }),
  ),
]

/** Everything that surprises in a row of policies, the first outermost; pipelines in it count as their parts. */
export function surprises(row: readonly Description[]): string[] {
  const flat = row.flatMap(flatten)
  const found = new Set<string>()
  for (const [at, outer] of flat.entries())
    for (const inner of flat.slice(at + 1))
      for (const rule of RULES) {
        if (rule.outer !== outer.kind || rule.inner !== inner.kind) continue
        const text = rule.says(outer, inner)
        if (text !== undefined) found.add(text)
      }
  return [...found]
}

function flatten(description: Description): Description[] {
  return description.kind === 'pipeline' ? (description.inner ?? []).flatMap(flatten) : [description]
}

/** A time among the settings; NaN when it is none, so that no comparison holds. */
function ms({ options }: Description, name: string): number {
  const value = options[name]
  return typeof value === 'number' ? value : Number.NaN
}
