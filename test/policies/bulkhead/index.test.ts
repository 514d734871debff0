/** The bulkhead round real calls: who goes when, when a slot comes back, what is told, what is left behind. */
import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { BulkheadFullError, isRejection, TimeLimitError } from '../../../src/core/errors.ts'
import { pipeline } from '../../../src/core/pipeline.ts'
import { type Bulkhead, type BulkheadOptions, bulkhead, type Slot } from '../../../src/policies/bulkhead/index.ts'
import { retry } from '../../../src/policies/retry/index.ts'
import { timeLimiter } from '../../../src/policies/time-limiter/index.ts'
import { deferred, expectNothingLeft, settled } from '../leaks.ts'

const make = (options: BulkheadOptions<any>) => {
  const clock = virtualClock()
  return { clock, slots: bulkhead(options, { clock, name: 'db' }) }
}
const free = (slots: Bulkhead) => slots.metrics.availableConcurrentCalls

describe('who goes next', () => {
  const orderOf = async (options: BulkheadOptions, calls: { weight?: number; priority?: number }[]) => {
    const { clock, slots } = make({ maxConcurrentCalls: 2, maxWaitDuration: 1000, ...options })
    const first = slots.tryAcquire({ weight: 2 })!
    const order: number[] = []
    const waiting = calls.map((call, i) =>
      slots.execute(
        async () => {
          order.push(i)
          await settled()
        },
        { ...call },
      ),
    )
    first.release()
    await Promise.all(waiting)
    expect(free(slots)).toBe(2)
    expectNothingLeft(clock)
    return order
  }
  const calls = [{ priority: 5 }, { priority: 1 }, { priority: 5 }, { priority: -1 }]
  test('fifo', async () => expect(await orderOf({}, calls)).toEqual([0, 1, 2, 3]))
  test('lifo', async () => expect(await orderOf({ queueOrder: 'lifo' }, calls)).toEqual([3, 2, 1, 0]))
  test('by priority', async () => expect(await orderOf({ queueOrder: 'priority' }, calls)).toEqual([3, 1, 0, 2]))
  test('a heavy call is not overtaken by light ones', async () =>
    expect(await orderOf({}, [{ weight: 1 }, { weight: 2 }, { weight: 1 }])).toEqual([0, 1, 2]))
})

describe('waiting', () => {
  test('ends with an error that says how full it is; it is a rejection and took no stack', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 1, maxWaitDuration: 100, queueCapacity: 1 })
    slots.tryAcquire()
    const waits = slots.execute(() => 1).catch(e => e)
    const full = await slots.execute(() => 2).catch(e => e)
    expect([full.message, full.policy, isRejection(full), full.code]).toEqual([
      'bulkhead db is full: 1 of 1 slots in use, 1 calls wait',
      'db',
      true,
      'ERR_BULKHEAD_FULL',
    ])
    expect(full.stack).toBe(`BulkheadFullError: ${full.message}`)
    await clock.advanceAsync(99)
    expect(slots.metrics.queueDepth).toBe(1)
    await clock.advanceAsync(1)
    expect(await waits).toBeInstanceOf(BulkheadFullError)
    expectNothingLeft(clock)
  })

  test('a capacity without a longest wait: as long as it takes', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 1, queueCapacity: 1 })
    const slot = slots.tryAcquire()!
    const waits = slots.execute(() => 'ran')
    expect(clock.pending).toBe(0)
    slot.release()
    expect(await waits).toBe('ran')
  })

  test('an abort takes the call off the queue at once and makes room', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 1, maxWaitDuration: 100, queueCapacity: 1 })
    slots.tryAcquire()
    const [a, b] = [new AbortController(), new AbortController()]
    const first = slots.acquire({ signal: a.signal }).catch(e => e)
    a.abort('gone')
    expect(slots.metrics.queueDepth).toBe(0)
    const second = slots.execute(() => 1, { signal: b.signal }).catch(e => e)
    b.abort('gone, too')
    expect([await first, await second]).toEqual(['gone', 'gone, too'])
    expectNothingLeft(clock, a.signal, b.signal)
  })

  test('an abort between hand-over and start gives the slot back', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 2, maxWaitDuration: 100 })
    const [a, b] = [new AbortController(), new AbortController()]
    const slot = slots.tryAcquire({ weight: 2 })!
    let ran = false
    const call = slots.execute(() => (ran = true), { signal: a.signal }).catch(e => e)
    const direct = slots.acquire({ signal: b.signal }).catch(e => e)
    slot.release()
    a.abort('late')
    b.abort('late, too')
    expect([await call, await direct]).toEqual(['late', 'late, too'])
    expect([ran, free(slots)]).toEqual([false, 2])
    expectNothingLeft(clock, a.signal, b.signal)
  })

  test('a weight that never fits is refused at once, also after the limit was lowered', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 3, maxWaitDuration: 100 })
    await expect(slots.acquire({ weight: 4 })).rejects.toBeInstanceOf(BulkheadFullError)
    slots.tryAcquire()
    const heavy = slots.acquire({ weight: 3 }).catch(e => e)
    const light = slots.acquire()
    slots.update({ maxConcurrentCalls: 2 })
    expect(await heavy).toBeInstanceOf(BulkheadFullError)
    expect(await light).toBeDefined()
    expectNothingLeft(clock)
  })

  test('call and listeners keep their own async context', async () => {
    const { slots } = make({ maxConcurrentCalls: 1, maxWaitDuration: 1000 })
    const context = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    slots.on('permitted', () => seen.push(`permitted ${context.getStore()}`))
    const slot = context.run('holder', () => slots.tryAcquire()!)
    const waiting = context.run('waiter', () => slots.execute(() => seen.push(`runs ${context.getStore()}`)))
    context.run('releaser', () => slot.release())
    await waiting
    expect(seen).toEqual(['permitted holder', 'permitted waiter', 'runs waiter'])
  })
})

