import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { BulkheadFullError, CircuitOpenError, isRejection, reject } from '../../../src/core/errors.ts'
import { type CircuitBreakerOptions, circuitBreaker } from '../../../src/policies/circuit-breaker/index.ts'

const small: CircuitBreakerOptions<any> = {
  slidingWindowSize: 4,
  minimumNumberOfCalls: 2,
  permittedNumberOfCallsInHalfOpenState: 2,
  waitDurationInOpenState: 1000,
}
const make = (options: CircuitBreakerOptions<any> = {}, t0 = 0) => {
  const clock = virtualClock(t0)
  return { clock, breaker: circuitBreaker<any>({ ...small, ...options }, { name: 'b', clock, random: () => 0.5 }) }
}
const fails = () => Promise.reject(new Error('down'))

test('opens, rejects with the time to wait, probes, closes', async () => {
  const { clock, breaker } = make()
  for (let i = 0; i < 2; i++) await expect(breaker.execute(fails)).rejects.toThrow('down')
  expect(breaker.state).toBe('OPEN')
  clock.advance(400)
  const refused = await breaker.execute(async () => 1).catch(e => e)
  expect(refused).toBeInstanceOf(CircuitOpenError)
  expect([isRejection(refused), refused.retryAfter, refused.policy]).toEqual([true, 600, 'b'])
  clock.advance(601)
  await breaker.execute(async () => 1)
  await breaker.execute(() => 1)
  expect(breaker.state).toBe('CLOSED')
})

test('rejections and the caller’s abort count for nothing; no abort listener stays', async () => {
  const { breaker } = make()
  await expect(breaker.execute(() => Promise.reject(reject(BulkheadFullError, 'full')))).rejects.toThrow('full')
  const aborter = new AbortController()
  const running = breaker.execute(call => new Promise((_, no) => call.signal.addEventListener('abort', () => no(call.signal.reason))), {
    signal: aborter.signal,
  })
  aborter.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  expect(breaker.metrics.numberOfBufferedCalls).toBe(0)
  expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(0)
})

test('a half-open permit comes back from a rejection, and a hook that throws keeps none', async () => {
  const { breaker } = make({ ignoreException: () => { throw new Error('hook') } }) // biome-ignore format: one line
  breaker.open()
  breaker.halfOpen()
  for (let i = 0; i < 9; i++) await breaker.execute(() => Promise.reject(reject(BulkheadFullError, 'full'))).catch(() => {})
  await expect(breaker.execute(fails)).rejects.toThrow('down')
  await expect(breaker.execute(fails)).rejects.toThrow('down')
  expect(breaker.state).toBe('OPEN')
})

test('data form of the hooks: statuses and error codes', () => {
  const { breaker } = make({
    recordStatus: ['5xx', 429],
    ignoreStatus: [404],
    recordErrors: ['ECONNRESET'],
    ignoreErrors: ['AbortError'],
    slidingWindowSize: 100,
    minimumNumberOfCalls: 100,
  })
  for (const status of [200, 404, 429, 503]) breaker.tryAcquire()!.succeed({ status })
  breaker.tryAcquire()!.fail(new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } }))
  breaker.tryAcquire()!.fail(new DOMException('x', 'AbortError'))
  breaker.tryAcquire()!.fail(new Error('other'))
  expect(breaker.metrics).toMatchObject({ numberOfBufferedCalls: 5, numberOfFailedCalls: 3 })
})

test('consecutive failures open below the minimum', () => {
  const { breaker } = make({ consecutiveFailures: 3, slidingWindowSize: 100, minimumNumberOfCalls: 100 })
  const told: number[] = []
  breaker.on('consecutiveFailuresExceeded', e => told.push(e.count))
  for (const good of [false, false, true, false, false]) good ? breaker.tryAcquire()!.succeed() : breaker.tryAcquire()!.fail(1)
  expect(breaker.state).toBe('CLOSED')
  breaker.tryAcquire()!.fail(1)
  expect([breaker.state, told]).toEqual(['OPEN', [3]])
})

test('opens on one result for as long as Retry-After says', () => {
  const { clock, breaker } = make({ transitionOnResult: r => (r?.retryAfter ? `${r.retryAfter}s` : undefined) })
  breaker.tryAcquire()!.succeed({ retryAfter: 5 })
  expect(breaker.state).toBe('OPEN')
  clock.advance(5000)
  expect(breaker.tryAcquire()).toBeUndefined()
  clock.advance(1)
  expect(breaker.tryAcquire()).toBeDefined()
})

