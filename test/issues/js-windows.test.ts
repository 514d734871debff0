/** JS6 to JS11: windows and rates in cockatiel, opossum and mollitia; JS32: clocks. */
import { expect, test } from 'vitest'
import { pipeline } from '../../src/core/pipeline.ts'
import { bulkhead } from '../../src/policies/bulkhead/index.ts'
import { circuitBreaker } from '../../src/policies/circuit-breaker/index.ts'
import { down, make, never, small } from './breaker.ts'

test('JS6: ten failures, ten idle minutes, one failure: closed', () => {
  const { clock, breaker } = make({ slidingWindowType: 'TIME_BASED', slidingWindowSize: 30, minimumNumberOfCalls: 11 })
  for (let i = 0; i < 10; i++) breaker.tryAcquire()!.fail(1)
  clock.advance(600_000)
  breaker.tryAcquire()!.fail(1)
  expect([breaker.state, breaker.metrics.numberOfBufferedCalls]).toEqual(['CLOSED', 1])
})

test('JS7: the window does not survive a close, and only real calls are in it', () => {
  const { clock, breaker } = make({ slidingWindowSize: 10, minimumNumberOfCalls: 10 })
  for (let i = 0; i < 10; i++) breaker.tryAcquire()!.fail(1)
  for (let i = 0; i < 100; i++) breaker.tryAcquire() // refused
  clock.advance(1001)
  for (let i = 0; i < 2; i++) breaker.tryAcquire()!.succeed()
  breaker.tryAcquire()!.fail(1)
  expect([breaker.state, breaker.metrics.numberOfBufferedCalls]).toEqual(['CLOSED', 1])
})

test('JS8: rejections by a semaphore inside and calls the caller gave up are no failures', async () => {
  const { breaker } = make()
  const slots = bulkhead({ maxConcurrentCalls: 1 })
  const guard = pipeline(breaker, slots)
  const held = slots.tryAcquire()!
  for (let i = 0; i < 5; i++) await expect(guard.execute(() => 1)).rejects.toThrow('full')
  held.release()
  for (let i = 0; i < 5; i++) {
    const controller = new AbortController()
    const call = guard.execute(c => new Promise((_, no) => c.signal.addEventListener('abort', () => no(c.signal.reason))), controller)
    controller.abort(new Error('enough'))
    await call.catch(() => {})
  }
  expect([breaker.state, breaker.metrics.numberOfBufferedCalls]).toEqual(['CLOSED', 0])
})

test('JS9: a default time window holds more than an instant, 100 % trips, a synchronous throw is recorded', async () => {
  const { clock, breaker } = make({
    slidingWindowType: 'TIME_BASED',
    slidingWindowSize: 100,
    minimumNumberOfCalls: 10,
    failureRateThreshold: 100,
  })
  for (let i = 0; i < 10; i++) {
    await breaker.execute(() => { throw new Error('sync') }).catch(() => {}) // biome-ignore format: one line
    clock.advance(70)
  }
  expect(breaker.state).toBe('OPEN')
})

test('JS10: a restored breaker waits as long as was left, not less and not again from the start', () => {
  const { clock, breaker } = make()
  breaker.open()
  clock.advance(300)
  const saved = JSON.parse(JSON.stringify(breaker.toJSON()))
  clock.advance(200) // the process is away
  const restored = circuitBreaker(small, { clock, restore: saved })
  clock.advance(500)
  expect(restored.tryAcquire()).toBeUndefined()
  clock.advance(1)
  expect(restored.tryAcquire()).toBeDefined()
})

test('JS11: breakers make no timer for their windows, and keep no latencies', async () => {
  const { clock, breaker } = make({ slidingWindowType: 'TIME_BASED', slidingWindowSize: 60, minimumNumberOfCalls: 1_000_000 })
  for (let i = 0; i < 16_000; i++) breaker.tryAcquire()!.fail(1, i)
  await breaker.execute(down).catch(() => {})
  void breaker.execute(never)
  expect([clock.pending, breaker.metrics.numberOfFailedCalls]).toEqual([0, 16_001])
  expect(Object.values(breaker.metrics).every(figure => typeof figure === 'number')).toBe(true)
})

test('JS32: a wall clock set back one hour lengthens no wait', () => {
  const { clock, breaker } = make()
  breaker.open()
  clock.setWall(clock.wall() - 3_600_000)
  clock.advance(1001)
  expect(breaker.tryAcquire()).toBeDefined()
})
