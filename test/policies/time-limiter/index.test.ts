import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { bulkhead, OptionsError, pipeline, retry, type TimeLimitError, timeLimiter } from '../../../src/policies/index.ts'

const never = () => new Promise<never>(() => {})
const ended = (promise: Promise<unknown>) =>
  promise.then(
    value => ({ value }),
    error => ({ error }),
  )

describe('abandoning', () => {
  test('fails at once, tells the work by its own signal, and leaves the caller’s alone', async () => {
    const clock = virtualClock()
    const limit = timeLimiter({ timeoutDuration: '50ms' }, { clock, name: 'users' })
    const controller = new AbortController()
    let inner!: AbortSignal
    const done = ended(limit.execute(call => ((inner = call.signal), never()), { signal: controller.signal }))
    await clock.advanceAsync(49)
    expect(inner.aborted).toBe(false)
    await clock.advanceAsync(1)
    const { error } = (await done) as { error: TimeLimitError }
    expect([error.name, error.code, error.message]).toEqual([
      'TimeLimitError',
      'ERR_TIME_LIMIT',
      'time limiter users: no result within 50 ms',
    ])
    expect([inner.aborted, inner.reason, controller.signal.aborted]).toEqual([true, error, false])
    expect([clock.pending, getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0])
  })
  test('the work is not told when it shall not be', async () => {
    const clock = virtualClock()
    const limit = timeLimiter({ timeoutDuration: 50, cancelRunningFuture: false }, { clock })
    let inner!: AbortSignal
    const done = ended(limit.execute(call => ((inner = call.signal), never())))
    await clock.advanceAsync(50)
    expect([((await done) as any).error.code, inner.aborted]).toEqual(['ERR_TIME_LIMIT', false])
  })
  test('what stands inside keeps its slot until the work has really ended', async () => {
    const clock = virtualClock()
    const slots = bulkhead({ maxConcurrentCalls: 1 }, { clock })
    const guard = pipeline(timeLimiter({ timeoutDuration: 50 }, { clock }), slots)
    let finish!: (value: string) => void
    const done = ended(guard.execute(() => new Promise<string>(resolve => (finish = resolve))))
    await clock.advanceAsync(50)
    await done
    expect(slots.metrics.availableConcurrentCalls).toBe(0)
    finish('late')
    await clock.advanceAsync(0)
    expect(slots.metrics.availableConcurrentCalls).toBe(1)
  })
})

describe('cooperative', () => {
  const limited = () => {
    const clock = virtualClock()
    return { clock, limit: timeLimiter({ timeoutDuration: 50, cooperative: true }, { clock }) }
  }
  test('waits until the work has ended, and says it was late', async () => {
    const { clock, limit } = limited()
    let settled = false
    const done = ended(
      limit.execute(
        call =>
          new Promise((_, reject) => {
            call.signal.addEventListener('abort', () => clock.schedule(30, () => reject(new Error('cleaned up'))))
          }),
      ),
    ).finally(() => (settled = true))
    await clock.advanceAsync(79)
    expect(settled).toBe(false)
    await clock.advanceAsync(1)
    const { error } = (await done) as { error: TimeLimitError }
    expect([error.code, (error.cause as Error).message, clock.pending]).toEqual(['ERR_TIME_LIMIT', 'cleaned up', 0])
    expect(limit.metrics).toEqual({ numberOfSuccessfulCalls: 0, numberOfFailedCalls: 0, numberOfTimedOutCalls: 1 })
  })
  test('an answer that comes all the same is given', async () => {
    const { clock, limit } = limited()
    const done = ended(limit.execute(() => new Promise(resolve => clock.schedule(70, () => resolve('late but whole')))))
    await clock.advanceAsync(70)
    expect([await done, limit.metrics.numberOfTimedOutCalls]).toEqual([{ value: 'late but whole' }, 1])
  })
  test('needs the signal', () =>
    expect(() => timeLimiter({ cooperative: true, cancelRunningFuture: false })).toThrow(/leave cancelRunningFuture at true/))
})