test('a result that is none is not shown to transitionOnResult, as at Resilience4j', () => {
  const shown: unknown[] = []
  const { breaker } = make({ transitionOnResult: (result, error) => (shown.push(result ?? error), undefined) })
  for (const result of [undefined, null, 0, 'x']) breaker.tryAcquire()!.succeed(result)
  breaker.tryAcquire()!.fail('e')
  expect(shown).toEqual([0, 'x', 'e'])
})

describe('openOnRetryAfter: the data form', () => {
  const minute = { status: 503, headers: { 'Retry-After': '60' } }
  const opened = (options: CircuitBreakerOptions<any>, settle: (breaker: ReturnType<typeof make>['breaker']) => void, t0 = 0) => {
    const { breaker } = make(options, t0)
    settle(breaker)
    return breaker.state === 'OPEN' ? breaker.toJSON().remaining : undefined
  }
  const answer = (result: unknown) => (breaker: ReturnType<typeof make>['breaker']) => breaker.tryAcquire()!.succeed(result)

  test('opens for as long as a 503 says, also when that counts as a failure, and tells why', () => {
    const { breaker } = make({ openOnRetryAfter: true, recordStatus: ['5xx'], minimumNumberOfCalls: 4 })
    const causes: string[] = []
    breaker.on('transition', ({ cause }) => causes.push(cause))
    breaker.tryAcquire()!.succeed(minute)
    expect([breaker.state, breaker.toJSON().remaining, breaker.toJSON().attempts, causes]).toEqual([
      'OPEN',
      60_000,
      0,
      ['asked by a result'],
    ])
  })

  test.each<[string, unknown, number | undefined]>([
    ['a Response of fetch', new Response('', { status: 503, headers: { 'retry-after': '2' } }), 2000],
    ['names and values in turn', { status: 503, headers: ['server', 'retry-after', 'RETRY-AFTER', '3'] }, 3000],
    ['a date', { statusCode: 503, headers: { 'retry-after': 'Thu, 01 Jan 1970 00:00:09 GMT' } }, 8000],
    ['a date that has passed', { status: 503, headers: { 'retry-after': 'Thu, 01 Jan 1970 00:00:01 GMT' } }, undefined],
    ['0', { status: 503, headers: { 'retry-after': '0' } }, undefined],
    ['nonsense', { status: 503, headers: { 'retry-after': 'soon' } }, undefined],
    ['another status', { status: 429, headers: { 'retry-after': '2' } }, undefined],
    ['no such header', { status: 503, headers: { 'ratelimit-reset': '2' } }, undefined],
    ['a day', { status: 503, headers: { 'retry-after': '86400' } }, 300_000],
    ['no response', 'text', undefined],
  ])('%s', (_name, result, ms) => expect(opened({ openOnRetryAfter: true }, answer(result), 1000)).toBe(ms))

  test('which statuses, and how long at most', () => {
    const options = { openOnRetryAfter: { statuses: [429, '50x' as any], maxDelay: '10s' } }
    expect(() => make(options)).toThrow('openOnRetryAfter.statuses[1]')
    const right = { openOnRetryAfter: { statuses: [429, '5xx'], maxDelay: '10s' } }
    expect(opened(right, answer({ status: 502, headers: { 'retry-after': '2' } }))).toBe(2000)
    expect(opened(right, answer({ status: 429, headers: { 'retry-after': '60' } }))).toBe(10_000)
    expect(opened(right, answer({ status: 404, headers: { 'retry-after': '60' } }))).toBeUndefined()
  })

  test('the response of an error, and not what is ignored, late or refused', () => {
    const error = Object.assign(new Error('axios'), { response: minute })
    expect(opened({ openOnRetryAfter: true }, breaker => breaker.tryAcquire()!.fail(error))).toBe(60_000)
    expect(opened({ openOnRetryAfter: true, ignoreException: () => true }, breaker => breaker.tryAcquire()!.fail(error))).toBeUndefined()
    const late = (breaker: ReturnType<typeof make>['breaker']) => {
      const permit = breaker.tryAcquire()!
      breaker.reset()
      permit.fail(error)
    }
    expect(opened({ openOnRetryAfter: true }, late)).toBeUndefined()
  })

  test('what the hook says goes first; a response that throws when looked at opens nothing and is counted', () => {
    expect(opened({ openOnRetryAfter: true, transitionOnResult: () => 5 }, answer(minute))).toBe(5)
    const hostile = new Proxy({}, { get: () => { throw new Error('hostile') } }) // biome-ignore format: one line
    const { breaker } = make({ openOnRetryAfter: true })
    breaker.tryAcquire()!.succeed(hostile)
    expect([breaker.state, breaker.metrics.numberOfSuccessfulCalls]).toEqual(['CLOSED', 1])
  })
})

