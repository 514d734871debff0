/** E and others: limiters of other libraries. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from 'vitest'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import { BulkheadFullError, RateLimitedError, TimeLimitError } from '../../src/core/errors.ts'
import { pipeline } from '../../src/core/pipeline.ts'
import { adaptiveConcurrency } from '../../src/policies/adaptive-concurrency/index.ts'
import { bulkhead } from '../../src/policies/bulkhead/index.ts'
import { circuitBreaker } from '../../src/policies/circuit-breaker/index.ts'
import { rateLimiter } from '../../src/policies/rate-limiter/index.ts'
import { timeLimiter } from '../../src/policies/time-limiter/index.ts'
import { deferred, expectNothingLeft, settled } from '../policies/leaks.ts'

const free = (slots: ReturnType<typeof bulkhead>) => slots.metrics.availableConcurrentCalls

test('A6: giving a slot back twice, or one that was not taken, makes no more slots', () => {
  const slots = bulkhead({ maxConcurrentCalls: 2 })
  const slot = slots.tryAcquire()!
  for (let i = 0; i < 4; i++) slot.release()
  for (let i = 0; i < 4; i++) slot.succeed()
  expect(free(slots)).toBe(2)
  expect(() => rateLimiter().reserve(-1)).toThrow(RangeError)
})

test('B9: a call that was given up holds its slot while it runs, so the callee is never asked for more than the limit', async () => {
  const clock = virtualClock()
  const slots = bulkhead({ maxConcurrentCalls: 2 }, { clock })
  const guard = pipeline(slots, timeLimiter({ timeoutDuration: 10 }, { clock }))
  const works: ReturnType<typeof deferred>[] = []
  let [running, most] = [0, 0]
  for (let i = 0; i < 10; i++) {
    guard
      .execute(async () => {
        most = Math.max(most, ++running)
        const work = deferred()
        works.push(work)
        await work.promise
        running--
      })
      .catch(() => {})
    await clock.advanceAsync(20)
  }
  expect([most, works.length, free(slots)]).toEqual([2, 2, 0])
  for (const work of works) work.resolve()
  await settled()
  expect(free(slots)).toBe(2)
  expectNothingLeft(clock)
})

test('D17, E24: no more than the limit in any span of a period, wherever it begins', () => {
  const clock = virtualClock()
  const limiter = rateLimiter({ algorithm: 'sliding-window', limitForPeriod: 10, limitRefreshPeriod: 1000, timeoutDuration: 0 }, { clock })
  const uses: number[] = []
  for (let ms = 0; ms < 5000; ms++, clock.advance(1)) while (limiter.reserve() === 0) uses.push(ms)
  for (const from of uses) expect(uses.filter(at => at >= from && at < from + 1000).length).toBeLessThanOrEqual(10)
  expect(uses.length).toBe(50)
})

test('E21: drain takes what is there now, leaves a debt as it is, and tells how much it took', () => {
  const clock = virtualClock()
  const limiter = rateLimiter({ limitForPeriod: 10, limitRefreshPeriod: 1000, timeoutDuration: 5000 }, { clock })
  const drained: number[] = []
  limiter.on('drained', e => drained.push(e.permissions))
  limiter.reserve(8)
  clock.advance(1000) // a refresh that nobody has looked at yet
  limiter.drain()
  expect(limiter.metrics.availablePermissions).toBe(0)
  limiter.reserve(4)
  limiter.drain()
  expect([limiter.metrics.availablePermissions, drained]).toEqual([-4, [10, 0]])
})

test('E22: a lowered limit goes on refilling', () => {
  const clock = virtualClock()
  const limiter = rateLimiter({ limitForPeriod: 10, limitRefreshPeriod: 1000, timeoutDuration: 0 }, { clock })
  limiter.reserve(10)
  limiter.update({ limitForPeriod: 3 })
  for (let period = 0; period < 5; period++) {
    clock.advance(1000)
    expect([limiter.reserve(3), limiter.reserve()]).toEqual([0, -1])
  }
})

test('E23: a debt and a long idle time never add up to more than a burst', () => {
  for (const algorithm of ['cycle', 'token-bucket', 'sliding-window', 'smooth'] as const) {
    const clock = virtualClock()
    const limiter = rateLimiter({ algorithm, limitForPeriod: 2, limitRefreshPeriod: 100, timeoutDuration: 100 }, { clock })
    for (let i = 0; i < 3; i++) limiter.reserve()
    clock.advance(100 * 100)
    limiter.update({ timeoutDuration: 0 })
    let used = 0
    while (limiter.reserve() === 0) used++
    expect(used, algorithm).toBeLessThanOrEqual(2)
  }
})

test('E24: a refusal is immediate; a reservation that is given up comes back; each limiter has its own start; nothing is rounded', async () => {
  const clock = virtualClock()
  const limiter = rateLimiter({ limitForPeriod: 1, limitRefreshPeriod: 1000, timeoutDuration: 1500 }, { clock })
  limiter.reserve()
  const controller = new AbortController()
  const waiting = limiter.acquire({ signal: controller.signal }).catch(e => e)
  expect(await limiter.acquire().catch(e => e)).toBeInstanceOf(RateLimitedError) // the clock has not moved
  controller.abort('gone')
  expect([await waiting, limiter.reserve(), limiter.reserve()]).toEqual(['gone', 1000, -1])
  expectNothingLeft(clock, controller.signal)
  clock.advance(123.456789)
  const later = rateLimiter({ limitForPeriod: 3, limitRefreshPeriod: 1000, timeoutDuration: 0 }, { clock })
  let used = 0
  for (let i = 0; i < 10_000; i++, clock.advance(1)) while (later.reserve() === 0) used++
  expect(used).toBe(30)
})

test('E25: a waiter that gave up swallows no slot, by whichever way it gave up; fewer slots block nobody', async () => {
  const clock = virtualClock()
  const slots = bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: 100 }, { clock })
  for (let i = 0; i < 50; i++) {
    const held = slots.tryAcquire()!
    const controller = new AbortController()
    const gaveUp = [
      slots.execute(() => 1, { signal: controller.signal }),
      slots.acquire({ signal: controller.signal }),
      pipeline(timeLimiter({ timeoutDuration: 5 }, { clock }), slots).execute(() => 1),
      slots.execute(() => 1),
    ].map(p => p.catch(e => e))
    await clock.advanceAsync(5)
    controller.abort('gone')
    await clock.advanceAsync(100)
    expect((await Promise.all(gaveUp)).map(e => (typeof e === 'string' ? e : e.code))).toEqual([
      'gone',
      'gone',
      'ERR_TIME_LIMIT',
      'ERR_BULKHEAD_FULL',
    ])
    slots.update({ maxConcurrentCalls: 1 + (i % 2) })
    held.release()
    slots.update({ maxConcurrentCalls: 1 })
    expect(slots.metrics).toEqual({ availableConcurrentCalls: 1, maxAllowedConcurrentCalls: 1, queueDepth: 0 })
    expectNothingLeft(clock, controller.signal)
  }
})

test('E26: a burst never runs over an adaptive limit, and a drop of less than 100 µs is heard', async () => {
  const clock = virtualClock()
  const adaptive = adaptiveConcurrency({ algorithm: 'aimd', initialLimit: 5, minLimit: 1, window: { windowSize: 10 } }, { clock })
  let [running, most] = [0, 0]
  await Promise.all(
    Array.from({ length: 100 }, () =>
      adaptive
        .execute(async () => {
          most = Math.max(most, ++running)
          await settled()
          running--
        })
        .catch(() => {}),
    ),
  )
  expect(most).toBe(5)
  const before = adaptive.limit
  for (let i = 0; i < 10; i++) adaptive.sample(2000 + i, 0.05, 5, true)
  adaptive.sample(4000, 1, 5, false)
  expect(adaptive.limit).toBeLessThan(before)
})

test('JS8: what a limiter refuses, or a caller gives up, is no failure of the callee', async () => {
  const breaker = circuitBreaker({ slidingWindowSize: 2, minimumNumberOfCalls: 2 })
  const slots = bulkhead({ maxConcurrentCalls: 1 })
  slots.tryAcquire()
  for (const limit of [slots, rateLimiter({ limitForPeriod: 1, limitRefreshPeriod: '1h', timeoutDuration: 0 })]) {
    if (limit !== slots) await limit.execute(() => 1)
    for (let i = 0; i < 5; i++) await expect(pipeline(breaker, limit).execute(() => 1)).rejects.toThrow()
  }
  for (let i = 0; i < 3; i++) {
    const controller = new AbortController()
    const call = breaker.execute(c => new Promise((_, no) => c.signal.addEventListener('abort', () => no(c.signal.reason))), {
      signal: controller.signal,
    })
    controller.abort('gone')
    await call.catch(() => {})
  }
  expect([breaker.state, breaker.metrics.numberOfBufferedCalls]).toEqual(['CLOSED', 0])
})

test('JS19: a capacity of 1 runs 1 at a time, whatever is given up', async () => {
  const clock = virtualClock()
  const guard = pipeline(
    timeLimiter({ timeoutDuration: 10 }, { clock }),
    bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: 50 }, { clock }),
  )
  let [running, most] = [0, 0]
  const works: ReturnType<typeof deferred>[] = []
  for (let i = 0; i < 5; i++) {
    const call = guard
      .execute(async () => {
        most = Math.max(most, ++running)
        const work = deferred()
        works.push(work)
        await work.promise
        running--
      })
      .catch(e => e)
    await clock.advanceAsync(10)
    expect(await call).toBeInstanceOf(TimeLimitError)
  }
  expect([most, works.length]).toEqual([1, 1])
})

test('JS20: who was queued is never rejected for somebody who came later; who aborted is gone at once; listeners hear of every end', async () => {
  const slots = bulkhead({ maxConcurrentCalls: 1, queueCapacity: 1 })
  const ends: unknown[] = []
  slots.on('finished', e => ends.push(e))
  const first = deferred<string>()
  const one = slots.execute(() => first.promise)
  const two = slots.execute(() => 'two')
  first.resolve('one')
  const late = one.then(() => slots.execute(() => 'late')) // comes just as the slot is handed over
  expect(await Promise.all([one, two, late])).toEqual(['one', 'two', 'late'])
  expect(ends).toHaveLength(3)
  await slots.execute(() => Promise.reject(new Error('x'))).catch(() => {})
  expect(ends).toHaveLength(4)
  const held = slots.tryAcquire()!
  const controller = new AbortController()
  const gone = slots.execute(() => 1, { signal: controller.signal }).catch(e => e)
  controller.abort('gone')
  const instead = slots.execute(() => 'instead')
  held.release()
  expect([await gone, await instead]).toEqual(['gone', 'instead'])
})

test('JS21: a queued function that throws at once gives its slot back', async () => {
  const slots = bulkhead({ maxConcurrentCalls: 1, queueCapacity: 5 })
  const held = slots.tryAcquire()!
  const thrown = slots
    .execute(() => {
      throw new Error('at once')
    })
    .catch(e => e.message)
  held.release()
  expect([await thrown, await slots.execute(() => 'next'), free(slots)]).toEqual(['at once', 'next', 1])
})

test('JS22: the async context of who called is kept through every queue', async () => {
  const clock = virtualClock()
  const context = new AsyncLocalStorage<number>()
  const slots = bulkhead({ maxConcurrentCalls: 1, queueCapacity: 9 }, { clock })
  const limiter = rateLimiter({ limitForPeriod: 1, limitRefreshPeriod: 10, timeoutDuration: 1000 }, { clock })
  const seen = Promise.all(
    Array.from({ length: 5 }, (_, i) => context.run(i, () => pipeline(limiter, slots).execute(async () => [i, context.getStore()]))),
  )
  await context.run(99, () => clock.advanceAsync(100))
  expect(await seen).toEqual([0, 1, 2, 3, 4].map(i => [i, i]))
})

test('JS23: an interruption at any moment loses no permit', async () => {
  for (let moment = 0; moment < 8; moment++) {
    const clock = virtualClock()
    const slots = bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: 100 }, { clock })
    const adaptive = adaptiveConcurrency({ algorithm: 'settable', limit: 5 }, { clock })
    const controller = new AbortController()
    const held = slots.tryAcquire()!
    const call = pipeline(adaptive, slots)
      .execute(
        c => new Promise((yes, no) => (c.signal.addEventListener('abort', () => no(c.signal.reason)), queueMicrotask(() => yes(1)))),
        {
          signal: controller.signal,
        },
      )
      .catch(e => e)
    held.release()
    for (let i = 0; i < moment; i++) await Promise.resolve()
    controller.abort('now')
    await call
    await settled()
    expect([free(slots), adaptive.metrics.inflight]).toEqual([1, 0])
    expectNothingLeft(clock, controller.signal)
  }
})

test('JS17, JS18: no limiter keeps a timer that nobody waits for; waits beyond what a timer holds are waited for, or refused', async () => {
  const clock = virtualClock()
  const limits = [bulkhead({}, { clock }), rateLimiter({}, { clock }), adaptiveConcurrency({}, { clock })]
  for (const limit of limits) await limit.execute(() => 1)
  expectNothingLeft(clock)
  const limiter = rateLimiter({ limitForPeriod: 1, limitRefreshPeriod: 2 ** 32, timeoutDuration: 2 ** 33 }, { clock })
  await limiter.acquire()
  let ended = false
  const long = limiter.acquire().then(() => (ended = true))
  await clock.advanceAsync(2 ** 31)
  expect(ended).toBe(false)
  await clock.advanceAsync(2 ** 31)
  await long
  for (const wrong of [Number.NaN, -1, Infinity]) {
    expect(() => rateLimiter({ timeoutDuration: wrong })).toThrow('timeoutDuration')
    expect(() => bulkhead({ maxWaitDuration: wrong })).toThrow('maxWaitDuration')
  }
  expect(
    await bulkhead({ maxConcurrentCalls: 0 })
      .execute(() => 1)
      .catch(e => e),
  ).toBeInstanceOf(BulkheadFullError)
})
