import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import {
  BulkheadFullError,
  CircuitOpenError,
  fallback,
  firstOf,
  OptionsError,
  pipeline,
  retry,
  timeLimiter,
} from '../../../src/policies/index.ts'

const down = new Error('down')
const failing = async () => Promise.reject(down)
const ended = (promise: Promise<unknown>) =>
  promise.then(
    value => ({ value }),
    error => ({ error }),
  )

describe('answers', () => {
  test('a value, a function of the error, a promise', async () => {
    expect(await fallback('other').execute(failing)).toBe('other')
    expect(await fallback(error => (error as Error).message).execute(failing)).toBe('down')
    expect(
      await fallback(async () => 'later').execute(() => {
        throw down
      }),
    ).toBe('later')
    expect(await fallback(undefined).execute(failing)).toBeUndefined()
    expect(await fallback('other').execute(() => 'fine')).toBe('fine')
  })
  test('several in a row: each hears why the one before it failed', async () => {
    const heard: string[] = []
    const says = (message: string) => (error: unknown) => {
      heard.push((error as Error).message)
      throw new Error(message)
    }
    expect(await fallback(firstOf<unknown>(says('replica'), async (e: unknown) => says('store')(e), [])).execute(failing)).toEqual([])
    expect(heard).toEqual(['down', 'replica'])
    const { error } = (await ended(fallback(firstOf(says('a'), says('b'))).execute(failing))) as any
    expect([error.message, error.cause.message, error.cause.cause.message]).toEqual(['b', 'a', 'down'])
    expect(await ended(fallback(firstOf()).execute(failing))).toEqual({ error: down })
  })
  test('a call that was cut gets a signal of its own for its other answer', async () => {
    const clock = virtualClock()
    let aborted: boolean | undefined
    const guard = pipeline(
      fallback((_, call) => ((aborted = call.signal.aborted), 'other')),
      timeLimiter({ timeoutDuration: 10 }, { clock }),
    )
    const done = guard.execute(call => (call.signal, new Promise<string>(() => {})))
    await clock.advanceAsync(10)
    expect([await done, aborted]).toEqual(['other', false])
  })
})

describe('which', () => {
  class Special extends TypeError {}
  test.each<[string, any, unknown, boolean]>([
    ['a class', TypeError, new Special('x'), true],
    ['not another', RangeError, new Special('x'), false],
    ['Error itself', Error, new Special('x'), true],
    ['a code', 'ERR_CIRCUIT_OPEN', new CircuitOpenError('open'), true],
    ['a code of the cause', 'ECONNRESET', new Error('x', { cause: { code: 'ECONNRESET' } }), true],
    ['a name', 'CircuitOpenError', new CircuitOpenError('open'), true],
    ['one of a list', ['X', TypeError], new Special('x'), true],
    ['none of it', ['X', RangeError], new Special('x'), false],
    ['a question', (e: any) => e.message === 'x', new Special('x'), true],
    ['a question answered no', () => false, new Special('x'), false],
    [
      'a question that throws',
      () => {
        throw new Error('hook')
      },
      new Special('x'),
      false,
    ],
  ])('%s', async (_, handle, error, handled) => {
    const guard = fallback('other', { handle })
    expect(await ended(guard.execute(async () => Promise.reject(error)))).toEqual(handled ? { value: 'other' } : { error })
    expect(guard.metrics).toMatchObject({ numberOfSuccessfulFallbacks: handled ? 1 : 0, numberOfUnhandledErrors: handled ? 0 : 1 })
  })
  test('a bad result is replaced; the answer gets it', async () => {
    const guard = fallback((error, _call, result) => ({ error, result }), { handleResult: (r: unknown) => r === 'bad' })
    expect(await guard.execute(async () => 'bad')).toEqual({ error: undefined, result: 'bad' })
    expect(await guard.execute(async () => 'good')).toBe('good')
  })
  test('wrong options say so', () => {
    expect(() => fallback(1, { handle: 7 as any })).toThrow(/handle: expected a class/)
    expect(() => fallback(1, { maxConcurrentCalls: -1 })).toThrow(OptionsError)
    expect(() => fallback(1, { on: () => true } as any)).toThrow(/on: unknown option/)
  })
})