test('a breaker that starts with probing counts them as probes after a first opening', () => {
  const { breaker } = make({ initialState: 'HALF_OPEN', waitDurationInOpenState: attempt => attempt * 1000 })
  for (let i = 0; i < 2; i++) breaker.tryAcquire()!.fail('e')
  expect([breaker.state, breaker.toJSON().attempts, breaker.toJSON().remaining]).toEqual(['OPEN', 2, 2000])
})

test('re-admits by steps after HALF_OPEN', () => {
  const { clock, breaker } = make({ gradualReadmission: { shares: [10, 60], stepDuration: '1s' } })
  breaker.open()
  breaker.halfOpen()
  for (let i = 0; i < 2; i++) breaker.tryAcquire()!.succeed()
  expect([breaker.state, breaker.tryAcquire()]).toEqual(['CLOSED', undefined])
  clock.advance(1000)
  expect(breaker.tryAcquire()).toBeDefined() // random is 0.5, the share is 60 %
  clock.advance(1000)
  expect(breaker.tryAcquire()).toBeDefined()
})

describe('update', () => {
  test('keeps what was counted, in order', () => {
    const { breaker } = make({ slidingWindowSize: 10, minimumNumberOfCalls: 10 })
    for (let i = 0; i < 3; i++) breaker.tryAcquire()!.fail(1)
    for (let i = 0; i < 4; i++) breaker.tryAcquire()!.succeed()
    breaker.update({ slidingWindowSize: 5 })
    expect(breaker.metrics).toMatchObject({ numberOfBufferedCalls: 5, numberOfFailedCalls: 1 })
    breaker.update({ slidingWindowType: 'TIME_BASED' })
    expect(breaker.metrics).toMatchObject({ numberOfBufferedCalls: 5, numberOfFailedCalls: 1 })
  })
  test('fewer probes than have already answered decide at once', () => {
    const { breaker } = make({ permittedNumberOfCallsInHalfOpenState: 4, minimumNumberOfCalls: 4 })
    breaker.open()
    breaker.halfOpen()
    for (let i = 0; i < 2; i++) breaker.tryAcquire()!.succeed()
    breaker.update({ permittedNumberOfCallsInHalfOpenState: 2 })
    expect(breaker.state).toBe('CLOSED')
  })
  test('wrong options change nothing', () => {
    const { breaker } = make()
    expect(() => breaker.update({ slidingWindowSize: 0 })).toThrow('slidingWindowSize')
    breaker.update({})
    expect(breaker.describe().options['slidingWindowSize']).toBe(4)
  })
})

test('a saved state goes on elsewhere with what remained, and a forced one can be released', () => {
  const { clock, breaker } = make()
  breaker.open()
  clock.advance(300)
  const saved = JSON.parse(JSON.stringify(breaker.toJSON()))
  const later = virtualClock(500)
  const restored = circuitBreaker(small, { clock: later, restore: saved })
  expect([restored.state, restored.toJSON().remaining, restored.toJSON().attempts]).toEqual(['OPEN', 500, 1])
  breaker.forceOpen()
  const forced = circuitBreaker(small, { clock: later, restore: breaker.toJSON() })
  expect(forced.tryAcquire()).toBeUndefined()
  forced.close()
  expect(forced.tryAcquire()).toBeDefined()
  expect(() => circuitBreaker(small, { restore: { state: 'AJAR' } as any })).toThrow('toJSON')
})

test('a back-off grows by whole steps to its cap', () => {
  const { breaker } = make({ waitDurationInOpenState: { initial: 500, multiplier: 1.5, max: 1600 } })
  const waits = [500, 750, 1125, 1600, 1600].map(() => {
    breaker.open()
    return breaker.toJSON().remaining
  })
  expect(waits).toEqual([500, 750, 1125, 1600, 1600])
})
