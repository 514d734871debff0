/** A ResiliencePolicy is judged like any other document: options of its policies with their place, before anything is activated. */
import { describe, expect, it } from 'vitest'
import { validate } from '../../../src/rules/validate.ts'

const policy = (block: string) =>
  validate(`apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: p }
spec:
  targets: ["*"]
  ${block}
`)
const said = (block: string) => policy(block).map(({ code, path, line }) => [code, path, line])

describe('ResiliencePolicy', () => {
  it.each([
    [
      'circuitBreaker: { failureRateThreshold: 50, waitDurationInOpenState: 60s, scope: route, recordStatus: [5xx, 429], ignoreErrors: [A] }',
    ],
    ['circuitBreaker: { waitDurationInOpenState: { initial: 1s, multiplier: 2, max: 1m } }'],
    ['bulkhead: { maxConcurrentCalls: 25, maxWaitDuration: 0s, queueCapacity: 0 }'],
    ['rateLimiter: { limitForPeriod: 100, limitRefreshPeriod: 1s, timeoutDuration: 0s }'],
    ['timeLimiter: { timeoutDuration: 2s }'],
    ['fallback: { directResponse: { status: 200, body: { string: "[]" } } }'],
    ['fallback: { destination: { host: reviews, subset: v1 } }'],
    ['cache: { ttl: 1s, maxEntries: 1000, maxBytes: 10Mi, coalesce: true }'],
    ['adaptiveConcurrency: {}'],
    ['hedge: { delay: 50ms, maxHedgedRequests: 1 }'],
    ['hedge: { delay: { quantile: 0.95, initial: 100ms }, methods: [GET] }'],
  ])('accepts %s', block => expect(policy(block)).toEqual([]))

  it.each([
    ['circuitBreaker: { failureRateThreshold: 0 }', 'out-of-range', 'spec.circuitBreaker.failureRateThreshold'],
    ['circuitBreaker: { failureRateTreshold: 50 }', 'unknown-field', 'spec.circuitBreaker.failureRateTreshold'],
    ['circuitBreaker: { waitDurationInOpenState: 60 }', 'wrong-type', 'spec.circuitBreaker.waitDurationInOpenState'],
    ['circuitBreaker: { recordException: x }', 'unknown-field', 'spec.circuitBreaker.recordException'],
    ['circuitBreaker: { recordStatus: [5xx, 1] }', 'out-of-range', 'spec.circuitBreaker.recordStatus[1]'],
    [
      'circuitBreaker: { slidingWindowType: TIME_BASED, slidingWindowSize: 2000, slidingWindowSliceDuration: 1ms }',
      'out-of-range',
      'spec.circuitBreaker.slidingWindowSliceDuration',
    ],
    ['bulkhead: { maxConcurrentCalls: many }', 'wrong-type', 'spec.bulkhead.maxConcurrentCalls'],
    ['bulkhead: [1]', 'wrong-type', 'spec.bulkhead'],
    ['timeLimiter: { timeoutDuration: 0s }', 'out-of-range', 'spec.timeLimiter.timeoutDuration'],
    ['fallback: {}', 'required', 'spec.fallback'],
    ['fallback: { directResponse: {}, destination: { host: a } }', 'conflict', 'spec.fallback.destination'],
    ['fallback: { destination: { subset: v1 } }', 'required', 'spec.fallback.destination'],
    ['cache: { maxBytes: lots }', 'wrong-type', 'spec.cache.maxBytes'],
  ])('refuses %s', (block, code, path) => {
    expect(said(block)).toEqual([[code, expect.stringContaining(path), 6]])
    for (const { hint } of policy(block)) expect(hint).toBeTruthy()
  })

  it('says that a target for calls that come in is for nothing', () => {
    const of = (target: string) =>
      validate(`
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: p }
spec: { targets: [${target}], bulkhead: {} }`).map(d => `${d.severity} ${d.code} ${d.path}: ${d.message}`)
    expect(of('{ workloadSelector: { labels: { app: a } }, methods: [GET] }')).toEqual([
      'warning not-executed spec.targets[0]: calls that come in are not governed: this target is for nothing',
    ])
    expect(of('{ host: a, port: { number: 80 } }')).toEqual(['error wrong-type spec.targets[0].port: the port of a target is a number'])
    expect(of('{ host: a, port: 80 }')).toEqual([])
  })

  it('tells which field was probably meant', () => {
    expect(policy('circuitBreaker: { failureRateTreshold: 50 }')[0]!.hint).toBe('did you mean failureRateThreshold?')
  })
})
