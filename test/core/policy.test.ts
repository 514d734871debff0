import { expect, test } from 'vitest'
import { bind, policy } from '../../src/core/policy.ts'
import {
  bulkhead,
  cache,
  circuitBreaker,
  collapse,
  command,
  fallback,
  hedge,
  pipeline,
  rateLimiter,
  registry,
  retry,
  timeLimiter,
} from '../../src/policies/index.ts'

const bare = policy(
  'bare',
  'p',
  next => next,
  () => ({ kind: 'bare', name: 'p', options: {} }),
)

test('wrap keeps arguments, `this` and the answer', async () => {
  const object = { base: 1, add: bare.wrap(async function (this: { base: number }, a: number, b: number) { return this.base + a + b }) } // biome-ignore format: one line
  expect(await object.add(2, 3)).toBe(6)
})
test('bind hands over the call first', async () => {
  const attempt = bare.wrap(bind((call, id: string) => `${id}${call.attempt}`))
  expect(await attempt('x')).toBe('x1')
})
test('a throw becomes a rejection; an aborted caller is never served', async () => {
  await expect(bare.execute(() => { throw new Error('sync') })).rejects.toThrow('sync') // biome-ignore format: one line
  let ran = false
  await expect(bare.execute(() => (ran = true), { signal: AbortSignal.abort('gone') })).rejects.toBe('gone')
  expect(ran).toBe(false)
})

test('what is no function is refused before anything counts it as a failure', async () => {
  const breaker = circuitBreaker({ minimumNumberOfCalls: 1 })
  await expect(breaker.execute(5 as any)).rejects.toThrow(/^execute: 5 is not a function; give the function that makes the call/)
  await expect(breaker.execute(Promise.resolve(1) as any)).rejects.toThrow(/a promise, whose work has begun already, is not a function/)
  expect(() => breaker.wrap(undefined as any)).toThrow(/^wrap: undefined is not a function/)
  expect(breaker.metrics.numberOfBufferedCalls).toBe(0)
})

test('a signal that is none is refused, not ignored', async () => {
  const breaker = circuitBreaker({ minimumNumberOfCalls: 1 })
  await expect(breaker.execute(() => 1, { signal: new AbortController() as any })).rejects.toThrow(
    'execute: signal must be an AbortSignal (pass controller.signal, not the controller)',
  )
  expect(await breaker.execute(() => 1, { signal: null as any })).toBe(1)
  expect(breaker.metrics.numberOfBufferedCalls).toBe(1)
})

test('a signal, a time or a function where options are expected says so', async () => {
  const { signal } = new AbortController()
  const breaker = circuitBreaker({ minimumNumberOfCalls: 1 })
  const given = (options: unknown) => breaker.execute(() => 1, options as any).catch(e => `${e.name}: ${e.message}`)
  expect(await given(signal)).toBe('TypeError: execute: expected options such as { signal }, got an AbortSignal')
  expect(await given(5000)).toBe('TypeError: execute: expected options such as { signal }, got a number')
  expect(await given('host')).toContain('got a string')
  expect(await given(() => {})).toContain('got a function')
  expect([await given(null), await given({ signal })]).toEqual([1, 1])
  expect(breaker.metrics.numberOfBufferedCalls).toBe(2)

  const expected = 'expected options such as { signal }, got an AbortSignal'
  await expect(bulkhead().acquire(signal as any)).rejects.toThrow(`bulkhead.acquire: ${expected}`)
  await expect(rateLimiter().acquire(signal as any)).rejects.toThrow(`rateLimiter.acquire: ${expected}`)
  await expect(collapse<number, number>(async items => [...items])(1, signal as any)).rejects.toThrow(`collapse: ${expected}`)
  expect(await Promise.all([1, 2].map(collapse<number, number>(async items => [...items]) as any))).toEqual([1, 2])
  expect(() => command('Get', async () => 1).with(signal as any)).toThrow(`command Get: with: ${expected}`)
  expect(() => breaker.on('success', () => {}, signal as any)).toThrow(`on("success"): ${expected}`)
  expect(() => registry().on('added', () => {}, { signal: new AbortController() as any })).toThrow(
    'on("added"): signal must be an AbortSignal',
  )
})

test('hooks and work see the context and the arguments of their call, however it was made', async () => {
  const seen: unknown[] = []
  const guard = fallback((_error, call) => void seen.push([call.context, call.args, call.host, call.method]))
  const down = () => {
    throw new Error('down')
  }
  await guard.execute(down, { context: { user: 7 }, host: 'a', method: 'GET' })
  await guard.wrap((_id: number, _full: boolean) => down())(1, true)
  await guard.wrap(bind((_call, _id: number) => down()))(2)
  expect(seen).toEqual([
    [{ user: 7 }, undefined, 'a', 'GET'],
    [undefined, [1, true], undefined, undefined],
    [undefined, [2], undefined, undefined],
  ])
  expect(await guard.execute(call => call.context, { context: 'here' })).toBe('here')
})

test('a bound function is cached by its arguments like any other, and keeps its this', async () => {
  let asked = 0
  const object = { base: 'x', get: cache({ ttl: '1m' }).wrap(bind(async function (this: any, call, id: number) { return `${this.base}${id}${call.attempt}${++asked}` })) } // biome-ignore format: one line
  expect([await object.get(1), await object.get(1), await object.get(2)]).toEqual(['x111', 'x111', 'x212'])
})

test.each<[string, () => unknown, string]>([
  // biome-ignore-start lint/suspicious/noThenProperty: what people's thenables do
  ['gives nothing back', () => ({ then: (resolve: any) => void resolve('value') }), 'value'],
  [
    'settles three times',
    () => ({
      then(resolve: any, reject: any) {
        resolve('first')
        resolve('second')
        reject(new Error('third'))
      },
    }),
    'first',
  ],
  [
    'throws',
    () => ({
      then() {
        throw new Error('thrown')
      },
    }),
    'thrown',
  ],
  [
    'cannot be looked at',
    () => ({
      get then() {
        throw new Error('a trap')
      },
    }),
    'a trap',
  ],
  // biome-ignore-end lint/suspicious/noThenProperty: see above
])('a thenable whose then %s settles as await has it, and leaves no slot taken', async (_what, make, told) => {
  const slots = bulkhead({ maxConcurrentCalls: 1 })
  const breaker = circuitBreaker()
  for (const guard of [slots, pipeline(retry({ attempts: 0 }), breaker, timeLimiter(), slots), pipeline(hedge(), cache(), slots)]) {
    const ended = await guard.execute(() => make() as Promise<string>).catch(error => error.message)
    expect([ended, slots.metrics.availableConcurrentCalls]).toEqual([told, 1])
  }
  expect(breaker.metrics.numberOfBufferedCalls).toBe(1)
})
