/** Bugs that breakers of other libraries have or had, by their number in the list of peers; none can be shown here. */
import { expect, test } from 'vitest'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import { pipeline } from '../../src/core/pipeline.ts'
import { type CircuitBreakerOptions, circuitBreaker } from '../../src/policies/circuit-breaker/index.ts'
import { retry } from '../../src/policies/retry/index.ts'

const make = (options: CircuitBreakerOptions<any> = {}) => {
  const clock = virtualClock(1_000_000)
  const small = { slidingWindowSize: 4, minimumNumberOfCalls: 2, permittedNumberOfCallsInHalfOpenState: 2, waitDurationInOpenState: 1000 }
  return { clock, breaker: circuitBreaker<any>({ ...small, ...options }, { clock }) }
}

test('A1, 1: late results decide nothing in a later state', () => {
  const { clock, breaker } = make()
  const late = Array.from({ length: 6 }, () => breaker.tryAcquire()!)
  breaker.open()
  clock.advance(1001)
  breaker.tryAcquire()
  for (const permit of late.slice(0, 3)) permit.succeed()
  for (const permit of late.slice(3)) permit.fail(new Error('late'))
  expect([breaker.state, breaker.metrics.numberOfBufferedCalls]).toEqual(['HALF_OPEN', 0])
})

test('A5, A6: releases of an earlier state, or twice, add no half-open permits', () => {
  const { breaker } = make()
  const late = Array.from({ length: 3 }, () => breaker.tryAcquire()!)
  breaker.open()
  breaker.halfOpen()
  const probe = breaker.tryAcquire()!
  for (const permit of [...late, probe, probe]) permit.release()
  const admitted = Array.from({ length: 9 }, () => breaker.tryAcquire()).filter(Boolean)
  expect(admitted).toHaveLength(2)
})

test('A3, 2: a probe that hangs expires; other callers are refused at once and told when to ask again', async () => {
  const { clock, breaker } = make({ maxWaitDurationInHalfOpenState: 500 })
  breaker.open()
  breaker.halfOpen()
  for (let i = 0; i < 2; i++) void breaker.execute(() => new Promise(() => {}))
  const refused = await breaker.execute(() => 1).catch(e => e)
  expect([refused.code, refused.retryAfter]).toEqual(['ERR_CIRCUIT_OPEN', 500])
  clock.advance(500)
  expect(breaker.state).toBe('OPEN')
})

test('B7: reset leaves no timer alive', () => {
  const { clock, breaker } = make({ maxWaitDurationInHalfOpenState: 300, automaticTransitionFromOpenToHalfOpenEnabled: true })
  breaker.open()
  expect(clock.pending).toBe(1)
  breaker.halfOpen()
  breaker.reset()
  expect(clock.pending).toBe(0)
  clock.advance(10_000)
  expect(breaker.state).toBe('CLOSED')
})

test('C10: transitionOnResult without a wait opens for the configured one', () => {
  const { breaker } = make({ transitionOnResult: () => true })
  breaker.tryAcquire()!.succeed('shut')
  expect([breaker.state, breaker.toJSON().remaining]).toEqual(['OPEN', 1000])
})

test('C11: a late result after DISABLED or FORCED_OPEN became OPEN does not throw', () => {
  for (const by of ['disable', 'forceOpen'] as const) {
    const { breaker } = make()
    const late = breaker.tryAcquire()!
    breaker[by]()
    breaker.open()
    expect(() => late.succeed()).not.toThrow()
    expect(breaker.metrics.failureRate).toBe(-1)
  }
})

test('D16, 32: the wall clock decides nothing', () => {
  const { clock, breaker } = make()
  breaker.open()
  clock.setWall(0)
  clock.advance(1000)
  expect(breaker.tryAcquire()).toBeUndefined()
  clock.advance(1)
  expect(breaker.tryAcquire()).toBeDefined()
})

test('D19: 99 of 200 is not 50 %, and 100 % can be reached', () => {
  const { breaker } = make({ slidingWindowSize: 200, minimumNumberOfCalls: 200 })
  for (let i = 0; i < 200; i++) i < 101 ? breaker.tryAcquire()!.succeed() : breaker.tryAcquire()!.fail(1)
  expect([breaker.state, breaker.metrics.failureRate]).toEqual(['CLOSED', 49.5])
  const { breaker: strict } = make({ failureRateThreshold: 100 })
  for (let i = 0; i < 2; i++) strict.tryAcquire()!.fail(1)
  expect(strict.state).toBe('OPEN')
})

test('D20, 6: what is old after an idle time counts no more, in the metrics either', () => {
  const { clock, breaker } = make({ slidingWindowType: 'TIME_BASED', slidingWindowSize: 10, minimumNumberOfCalls: 10 })
  for (let i = 0; i < 9; i++) breaker.tryAcquire()!.fail(1)
  clock.advance(600_000)
  expect(breaker.metrics.numberOfBufferedCalls).toBe(0)
  breaker.tryAcquire()!.fail(1)
  expect(breaker.state).toBe('CLOSED')
})

test('4: a manual forceOpen is undone by nobody but its operator', () => {
  const { clock, breaker } = make({ automaticTransitionFromOpenToHalfOpenEnabled: true })
  breaker.forceOpen()
  clock.advance(1e9)
  expect([breaker.tryAcquire(), breaker.state]).toEqual([undefined, 'FORCED_OPEN'])
})

test('7: the window does not survive a close', () => {
  const { clock, breaker } = make()
  for (let i = 0; i < 2; i++) breaker.tryAcquire()!.fail(1)
  clock.advance(1001)
  for (let i = 0; i < 2; i++) breaker.tryAcquire()!.succeed()
  expect([breaker.state, breaker.metrics.numberOfBufferedCalls]).toEqual(['CLOSED', 0])
})

test('24: a listener that throws changes no outcome', async () => {
  const { breaker } = make()
  breaker.on('success', () => {
    throw new Error('listener')
  })
  expect(await breaker.execute(async () => 1)).toBe(1)
})

test('26, 28: undefined is a result; the options object is copied and left alone', async () => {
  const options = Object.freeze({ slidingWindowSize: 3 })
  expect(await circuitBreaker(options).execute(() => undefined)).toBeUndefined()
  expect(options).toEqual({ slidingWindowSize: 3 })
})

test('37: an open breaker burns no retries', async () => {
  const { breaker } = make()
  breaker.forceOpen()
  let refused = 0
  breaker.on('transition', () => {})
  const guard = pipeline(retry({ attempts: 5 }), breaker)
  await guard.execute(async () => 1).catch(() => refused++)
  expect([refused, breaker.metrics.numberOfNotPermittedCalls]).toEqual([1, 1])
})