describe('a fallback that fails', () => {
  test('has the original error as its cause, unless it knows a better one', async () => {
    const own = new Error('own')
    expect(
      await ended(
        fallback(() => {
          throw own
        }).execute(failing),
      ),
    ).toEqual({ error: own })
    expect(own.cause).toBe(down)
    const known = new Error('known', { cause: 'else' })
    await ended(fallback(async () => Promise.reject(known)).execute(failing))
    expect(known.cause).toBe('else')
    const frozen = Object.freeze(new Error('frozen'))
    expect(
      await ended(
        fallback(() => {
          throw frozen
        }).execute(failing),
      ),
    ).toEqual({ error: frozen })
    expect(
      await ended(
        fallback(error => {
          throw error
        }).execute(failing),
      ),
    ).toEqual({ error: down })
    expect(down.cause).toBeUndefined()
  })
})

describe('its own limit', () => {
  test('answers beyond it are refused with the original error as cause; a finished one makes room', async () => {
    const guard = fallback(
      (_error, _call) => new Promise<string>(resolve => waiting.push(resolve)),
      { maxConcurrentCalls: 2 },
      { name: 'replica' },
    )
    const waiting: ((value: string) => void)[] = []
    const events: string[] = []
    for (const type of ['fallback', 'success', 'failure', 'rejected'] as const) guard.on(type, () => events.push(type))
    const first = [guard.execute(failing), guard.execute(failing)]
    const { error } = (await ended(guard.execute(failing))) as { error: BulkheadFullError }
    expect(error).toBeInstanceOf(BulkheadFullError)
    expect([error.message, error.cause]).toEqual(['fallback replica is full: 2 of 2 answers are under way', down])
    expect(guard.metrics).toMatchObject({ numberOfRejectedFallbacks: 1, concurrentFallbacks: 2 })
    for (const resolve of waiting) resolve('ok')
    expect(await Promise.all(first)).toEqual(['ok', 'ok'])
    expect(guard.metrics.concurrentFallbacks).toBe(0)
    expect(events).toEqual(['fallback', 'fallback', 'rejected', 'success', 'success'])
    guard.update({ maxConcurrentCalls: 0 })
    expect(((await ended(guard.execute(failing))) as any).error).toBeInstanceOf(BulkheadFullError)
  })
})

test('an answer that fails gives its place back, whether it throws or rejects', async () => {
  const answers = [
    () => Promise.reject(new Error('async')),
    () => {
      throw new Error('sync')
    },
  ]
  const guard = fallback(() => answers.shift()!(), { maxConcurrentCalls: 1 })
  expect(((await ended(guard.execute(failing))) as any).error.message).toBe('async')
  expect(((await ended(guard.execute(failing))) as any).error.message).toBe('sync')
  expect(guard.metrics).toMatchObject({ numberOfFailedFallbacks: 2, numberOfRejectedFallbacks: 0, concurrentFallbacks: 0 })
})

describe('given up', () => {
  test('by the caller: no other answer', async () => {
    const clock = virtualClock()
    let asked = 0
    const guard = fallback(() => ++asked)
    const controller = new AbortController()
    const done = ended(
      guard.execute(call => new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(down))), {
        signal: controller.signal,
      }),
    )
    controller.abort('enough')
    expect(await done).toEqual({ error: 'enough' })
    await clock.advanceAsync(0)
    expect([asked, getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0])
  })
  test('by a time limit outside: nobody waits for another answer', async () => {
    const clock = virtualClock()
    let asked = 0
    const guard = pipeline(
      timeLimiter({ timeoutDuration: 10 }, { clock }),
      fallback(() => ++asked),
    )
    const done = ended(guard.execute(call => new Promise<number>((_, reject) => call.signal.addEventListener('abort', () => reject(down)))))
    await clock.advanceAsync(10)
    expect([((await done) as any).error.code, asked]).toEqual(['ERR_TIME_LIMIT', 0])
  })
})

test('outside retry it answers once, after the last try', async () => {
  const clock = virtualClock()
  let answers = 0
  const guard = pipeline(
    fallback(() => ++answers),
    retry({ attempts: 2, waitDuration: 0 }, { clock }),
  )
  expect(await guard.execute(async () => Promise.reject(down))).toBe(1)
  expect(guard.describe().inner![0]).toMatchObject({ kind: 'fallback', options: { answer: 'function' } })
})
