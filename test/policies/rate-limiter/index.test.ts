/** The rate limiter round real calls, by every algorithm: who waits how long, what comes back, what is told, what is left behind. */
import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { isRejection, RateLimitedError } from '../../../src/core/errors.ts'
import { type RateLimiterOptions, rateLimiter } from '../../../src/policies/rate-limiter/index.ts'
import { expectNothingLeft, settled } from '../leaks.ts'

const make = (options: RateLimiterOptions<any>) => {
  const clock = virtualClock(5)
  return { clock, limiter: rateLimiter({ limitForPeriod: 2, limitRefreshPeriod: 100, ...options }, { clock, name: 'api' }) }
}
/** The waits of so many calls that come at once. */
const waits = (options: RateLimiterOptions, n: number) => {
  const { limiter } = make({ timeoutDuration: 1000, ...options })
  return Array.from({ length: n }, () => limiter.reserve())
}

describe('algorithms', () => {
  test('cycle: all permissions at the start of each period', () => expect(waits({}, 6)).toEqual([0, 0, 100, 100, 200, 200]))
  test('token-bucket: the burst at once, then evenly', () => {
    expect(waits({ algorithm: 'token-bucket' }, 6)).toEqual([0, 0, 50, 100, 150, 200])
    expect(waits({ algorithm: 'token-bucket', burst: 4 }, 6)).toEqual([0, 0, 0, 0, 50, 100])
  })
  test('smooth: evenly from the start', () => expect(waits({ algorithm: 'smooth' }, 5)).toEqual([0, 50, 100, 150, 200]))
  test('sliding-window: never more than the limit in any span of a period, so no double burst at a boundary', () => {
    const { clock, limiter } = make({ algorithm: 'sliding-window', timeoutDuration: 0 })
    clock.advance(99)
    expect([limiter.reserve(), limiter.reserve(), limiter.reserve()]).toEqual([0, 0, -1])
    clock.advance(99)
    expect(limiter.reserve()).toBe(-1)
    clock.advance(1)
    expect([limiter.reserve(), limiter.reserve(), limiter.reserve()]).toEqual([0, 0, -1])
    expect(limiter.reserve(3)).toBe(-1)
  })
})

describe('warm-up', () => {
  const options: RateLimiterOptions = {
    algorithm: 'smooth',
    limitForPeriod: 100,
    limitRefreshPeriod: 1000,
    timeoutDuration: 60_000,
    warmUp: { duration: 2000 },
  }
  /** Gaps between calls that come as soon as they may. */
  const gaps = (limiter: ReturnType<typeof make>['limiter'], clock: ReturnType<typeof make>['clock'], n: number) =>
    Array.from({ length: n }, () => {
      const wait = limiter.reserve()
      clock.advance(wait)
      return wait
    })

  test('begins at a third of the rate, reaches the full one after its duration, and stays there', () => {
    const { clock, limiter } = make(options)
    const seen = gaps(limiter, clock, 400).slice(1)
    expect(seen[0]).toBeGreaterThan(29)
    expect(seen[0]).toBeLessThanOrEqual(30)
    for (let i = 1; i < seen.length; i++) expect(seen[i]!).toBeLessThanOrEqual(seen[i - 1]! + 1e-5)
    const warmAfter = seen.findIndex(gap => gap < 10.001)
    const time = seen.slice(0, warmAfter).reduce((a, b) => a + b, 0)
    expect(time).toBeGreaterThan(1980)
    expect(time).toBeLessThan(2020)
    expect(seen.at(-1)).toBeCloseTo(10, 4)
  })
  test('cools down in a pause, by as much as the pause is long', () => {
    const { clock, limiter } = make(options)
    gaps(limiter, clock, 400)
    clock.advance(1000)
    const half = gaps(limiter, clock, 3)[1]!
    gaps(limiter, clock, 400)
    clock.advance(10_000)
    const cold = gaps(limiter, clock, 3)[1]!
    expect(half).toBeCloseTo(10, 1) // half of the store is above the threshold: a second empties to just there
    expect(cold).toBeGreaterThan(29)
  })
  test('what a call that gave up would have used, the next one gets', async () => {
    const { clock, limiter } = make(options)
    await limiter.acquire()
    const controller = new AbortController()
    const aborted = limiter.acquire({ signal: controller.signal }).catch(e => e)
    const wait = limiter.metrics.nanosToWait
    controller.abort('no')
    expect(await aborted).toBe('no')
    expect(limiter.metrics.nanosToWait).toBeLessThan(wait)
    expectNothingLeft(clock, controller.signal)
  })
})

