import { expect, test } from 'vitest'
import { bind, policy } from '../../src/core/policy.ts'
import { bulkhead, cache, circuitBreaker, hedge, pipeline, retry, timeLimiter } from '../../src/policies/index.ts'

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
    'execute: signal is no AbortSignal; of an AbortController give its signal',
  )
  expect(await breaker.execute(() => 1, { signal: null as any })).toBe(1)
  expect(breaker.metrics.numberOfBufferedCalls).toBe(1)
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