describe('a slot is held', () => {
  test('until the work has really ended, when a time limit inside gives it up', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 1 })
    const work = deferred()
    const guard = pipeline(slots, timeLimiter({ timeoutDuration: 50 }, { clock }))
    const done = guard.execute(() => work.promise).catch(e => e)
    await clock.advanceAsync(50)
    expect(await done).toBeInstanceOf(TimeLimitError)
    expect(free(slots)).toBe(0)
    work.resolve()
    await settled()
    expect(free(slots)).toBe(1)
    expectNothingLeft(clock)
  })

  test('until the work has really ended, when a time limit outside gives it up', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 1 })
    const work = deferred()
    const guard = pipeline(timeLimiter({ timeoutDuration: 50 }, { clock }), slots)
    const done = guard.execute(() => work.promise).catch(e => e)
    await clock.advanceAsync(50)
    expect(await done).toBeInstanceOf(TimeLimitError)
    expect(free(slots)).toBe(0)
    work.reject(new Error('late'))
    await settled()
    expect(free(slots)).toBe(1)
    expectNothingLeft(clock)
  })

  test('each try by itself: one that is left running does not hold the slot of the next', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 2 })
    const works = [deferred(), deferred()]
    let tries = 0
    const guard = pipeline(
      retry({ attempts: 1, backoff: 10 }, { clock, random: () => 0 }),
      slots,
      timeLimiter({ timeoutDuration: 50 }, { clock }),
    )
    const done = guard.execute(() => works[tries++]!.promise)
    await clock.advanceAsync(50)
    await clock.advanceAsync(20)
    expect([tries, free(slots)]).toEqual([2, 0])
    works[1]!.resolve()
    await done
    await settled()
    expect(free(slots)).toBe(1)
    works[0]!.resolve()
    await settled()
    expect(free(slots)).toBe(2)
    expectNothingLeft(clock)
  })

  test('or is freed as soon as the call is given up, when asked for', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 1, releaseOnAbort: true })
    const work = deferred()
    const finished: unknown[] = []
    slots.on('finished', e => finished.push(e))
    const inside = pipeline(slots, timeLimiter({ timeoutDuration: 50 }, { clock })).execute(() => work.promise)
    inside.catch(() => {})
    await clock.advanceAsync(50)
    expect(free(slots)).toBe(1)
    const outside = pipeline(timeLimiter({ timeoutDuration: 50 }, { clock }), slots).execute(() => work.promise)
    outside.catch(() => {})
    await clock.advanceAsync(50)
    expect([free(slots), finished.length]).toEqual([1, 2])
    work.resolve()
    await settled()
    expect([free(slots), finished.length]).toEqual([1, 2])
    expectNothingLeft(clock)
  })

  test('as long as the hook says, e.g. until a body has been read; a hook that throws holds nothing', async () => {
    const body = deferred()
    const { slots } = make({ maxConcurrentCalls: 1, release: (r: { body: Promise<void> }) => r.body })
    const response = await slots.execute(() => ({ body: body.promise }))
    expect(free(slots)).toBe(0)
    body.resolve()
    await response.body
    await settled()
    expect(free(slots)).toBe(1)
    const warned = new Promise<Error>(resolve => process.once('warning', resolve))
    slots.update({
      release: () => {
        throw new Error('broken hook')
      },
    })
    expect(await slots.execute(() => 1 as any)).toBe(1)
    expect([free(slots), (await warned).message]).toEqual([1, 'broken hook'])
  })

  test('no longer than its lease', async () => {
    const { clock, slots } = make({ maxConcurrentCalls: 2, leaseDuration: 1000 })
    const expired: unknown[] = []
    slots.on('leaseExpired', e => expired.push(e))
    const slot = slots.tryAcquire()!
    slots.execute(() => new Promise(() => {}))
    await clock.advanceAsync(999)
    expect(free(slots)).toBe(0)
    await clock.advanceAsync(1)
    slot.release()
    expect([free(slots), expired]).toEqual([2, [{ running: 1 }, { running: 0 }]])
    expectNothingLeft(clock)
  })

  test('and comes back once, whatever is called on it', () => {
    const { slots } = make({ maxConcurrentCalls: 1 })
    const finished: unknown[] = []
    slots.on('finished', e => finished.push(e))
    const slot = slots.tryAcquire()!
    slot.succeed()
    slot.succeed()
    slot.fail(new Error())
    slot.release()
    expect([free(slots), finished]).toEqual([1, [{ running: 0 }]])
  })
})

