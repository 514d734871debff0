/** What somebody writes who has not read the page: each is refused, with words that mend it. */
import { expect, test } from 'vitest'
import * as policies from '../../src/policies/index.ts'

const {
  adaptiveConcurrency,
  bulkhead,
  cache,
  circuitBreaker,
  collapse,
  command,
  faultInjector,
  hedge,
  keyed,
  rateLimiter,
  registry,
  retry,
} = policies as any
const { timeLimiter } = policies as any

const ALL = { adaptiveConcurrency, bulkhead, cache, circuitBreaker, faultInjector, hedge, rateLimiter, retry, timeLimiter }

test.each(Object.entries(ALL))('%s: options that are none', (name, make) => {
  for (const wrong of [5, 'x', [], [5], true]) {
    const refused = () => make(wrong)
    expect(refused, JSON.stringify(wrong)).toThrow(`${name}: ${JSON.stringify(wrong)} is not an object (expected fields such as `)
  }
  expect(() => make(null)).not.toThrow()
  expect(() => make(undefined)).not.toThrow()
})

test.each<[string, () => unknown, string]>([
  ['not a number', () => circuitBreaker({ failureRateThreshold: Number.NaN }), 'failureRateThreshold: NaN is not a number'],
  [
    'a list of classes for a hook',
    () => circuitBreaker({ recordException: [TypeError] }),
    'recordException: ["TypeError"] is not a function',
  ],
  ['open with a text', () => circuitBreaker().open('5s'), 'open: expected { for: duration }'],
  ['bounds the wrong way round', () => adaptiveConcurrency({ minLimit: 50, maxLimit: 10 }), 'minLimit: 50 is above maxLimit, 10'],
  ['a key that is none', () => keyed('host', () => circuitBreaker()), 'call => call.host'],
  ['keys of nothing', () => keyed((call: any) => call.host), 'makes a policy'],
  ['a batch without work', () => collapse({ maxSize: 5 }), 'answers many at once'],
  ['a command without a name', () => command(() => 1), "command('GetUser'"],
  ['a command without work', () => command('x', {}), 'command x: expected the function'],
  ['a misspelt registry', () => registry({ config: {} }), 'registry: config: unknown option (did you mean configs?)'],
])('%s', (_, make, words) => expect(make).toThrow(words))

test('the known names are listed once, however many are wrong', () => {
  let text = ''
  try {
    circuitBreaker({ errorThresholdPercentage: 50, resetTimeout: 1000, volumeThreshold: 5 })
  } catch (error) {
    text = (error as Error).message
  }
  expect(text.match(/unknown option/g)).toHaveLength(3)
  expect(text.match(/known: /g)).toHaveLength(1)
})

test('a limit that may be at most 10 never is above, although 20 is the usual least', () => {
  for (const algorithm of ['aimd', 'gradient2', 'vegas'] as const) {
    const adaptive = adaptiveConcurrency({ algorithm, initialLimit: 5, maxLimit: 10 })
    for (let i = 0; i < 200; i++) adaptive.sample(i, 1 + (i % 3), 10, false)
    expect(adaptive.limit, algorithm).toBeLessThanOrEqual(10)
  }
})