describe('a call', () => {
  test('waits its turn in its own async context; listeners, too', async () => {
    const { clock, limiter } = make({ limitForPeriod: 1 })
    const context = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    limiter.on('permitted', e => seen.push([context.getStore(), e]))
    await context.run('first', () => limiter.execute(() => 1))
    const second = context.run('second', () => limiter.execute(() => seen.push([context.getStore(), 'runs'])))
    expect(limiter.metrics).toEqual({ availablePermissions: -1, numberOfWaitingThreads: 1, nanosToWait: 200e6 })
    await context.run('clock', () => clock.advanceAsync(100))
    await second
    expect(seen).toEqual([
      ['first', { permissions: 1, waitMs: 0 }],
      ['second', { permissions: 1, waitMs: 100 }],
      ['second', 'runs'],
    ])
    expect(limiter.metrics.numberOfWaitingThreads).toBe(0)
    expectNothingLeft(clock)
  })

  test('is refused at once, and told when it may come again', async () => {
    const { clock, limiter } = make({ timeoutDuration: 150 })
    const rejected: unknown[] = []
    limiter.on('rejected', e => rejected.push(e))
    for (let i = 0; i < 4; i++) expect(limiter.reserve()).toBeLessThanOrEqual(100)
    clock.advance(30)
    const error = await limiter.execute(() => 1).catch(e => e)
    expect(error).toBeInstanceOf(RateLimitedError)
    expect([isRejection(error), error.retryAfter, error.message]).toEqual([
      true,
      20,
      'rate limiter api permits 2 calls per 100 ms; 0 left, 1 asked',
    ])
    expect(rejected).toEqual([{ permissions: 1, retryAfter: 20 }])
    clock.advance(20)
    expect(limiter.reserve()).toBe(150)
    expectNothingLeft(clock)
  })

  test('weighs as much as its caller says', async () => {
    const { limiter } = make({ timeoutDuration: 0 })
    await limiter.execute(() => 1, { weight: 2 })
    await expect(limiter.execute(() => 1)).rejects.toBeInstanceOf(RateLimitedError)
    await expect(limiter.execute(() => 1, { weight: 0.5 })).rejects.toBeInstanceOf(RangeError)
    for (const n of [-1, Number.NaN, 1.5, Infinity]) expect(() => limiter.reserve(n)).toThrow(RangeError)
  })

  test.each(['cycle', 'token-bucket', 'sliding-window', 'smooth'] as const)(
    '%s: that gives up returns what it had reserved, and leaves nothing behind',
    async algorithm => {
      const { clock, limiter } = make({ algorithm })
      const reserved = Array.from({ length: 2 }, () => limiter.reserve())
      expect(reserved[0]).toBe(0)
      const before = limiter.metrics
      const controller = new AbortController()
      const rejected: unknown[] = []
      limiter.on('rejected', e => rejected.push(e))
      const first = limiter.execute(() => 1, { signal: controller.signal }).catch(e => e)
      const second = limiter.acquire({ signal: controller.signal, weight: 2 }).catch(e => e)
      expect(limiter.metrics.numberOfWaitingThreads).toBe(2)
      controller.abort('gone')
      expect([await first, await second]).toEqual(['gone', 'gone'])
      expect(limiter.metrics).toEqual(before)
      expect(rejected).toEqual([
        { permissions: 1, retryAfter: undefined },
        { permissions: 2, retryAfter: undefined },
      ])
      expectNothingLeft(clock, controller.signal)
    },
  )
})

describe('drain', () => {
  test('takes what is left, says how much that was, and forgives no debt', () => {
    const { clock, limiter } = make({ limitForPeriod: 10 })
    const drained: unknown[] = []
    limiter.on('drained', e => drained.push(e))
    limiter.reserve(3)
    clock.advance(100)
    limiter.drain()
    expect(limiter.metrics.availablePermissions).toBe(0)
    limiter.reserve(4)
    limiter.drain()
    expect([limiter.metrics.availablePermissions, drained]).toEqual([-4, [{ permissions: 10 }, { permissions: 0 }]])
  })
  test('by the result of a call, or its error; a hook that throws drains nothing', async () => {
    const { limiter } = make({ limitForPeriod: 10, drainPermissionsOnResult: (r: any, e: any) => (r ?? e).status === 429 })
    await limiter.execute(() => ({ status: 200 }))
    expect(limiter.metrics.availablePermissions).toBe(9)
    await limiter.execute(() => ({ status: 429 }))
    expect(limiter.metrics.availablePermissions).toBe(0)
    const error = make({ limitForPeriod: 10, drainPermissionsOnResult: (_r: any, e: any) => e.status === 429 }).limiter
    await error.execute(() => Promise.reject(Object.assign(new Error('slow down'), { status: 429 }))).catch(() => {})
    expect(error.metrics.availablePermissions).toBe(0)
    const warned = new Promise(resolve => process.once('warning', resolve))
    error.onResult(undefined)
    await warned
  })
})

