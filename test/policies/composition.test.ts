/** Policies together, on a virtual clock: what each sees of the others. */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import {
  BulkheadFullError,
  bulkhead,
  CircuitOpenError,
  circuitBreaker,
  fallback,
  isRejection,
  keyed,
  pipeline,
  RateLimitedError,
  rateLimiter,
  retry,
  TimeLimitError,
  timeLimiter,
} from '../../src/policies/index.ts'

const failing = () => Promise.reject(new Error('down'))

describe('pipeline', () => {
  test('keeps parameters and this', async () => {
    const guard = pipeline(retry(), circuitBreaker())
    const counter = {
      n: 2,
      times: guard.wrap(async function (this: { n: number }, by: number) {
        return this.n * by
      }),
    }
    expect(await counter.times(21)).toBe(42)
  })

  test('a rejection is not retried and no failure', async () => {
    const breaker = circuitBreaker({ minimumNumberOfCalls: 1, slidingWindowSize: 1 })
    breaker.forceOpen()
    let tries = 0
    const guard = pipeline(retry({ attempts: 5 }), breaker)
    await expect(
      guard.execute(async () => {
        tries++
      }),
    ).rejects.toBeInstanceOf(CircuitOpenError)
    expect(tries).toBe(0)
    expect(breaker.metrics.numberOfNotPermittedCalls).toBe(1)
  })

  test('fallback answers and keeps the first error as cause', async () => {
    expect(
      await pipeline(
        fallback(() => 'plan b'),
        circuitBreaker(),
      ).execute(failing),
    ).toBe('plan b')
    const error: any = await fallback(() => {
      throw new Error('b too')
    })
      .execute(failing)
      .catch(e => e)
    expect([error.message, error.cause.message]).toEqual(['b too', 'down'])
  })

  test('an order that surprises is said', () => {
    expect(pipeline(circuitBreaker(), retry()).describe().warnings).toHaveLength(1)
    expect(pipeline(retry(), circuitBreaker()).describe().warnings).toEqual([])
  })
})

describe('retry', () => {
  test('waits between tries, at most the back-off, and stops at the abort', async () => {
    const clock = virtualClock()
    const guard = retry({ attempts: 3, backoff: 100 }, { clock, random: () => 0.999 })
    let tries = 0
    const done = guard
      .execute(() => {
        tries++
        return failing()
      })
      .catch(e => e.message)
    await clock.advanceAsync(98)
    expect(tries).toBe(1)
    await clock.advanceAsync(1)
    expect(tries).toBe(2)
    await clock.advanceAsync(1000)
    expect([await done, tries]).toEqual(['down', 4])
    const controller = new AbortController()
    const aborted = guard.execute(failing, { signal: controller.signal }).catch(e => e)
    await clock.advanceAsync(1)
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    expect(clock.pending).toBe(0)
  })
})

describe('timeLimiter', () => {
  test('tells the work, leaves the caller’s signal alone, and nothing behind', async () => {
    const clock = virtualClock()
    const limit = timeLimiter({ timeoutDuration: 50 }, { clock })
    const controller = new AbortController()
    let inner: AbortSignal | undefined
    const done = limit
      .execute(
        call => {
          inner = call.signal
          return new Promise(() => {})
        },
        { signal: controller.signal },
      )
      .catch(e => e)
    await clock.advanceAsync(50)
    expect(await done).toBeInstanceOf(TimeLimitError)
    expect([inner!.aborted, controller.signal.aborted]).toEqual([true, false])
    expect(await limit.execute(async () => 'quick', { signal: controller.signal })).toBe('quick')
    expect([clock.pending, getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0])
  })
})

describe('bulkhead', () => {
  test('first come, first served; who gives up leaves its place', async () => {
    const clock = virtualClock()
    const slots = bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: 100 }, { clock })
    const held = slots.tryAcquire()!
    const order: string[] = []
    const controller = new AbortController()
    const first = slots.acquire({ signal: controller.signal }).catch(e => e)
    const second = slots.acquire().then(slot => {
      order.push('second')
      return slot
    })
    controller.abort('gone')
    expect(await first).toBe('gone')
    held.release()
    held.release()
    const slot = await second
    const late = slots.acquire().catch(e => e)
    await clock.advanceAsync(100)
    expect(await late).toBeInstanceOf(BulkheadFullError)
    slot.release()
    expect([order, slots.metrics.availableConcurrentCalls, clock.pending]).toEqual([['second'], 1, 0])
  })
})

describe('rateLimiter', () => {
  test('an aborted wait gives its reservation back', async () => {
    const clock = virtualClock()
    const limiter = rateLimiter({ limitForPeriod: 1, limitRefreshPeriod: '1s', timeoutDuration: '1s' }, { clock })
    await limiter.execute(() => 1)
    const controller = new AbortController()
    const waiting = limiter.execute(() => 2, { signal: controller.signal }).catch(e => e)
    controller.abort('no')
    expect(await waiting).toBe('no')
    const next = limiter.execute(() => 3)
    const tooMany: any = await limiter.execute(() => 4).catch(e => e)
    expect(tooMany).toBeInstanceOf(RateLimitedError)
    expect([isRejection(tooMany), tooMany.retryAfter]).toEqual([true, 1000])
    await clock.advanceAsync(1000)
    expect(await next).toBe(3)
  })
})

describe('keyed', () => {
  test('one policy per key, bounded', async () => {
    const perHost = keyed(
      call => call.host ?? '',
      () => circuitBreaker({ slidingWindowSize: 1, minimumNumberOfCalls: 1 }),
      { max: 2 },
    )
    await perHost.execute(failing, { host: 'a' }).catch(() => {})
    await expect(perHost.execute(() => 1, { host: 'a' })).rejects.toBeInstanceOf(CircuitOpenError)
    expect(await perHost.execute(() => 1, { host: 'b' })).toBe(1)
    await perHost.execute(() => 1, { host: 'c' })
    expect(perHost.stats).toMatchObject({ size: 2, made: 3, evicted: 1 })
  })
})
