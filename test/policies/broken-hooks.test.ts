/**
 * Hooks that throw, reject, or answer something else than they should: the call they are asked about settles, later calls too, nothing is
 * kept, and the process hears of it by a warning and never by an unhandled rejection.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { weightedRouter } from '../../src/index.ts'
import * as all from '../../src/policies/index.ts'

const BROKEN: Record<string, (...args: any[]) => any> = {
  throws: () => {
    throw new Error('hook')
  },
  'throws undefined': () => {
    throw undefined
  },
  rejects: () => Promise.reject(new Error('hook')),
  'never settles': () => new Promise(() => {}),
  'a thenable that throws': () => ({ then: () => { throw new Error('then') } }), // biome-ignore format: short
  undefined: () => undefined,
  null: () => null,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  negative: () => -1,
  text: () => 'nonsense',
  object: () => ({}),
  symbol: () => Symbol('x'),
  function: () => () => {},
}

let commands = 0
const byCommand = (options: object) => ({
  execute: (fn: (call: any) => any) => command(`c${commands++}`, async () => fn(undefined), options).execute(),
})

const { collapse, command, keyed } = all
const { retry, circuitBreaker, fallback, hedge, cache, bulkhead, rateLimiter, adaptiveConcurrency, loadShedder, faultInjector } = all
const HOOKS: Record<string, (hook: any) => { execute(fn: (call: any) => any): Promise<any> }> = {
  'retry.retryOnResult': retryOnResult => retry({ retryOnResult, attempts: 1, backoff: 1 }),
  'retry.retryOnException': retryOnException => retry({ retryOnException, attempts: 1, backoff: 1 }),
  'retry.ignoreException': ignoreException => retry({ ignoreException, attempts: 1, backoff: 1 }),
  'retry.intervalFunction': intervalFunction => retry({ maxAttempts: 2, intervalFunction, retryOnResult: () => true }),
  'retry.consumeResultBeforeRetryAttempt': consumeResultBeforeRetryAttempt =>
    retry({ maxAttempts: 2, waitDuration: 1, retryOnResult: () => true, consumeResultBeforeRetryAttempt }),
  'circuitBreaker.recordResult': recordResult => circuitBreaker({ recordResult }),
  'circuitBreaker.recordException': recordException => circuitBreaker({ recordException }),
  'circuitBreaker.ignoreException': ignoreException => circuitBreaker({ ignoreException }),
  'circuitBreaker.transitionOnResult': transitionOnResult => circuitBreaker({ transitionOnResult }),
  'circuitBreaker.waitDurationInOpenState': waitDurationInOpenState =>
    circuitBreaker({ waitDurationInOpenState, minimumNumberOfCalls: 1, slidingWindowSize: 1 }),
  'fallback.handle': handle => fallback(() => 'instead', { handle }),
  'fallback.handleResult': handleResult => fallback(() => 'instead', { handleResult }),
  'fallback itself': answer => fallback(answer),
  'hedge.handleResult': handleResult => hedge({ delay: 1, handleResult }),
  'cache.key': key => cache({ ttl: 1000, key }),
  'cache.vary': vary => cache({ ttl: 1000, key: () => 'k', vary }),
  'cache.cacheable': cacheable => cache({ ttl: 1000, key: () => 'k', cacheable }),
  'cache.sizeOf': sizeOf => cache({ ttl: 1000, key: () => 'k', maxBytes: 100, sizeOf }),
  'bulkhead.release': release => bulkhead({ maxConcurrentCalls: 1000, release }),
  'rateLimiter.drainPermissionsOnResult': drainPermissionsOnResult => rateLimiter({ limitForPeriod: 1000, drainPermissionsOnResult }),
  'adaptiveConcurrency.isDrop': isDrop => adaptiveConcurrency({ isDrop }),
  'loadShedder.priority': priority => loadShedder(() => 0.1, { priority }),
  'the load of a loadShedder': load => loadShedder(load),
  'faultInjector.when': when => faultInjector({ abort: { httpStatus: 500, percentage: { value: 100 } }, when }),
  'faultInjector.abort.error': error => faultInjector({ abort: { error, percentage: { value: 100 } } }),
  'faultInjector.delay.latency': latency => faultInjector({ delay: { latency, percentage: { value: 100 } } }),
  'weightedRouter.by': by =>
    weightedRouter(
      [
        { destination: { host: 'a' }, weight: 1 },
        { destination: { host: 'b' }, weight: 1 },
      ],
      { by },
    ),
  'keyed, the key': key => keyed(key, () => bulkhead()),
  'keyed, the policy': make => keyed(() => 'k', make as any),
  'collapse.key': key => ({ execute: async fn => collapse(items => [...items], { key })(await fn(undefined)) }),
  'collapse.scope': scope => ({ execute: async fn => collapse(items => [...items], { scope })(await fn(undefined)) }),
  'collapse itself': many => ({ execute: async fn => collapse(many)(await fn(undefined)) }),
  'command.getCacheKey': getCacheKey => byCommand({ getCacheKey, requestContext: () => globalThis }),
  'command.requestContext': requestContext => byCommand({ getCacheKey: () => 'k', requestContext }),
  'command.getFallback': getFallback => byCommand({ getFallback }),
  'command.isBadRequest': isBadRequest => byCommand({ isBadRequest }),
  'command.isNotWrapped': isNotWrapped => byCommand({ isNotWrapped }),
  'command.isUnrecoverable': isUnrecoverable => byCommand({ isUnrecoverable }),
  'a listener': listener => {
    const breaker = circuitBreaker()
    for (const type of ['success', 'error'] as const) breaker.on(type, listener)
    return breaker
  },
}

describe('hooks that break', () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  beforeAll(() => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    process.on('unhandledRejection', note)
  })
  afterAll(() => {
    vi.restoreAllMocks()
    process.off('unhandledRejection', note)
  })

  test.each(Object.keys(HOOKS))('%s', async name => {
    // What makes the answer itself is waited for.
    const waits = / itself$|getFallback/.test(name)
    const settled: Record<string, number> = {}
    for (const [how, hook] of Object.entries(BROKEN)) {
      const policy = HOOKS[name]!(hook)
      settled[how] = waits && how === 'never settles' ? 4 : 0
      const done = () => void settled[how]!++
      const call = (fn: () => unknown) => void policy.execute(fn).then(done, done)
      call(() => 'fine')
      call(() => Promise.resolve({ status: 200 }))
      call(() => Promise.reject(new Error('work')))
      call(() => {
        throw new Error('work')
      })
    }
    await expect.poll(() => Object.entries(settled).filter(([, calls]) => calls < 4), { interval: 2 }).toEqual([])
    await new Promise(setImmediate)
    expect(unhandled.splice(0)).toEqual([])
  })
})