test('update acts at once and blocks nobody', async () => {
  const { clock, slots } = make({ maxConcurrentCalls: 2, maxWaitDuration: 1000 })
  const held = [slots.tryAcquire()!, slots.tryAcquire()!]
  const waiting = [slots.acquire(), slots.acquire()]
  slots.update({ maxConcurrentCalls: 1 })
  expect(slots.metrics).toEqual({ availableConcurrentCalls: -1, maxAllowedConcurrentCalls: 1, queueDepth: 2 })
  held[0]!.release()
  expect(slots.metrics).toEqual({ availableConcurrentCalls: 0, maxAllowedConcurrentCalls: 1, queueDepth: 2 })
  slots.update({ maxConcurrentCalls: 3 })
  await Promise.all(waiting)
  expect(slots.metrics).toEqual({ availableConcurrentCalls: 0, maxAllowedConcurrentCalls: 3, queueDepth: 0 })
  expect(slots.describe().options).toMatchObject({ maxConcurrentCalls: 3, maxWaitDuration: 1000, queueCapacity: Infinity })
  expect(() => slots.update({ maxConcurrentCalls: -1 })).toThrow('maxConcurrentCalls')
  expect(slots.metrics.maxAllowedConcurrentCalls).toBe(3)
  expectNothingLeft(clock)
})

test('whatever happens, every slot comes back and nobody is forgotten', async () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        op: fc.constant('call' as const),
        weight: fc.constantFrom(1, 1, 2),
        priority: fc.integer({ min: 0, max: 2 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ op: fc.constant('end' as const), pick: fc.nat(), fails: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('abort' as const), pick: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.nat(80) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('update' as const), max: fc.integer({ min: 1, max: 5 }) }) },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom('fifo' as const, 'lifo' as const, 'priority' as const),
      fc.boolean(),
      async (steps, queueOrder, releaseOnAbort) => {
        const { clock, slots } = make({ maxConcurrentCalls: 3, maxWaitDuration: 50, queueOrder, releaseOnAbort })
        const guard = pipeline(slots, timeLimiter({ timeoutDuration: 60 }, { clock }))
        const works: ReturnType<typeof deferred>[] = []
        const controllers: AbortController[] = []
        const outcomes: Promise<unknown>[] = []
        let running = 0
        for (const s of steps) {
          if (s.op === 'call') {
            const controller = new AbortController()
            controllers.push(controller)
            const work = () => {
              running++
              const end = deferred()
              works.push(end)
              return end.promise.finally(() => running--)
            }
            outcomes.push(guard.execute(work, { signal: controller.signal, weight: s.weight, priority: s.priority }).catch(e => e))
          } else if (s.op === 'end' && works.length > 0) {
            const [work] = works.splice(s.pick % works.length, 1)
            s.fails ? work!.reject(new Error('failed')) : work!.resolve()
          } else if (s.op === 'abort' && controllers.length > 0) controllers[s.pick % controllers.length]!.abort('given up')
          else if (s.op === 'advance') await clock.advanceAsync(s.ms)
          else if (s.op === 'update') slots.update({ maxConcurrentCalls: s.max })
          await settled()
          const { availableConcurrentCalls, maxAllowedConcurrentCalls } = slots.metrics
          if (!releaseOnAbort) expect(maxAllowedConcurrentCalls - availableConcurrentCalls).toBeGreaterThanOrEqual(running)
        }
        for (const controller of controllers) controller.abort('over')
        for (const work of works) work.resolve()
        await clock.advanceAsync(100)
        for (const work of works) work.resolve()
        await Promise.all(outcomes)
        await settled()
        expect(slots.metrics).toMatchObject({
          availableConcurrentCalls: slots.metrics.maxAllowedConcurrentCalls,
          queueDepth: 0,
        })
        expectNothingLeft(clock, ...controllers.map(c => c.signal))
      },
    ),
    { numRuns: 150 },
  )
})

test('slots of every kind are what DESIGN calls a permit', () => {
  const { slots } = make({ maxConcurrentCalls: 1 })
  const slot: Slot = slots.tryAcquire()!
  expect(slots.tryAcquire()).toBeUndefined()
  slot.fail(new Error('x'))
  expect(slots.tryAcquire()).toBeDefined()
})
