/** D: windows and clocks. */
import { expect, test } from 'vitest'
import { CountWindow } from '../../src/base/stats/count-window.ts'
import { TimeWindow } from '../../src/base/stats/time-window.ts'
import { seededRandom } from '../../src/base/time/random.ts'
import { BreakerKernel } from '../../src/policies/circuit-breaker/kernel.ts'
import { readBreakerOptions } from '../../src/policies/circuit-breaker/options.ts'
import { make, permits } from './breaker.ts'

const time = { slidingWindowType: 'TIME_BASED', slidingWindowSize: 10, minimumNumberOfCalls: 10 } as const

test('D13: a time that steps back pushes no call into the future, and the window recovers', () => {
  const hooks = { transition() {}, rateExceeded() {}, consecutiveFailuresExceeded() {} }
  const kernel = new BreakerKernel(readBreakerOptions({ ...time, minimumNumberOfCalls: 10_000 }), 100_000, () => 0, hooks)
  let now = 99_000 // a second back
  for (let i = 0; i < 60 * 50; i++) kernel.record(kernel.generation, false, false, (now += 20))
  expect(kernel.metrics(now).numberOfBufferedCalls).toBeGreaterThanOrEqual(9 * 50)
  expect(kernel.metrics(now + 10_000).numberOfBufferedCalls).toBe(0)
})

test('D14: every window reads the clock it was given, also one of a single slice', () => {
  const { clock, breaker } = make({ ...time, slidingWindowSize: 1, minimumNumberOfCalls: 5 })
  for (let i = 0; i < 4; i++) breaker.tryAcquire()!.fail(1)
  clock.advance(1000)
  for (let i = 0; i < 4; i++) breaker.tryAcquire()!.fail(1)
  expect([breaker.state, breaker.metrics.numberOfBufferedCalls]).toEqual(['CLOSED', 4])
  breaker.tryAcquire()!.fail(1)
  expect(breaker.state).toBe('OPEN')
})

test('D15: every sum loses what leaves the window: none goes below zero', () => {
  const random = seededRandom(15)
  for (const window of [new CountWindow(7), new TimeWindow(5, 10, 0)]) {
    for (let now = 0; now < 20_000; now += Math.floor(random() * 9)) {
      window.record(Math.floor(random() * 4), now)
      const { calls, failed, slow, slowFailed } = window.read(now)
      expect(slowFailed >= 0 && slowFailed <= Math.min(failed, slow) && failed + slow - slowFailed <= calls).toBe(true)
    }
  }
})

test('D16: the wall clock decides nothing', () => {
  const { clock, breaker } = make({ maxWaitDurationInHalfOpenState: 500 })
  breaker.open()
  clock.setWall(clock.wall() + 3_600_000)
  clock.advance(1000)
  expect(breaker.tryAcquire()).toBeUndefined()
  clock.advance(1)
  expect(breaker.tryAcquire()).toBeDefined()
  clock.setWall(0)
  clock.advance(500)
  expect(breaker.state).toBe('OPEN')
})

test('D17: calls do not vanish at a slice boundary, nor stay a slice too long', () => {
  const { clock, breaker } = make({ ...time, slidingWindowSize: 2, slidingWindowSliceDuration: 500, minimumNumberOfCalls: 1000 })
  clock.advance(499)
  for (let i = 0; i < 10; i++) breaker.tryAcquire()!.succeed()
  const counted = [1, 500, 500, 500].map(ms => {
    clock.advance(ms)
    return breaker.metrics.numberOfBufferedCalls
  })
  expect(counted).toEqual([10, 10, 10, 0])
})

test('D18: a minimum above a count window is brought down to it; failures in a row open without any minimum', () => {
  const { breaker } = make({ slidingWindowSize: 10, minimumNumberOfCalls: 100 })
  for (let i = 0; i < 10; i++) breaker.tryAcquire()!.fail(1)
  expect(breaker.state).toBe('OPEN')
  const { breaker: quiet } = make({ ...time, minimumNumberOfCalls: 1_000_000, consecutiveFailures: 2 })
  for (let i = 0; i < 2; i++) quiet.tryAcquire()!.fail(1)
  expect(quiet.state).toBe('OPEN')
})

test('D19: rates are not rounded: 99 of 200 is not 50 %, 29 of 100 is 29 %, and 100 % can be reached', () => {
  const rate = (failures: number, calls: number, failureRateThreshold: number) => {
    const { breaker } = make({ slidingWindowSize: calls, minimumNumberOfCalls: calls, failureRateThreshold })
    for (let i = 0; i < calls; i++) i < calls - failures ? breaker.tryAcquire()!.succeed() : breaker.tryAcquire()!.fail(1)
    return [breaker.state, breaker.metrics.failureRate]
  }
  expect(rate(99, 200, 50)).toEqual(['CLOSED', 49.5])
  expect(rate(29, 100, 29)).toEqual(['OPEN', 29])
  expect(rate(57, 100, 57)).toEqual(['OPEN', 57])
  expect(rate(7, 7, 100)).toEqual(['OPEN', 100])
})

test('D20: what is old after an idle time counts no more, in the metrics either, and decisions wait for no bucket', () => {
  const { clock, breaker } = make(time)
  for (let i = 0; i < 9; i++) breaker.tryAcquire()!.fail(1)
  clock.advance(600_000)
  expect(breaker.metrics.numberOfBufferedCalls).toBe(0)
  breaker.tryAcquire()!.fail(1)
  expect(breaker.state).toBe('CLOSED')
  for (let i = 0; i < 9; i++) breaker.tryAcquire()!.fail(1)
  expect([breaker.state, permits(breaker)]).toEqual(['OPEN', 0])
})