describe('given up by the caller', () => {
  test('is never a timeout, whether the work heeds its signal or not', async () => {
    const clock = virtualClock()
    const limit = timeLimiter({ timeoutDuration: 50 }, { clock })
    const events: string[] = []
    for (const type of ['success', 'error', 'timeout'] as const) limit.on(type, () => events.push(type))
    for (const work of [
      never,
      (call: any) => new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason))),
    ]) {
      const controller = new AbortController()
      const done = ended(limit.execute(work as any, { signal: controller.signal }))
      await clock.advanceAsync(10)
      controller.abort('enough')
      expect(await done).toEqual({ error: 'enough' })
      await clock.advanceAsync(0)
      expect([clock.pending, getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0])
      await clock.advanceAsync(1000)
    }
    expect(events).toEqual([])
    expect(limit.metrics).toEqual({ numberOfSuccessfulCalls: 0, numberOfFailedCalls: 0, numberOfTimedOutCalls: 0 })
  })
  test('a call aborted before it began is not made', async () => {
    let made = 0
    expect(await ended(timeLimiter().execute(() => made++, { signal: AbortSignal.abort('before') }))).toEqual({ error: 'before' })
    expect(made).toBe(0)
  })
})

describe('endings', () => {
  test.each<[string, () => unknown]>([
    ['a value', () => 1],
    ['a promise', async () => 1],
    [
      'a throw',
      () => {
        throw new Error('x')
      },
    ],
    ['a rejection', async () => Promise.reject(new Error('x'))],
  ])('%s leaves no timer, and its signal is never aborted', async (_, work) => {
    const clock = virtualClock()
    let signal!: AbortSignal
    await ended(timeLimiter({ timeoutDuration: 50 }, { clock }).execute(call => ((signal = call.signal), work())))
    expect(clock.pending).toBe(0)
    await clock.advanceAsync(1000)
    expect(signal.aborted).toBe(false)
  })
})

describe('deadline', () => {
  test('a nested call has the nearer one', async () => {
    const clock = virtualClock(100)
    const seen: number[] = []
    const guard = pipeline(
      timeLimiter({ timeoutDuration: 300 }, { clock }),
      retry({ attempts: 1, waitDuration: 50 }, { clock }),
      timeLimiter({ timeoutDuration: 100 }, { clock }),
    )
    const done = ended(guard.execute(call => (seen.push(call.deadline), Promise.reject(new Error('x')))))
    await clock.advanceAsync(1000)
    await done
    expect(seen).toEqual([200, 250])
    const outer = timeLimiter({ timeoutDuration: 300 }, { clock })
    const inner = timeLimiter({ timeoutDuration: 1000 }, { clock })
    const nested = ended(outer.execute(call => inner.execute(never, { signal: call.signal, deadline: call.deadline })))
    await clock.advanceAsync(300)
    expect(((await nested) as any).error.message).toBe('time limiter: no result within 300 ms')
    expect(clock.pending).toBe(0)
  })
  test('a deadline given with the call bounds it', async () => {
    const clock = virtualClock()
    const limit = timeLimiter({ timeoutDuration: 1000 }, { clock })
    const done = ended(limit.execute(never, { deadline: 40 }))
    await clock.advanceAsync(40)
    expect(((await done) as any).error.message).toBe('time limiter: the deadline of the call passed after 40 ms')
    let made = 0
    const late = (await ended(limit.execute(() => made++, { deadline: 30 }))) as any
    expect([late.error.message, made]).toEqual(['time limiter: the deadline of the call passed before it began (-10 ms)', 0])
  })
})

test('the caller goes on in its own async context after a timeout', async () => {
  const clock = virtualClock()
  const context = new AsyncLocalStorage<string>()
  const limit = timeLimiter({ timeoutDuration: 10 }, { clock })
  const seen = ['a', 'b'].map(name => context.run(name, () => limit.execute(never).catch(() => context.getStore())))
  await clock.advanceAsync(10)
  expect(await Promise.all(seen)).toEqual(['a', 'b'])
})

test('options: wrong ones say so, also what a 32-bit timer would not hold is kept; update acts on later calls', async () => {
  for (const timeoutDuration of [0, -1, Number.NaN, 'soon', Number.POSITIVE_INFINITY])
    expect(() => timeLimiter({ timeoutDuration }), String(timeoutDuration)).toThrow(OptionsError)
  const clock = virtualClock()
  const limit = timeLimiter({ timeoutDuration: 2 ** 31 }, { clock })
  const long = ended(limit.execute(never))
  await clock.advanceAsync(2 ** 31 - 1)
  expect(clock.pending).toBe(1)
  limit.update({ timeoutDuration: 5 })
  const short = ended(limit.execute(never))
  await clock.advanceAsync(1)
  expect(((await long) as any).error.code).toBe('ERR_TIME_LIMIT')
  await clock.advanceAsync(4)
  expect(((await short) as any).error.message).toBe('time limiter: no result within 5 ms')
  expect(() => limit.update({ timeoutDuration: -1 })).toThrow(OptionsError)
  expect(limit.describe().options).toMatchObject({ timeoutDuration: 5 })
})