describe('update', () => {
  test('keeps what was taken', () => {
    const { clock, limiter } = make({ timeoutDuration: 0 })
    limiter.reserve(2)
    limiter.update({ limitForPeriod: 5 })
    expect([limiter.reserve(), limiter.describe().options['limitForPeriod']]).toEqual([-1, 5])
    clock.advance(100)
    expect(limiter.metrics.availablePermissions).toBe(5)
    expect(() => limiter.update({ limitForPeriod: 0 })).toThrow('limitForPeriod')
    expect(limiter.metrics.availablePermissions).toBe(5)
  })
  test('of the period begins a new one', () => {
    const { clock, limiter } = make({ timeoutDuration: 0 })
    clock.advance(250)
    limiter.reserve(2)
    limiter.update({ limitRefreshPeriod: 1000 })
    clock.advance(999)
    expect(limiter.reserve()).toBe(-1)
    clock.advance(1)
    expect(limiter.reserve()).toBe(0)
  })
  test('of the algorithm begins a new account; those who wait keep their time', async () => {
    const { clock, limiter } = make({ limitForPeriod: 1 })
    limiter.reserve()
    let ran = false
    const waiting = limiter.execute(() => (ran = true))
    limiter.update({ algorithm: 'smooth' })
    expect(limiter.reserve()).toBe(0)
    await clock.advanceAsync(100)
    await waiting
    expect(ran).toBe(true)
    expectNothingLeft(clock)
  })
  test('of a smooth rate keeps what is reserved', () => {
    const { limiter } = make({ algorithm: 'smooth', limitForPeriod: 10, limitRefreshPeriod: 100 })
    expect([limiter.reserve(), limiter.reserve(), limiter.reserve()]).toEqual([0, 10, 20])
    limiter.update({ limitForPeriod: 1 })
    expect(limiter.reserve()).toBe(100)
  })
})

test('options that do not go together are named', () => {
  expect(() => rateLimiter({ burst: 3 })).toThrow('rateLimiter: burst: algorithm cycle has no bucket (use algorithm token-bucket)')
  expect(() => rateLimiter({ algorithm: 'cycle', warmUp: { duration: 100 } })).toThrow('use algorithm smooth')
  expect(() => rateLimiter({ limitRefreshPeriod: 1e-7 })).toThrow('less than 1 ns')
})

test('whatever happens, nobody waits for ever and nothing is left', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ op: fc.constant('call' as const), weight: fc.constantFrom(1, 1, 2) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('abort' as const), pick: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.nat(120) }) },
    { weight: 1, arbitrary: fc.constant({ op: 'drain' as const }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('update' as const), limit: fc.integer({ min: 2, max: 5 }) }) },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom('cycle' as const, 'token-bucket' as const, 'sliding-window' as const, 'smooth' as const),
      fc.boolean(),
      async (steps, algorithm, warm) => {
        const { clock, limiter } = make({
          algorithm,
          timeoutDuration: 300,
          ...(algorithm === 'smooth' && warm ? { warmUp: { duration: 500 } } : {}),
        })
        const controllers: AbortController[] = []
        const outcomes: Promise<unknown>[] = []
        for (const s of steps) {
          if (s.op === 'call') {
            const controller = new AbortController()
            controllers.push(controller)
            outcomes.push(limiter.execute(() => 'ran', { signal: controller.signal, weight: s.weight }).catch(e => e))
          } else if (s.op === 'abort' && controllers.length > 0) controllers[s.pick % controllers.length]!.abort('given up')
          else if (s.op === 'advance') await clock.advanceAsync(s.ms)
          else if (s.op === 'drain') limiter.drain()
          else if (s.op === 'update') limiter.update({ limitForPeriod: s.limit })
          await settled()
        }
        await clock.advanceAsync(301)
        for (const outcome of await Promise.all(outcomes))
          expect(outcome === 'ran' || outcome === 'given up' || outcome instanceof RateLimitedError).toBe(true)
        expect(limiter.metrics.numberOfWaitingThreads).toBe(0)
        expectNothingLeft(clock, ...controllers.map(c => c.signal))
      },
    ),
    { numRuns: 150 },
  )
})
