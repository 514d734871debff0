import { expect, test } from 'vitest'
import {
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
} from '../../src/policies/index.ts'

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
  ['a cache inside a bulkhead', [bulkhead(), cache()], /cache stands inside bulkhead/],
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
