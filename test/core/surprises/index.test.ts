import { expect, test } from 'vitest'
import {
  adaptiveConcurrency,
  bulkhead,
  cache,
  circuitBreaker,
  fallback,
  hedge,
  type Policy,
  pipeline,
  rateLimiter,
  retry,
  timeLimiter,
} from '../../../src/policies/index.ts'

const said = (...row: unknown[]) => pipeline(...(row as Policy[])).describe().warnings ?? []

test('the order of the docs surprises nobody', () => {
  const row = [
    fallback(1),
    cache(),
    timeLimiter({ timeoutDuration: '5s' }),
    retry(),
    hedge(),
    circuitBreaker(),
    rateLimiter(),
    timeLimiter(),
    bulkhead(),
  ]
  expect(said(...row)).toEqual([])
})

test.each<[string, unknown[], RegExp]>([
  ['a breaker outside retry', [circuitBreaker(), retry()], /sees only the last try/],
  ['a breaker outside hedge', [circuitBreaker(), hedge()], /sees only the try that wins/],
  ['a fallback inside retry', [retry(), fallback(1)], /never retries/],
  ['a fallback inside a breaker', [circuitBreaker(), fallback(1)], /never sees a failure/],
  ['rejections retried round a breaker', [retry({ retryRejections: true }), circuitBreaker()], /uses up every try/],
  ['a time limit shorter than the first wait', [timeLimiter({ timeoutDuration: 100 }), retry({ waitDuration: 100 })], /may never run/],
  ['a hedge that comes too late', [hedge({ delay: 100 }), timeLimiter({ timeoutDuration: 100 })], /nothing is ever hedged/],
  ['also when the limit is outside', [timeLimiter({ timeoutDuration: 100 }), hedge({ delay: 200 })], /nothing is ever hedged/],
  ['a limiter outside retry', [rateLimiter(), retry()], /its retries none/],
  ['a bulkhead outside retry', [bulkhead(), retry()], /holds its slot/],
  ['a cache inside a bulkhead', [bulkhead(), cache()], /bulkhead stands outside cache/],
  ['a cache inside retry', [retry(), cache()], /retry stands outside cache/],
  ['a fallback inside a time limit', [timeLimiter(), fallback(1)], /a call whose time is over/],
  ['a fallback inside a bulkhead', [bulkhead(), fallback(1)], /does not answer for what is refused there/],
  ['a fallback inside a cache', [cache(), fallback(1)], /kept as if it were the callee/],
  ['retry inside retry', [retry({ attempts: 3 }), timeLimiter(), retry()], /up to 12 tries/],
  ['retry inside a hedge', [hedge(), retry()], /up to 6 tries/],
  ['a time limit that a slow try uses up', [timeLimiter(), retry({ perTryTimeout: '1s' })], /a slow try is never repeated/],
  ['a time limit inside a shorter one', [timeLimiter(), retry(), timeLimiter({ timeoutDuration: '2s' })], /never acts/],
  ['a time limit shorter than a wait for a slot', [timeLimiter(), bulkhead({ maxWaitDuration: '2s' })], /before it is its turn/],
  ['a time limit shorter than a wait for a permission', [timeLimiter(), rateLimiter()], /before it is its turn/],
  ['waits that are slow calls', [circuitBreaker({ slowCallDurationThreshold: '1s' }), rateLimiter()], /waiting alone can open it/],
  ['a slot held in a wait', [bulkhead(), rateLimiter()], /holds its slot while it waits up to 5000 ms/],
  ['a wait that is measured', [adaptiveConcurrency(), bulkhead({ maxWaitDuration: 10 })], /takes the wait there for a slow callee/],
  ['retries that are measured', [adaptiveConcurrency(), retry()], /one slow call/],
  ['a bulkhead outside a hedge', [bulkhead(), hedge()], /take one slot together/],
  [
    'the same in pipelines of pipelines',
    [pipeline(timeLimiter(), pipeline(circuitBreaker())), pipeline(retry())],
    /sees only the last try/,
  ],
])('%s is said once', (_, row, text) => {
  const warnings = said(...row)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(text)
})

test('the right order of the same two is not said', () => {
  expect(said(retry(), circuitBreaker())).toEqual([])
  expect(said(timeLimiter({ timeoutDuration: 101 }), retry({ waitDuration: 100 }))).toEqual([])
  expect(said(hedge({ delay: { quantile: 0.9 } }), timeLimiter({ timeoutDuration: 1 }))).toEqual([])
  expect(said(cache(), bulkhead())).toEqual([])
})

test('what somebody may well mean is not said', () => {
  const forOne = fallback(1, { handle: 'NOT_FOUND' })
  for (const outer of [retry(), circuitBreaker(), timeLimiter(), bulkhead()]) expect(said(outer, forOne)).toEqual([])
  expect(said(fallback(1), timeLimiter(), fallback(2))).toEqual([])
  expect(said(cache({ cacheable: result => result !== 1 }), fallback(1))).toEqual([])
  expect(said(bulkhead(), rateLimiter({ timeoutDuration: 0 }))).toEqual([])
  expect(said(timeLimiter(), bulkhead())).toEqual([])
  expect(said(adaptiveConcurrency(), bulkhead())).toEqual([])
  expect(said(circuitBreaker(), rateLimiter(), bulkhead({ maxWaitDuration: '1s' }))).toEqual([])
  expect(said(retry(), hedge())).toEqual([])
})
