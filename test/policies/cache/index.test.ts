import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { roughSize } from '../../../src/policies/cache/key.ts'
import { bind, type CacheOptions, cache, OptionsError, pipeline, retry } from '../../../src/policies/index.ts'

const ended = (promise: Promise<unknown>) =>
  promise.then(
    value => ({ value }),
    error => ({ error: error?.message ?? error }),
  )

/** A cached function that says which of its calls answered. */
function counted(options: CacheOptions<any> = {}) {
  const clock = virtualClock()
  const policy = cache<any>(options, { clock })
  let calls = 0
  let outcome: (n: number, ...args: unknown[]) => unknown = (n, ...args) => `${args.join()} ${n}`
  const load = policy.wrap(async (...args: unknown[]) => outcome(++calls, ...args))
  return { clock, policy, load, calls: () => calls, answer: (next: typeof outcome) => (outcome = next) }
}

describe('what is kept', () => {
  test('an answer for its time, and no longer', async () => {
    const { clock, load, policy } = counted({ ttl: 100 })
    expect([await load('a'), await load('a'), await load('b')]).toEqual(['a 1', 'a 1', 'b 2'])
    clock.advance(99)
    expect(await load('a')).toBe('a 1')
    clock.advance(1)
    expect(await load('a')).toBe('a 3')
    expect(policy.metrics).toMatchObject({ numberOfHits: 2, numberOfMisses: 3, size: 2 })
  })
  test('no failure, and not what may not be kept', async () => {
    const { load, answer, policy } = counted({ cacheable: (r: unknown) => r !== 'no' })
    answer(n => {
      if (n === 1) throw new Error('down')
      return n === 2 ? 'no' : n
    })
    expect([await ended(load('a')), await load('a'), await load('a'), await load('a')]).toEqual([{ error: 'down' }, 'no', 3, 3])
    expect(policy.metrics).toMatchObject({ numberOfFailedCalls: 1, size: 1 })
  })
  test('null and false are answers, undefined is none', async () => {
    for (const [value, calls] of [
      [null, 1],
      [false, 1],
      [0, 1],
      ['', 1],
      [undefined, 2],
    ] as const) {
      const one = counted()
      one.answer(() => value)
      await one.load('a')
      expect([await one.load('a'), one.calls()]).toEqual([value, calls])
    }
  })
  test('so many and so large, the one unused for longest goes first', async () => {
    const { load, policy } = counted({ maxEntries: 2 })
    for (const key of ['a', 'b', 'a', 'c']) await load(key)
    expect([await load('a'), await load('b'), policy.metrics.numberOfEvictions]).toEqual(['a 1', 'b 4', 2])
    const sized = counted({ maxBytes: '1Ki', sizeOf: (text: string) => text.length * 100 })
    for (const key of ['a', 'b', 'c']) await sized.load(key)
    expect(sized.policy.metrics).toMatchObject({ size: 3, bytes: 900 })
    await sized.load('d')
    expect(sized.policy.metrics).toMatchObject({ size: 3, bytes: 900, numberOfEvictions: 1 })
    sized.policy.update({ maxBytes: 300 })
    expect(sized.policy.metrics).toMatchObject({ size: 1, bytes: 300 })
  })
  test('until it is forgotten', async () => {
    const { load, policy } = counted({ key: call => String(call.args![0]) })
    await load('a')
    expect([policy.forget('a'), policy.forget('a')]).toEqual([true, false])
    expect(await load('a')).toBe('a 2')
    policy.clear()
    expect([await load('a'), policy.metrics.size]).toEqual(['a 3', 1])
  })
  test('a synchronous function stays one', async () => {
    const policy = cache()
    let calls = 0
    const load = policy.wrap(() => Promise.resolve(++calls))
    const plain = policy.wrap((n: number) => n + ++calls)
    expect([await load(), await load()]).toEqual([1, 1])
    expect([await plain(1), await plain(1), calls]).toEqual([3, 3, 2])
  })
})

describe('by what', () => {
  test('by arguments that can be told apart, never by others', async () => {
    const { load, calls, policy } = counted()
    for (const args of [
      [1],
      ['1'],
      [1, 2],
      ['1,2'],
      ['a|b'],
      ['a', 'b'],
      [null],
      [undefined],
      ['null'],
      [true],
      ['true'],
      [1n],
      [-0],
      [0],
      [],
    ])
      await load(...args)
    expect(calls()).toBe(15)
    await load({ id: 1 })
    await load({ id: 1 })
    expect([calls(), policy.metrics.numberOfUncachedCalls]).toEqual([17, 2])
  })
  test('not across functions, nor across objects', async () => {
    const policy = cache()
    const [one, two] = [policy.wrap(async (_: string) => 'one'), policy.wrap(async (_: string) => 'two')]
    expect([await one('a'), await two('a')]).toEqual(['one', 'two'])
    class User {
      readonly #name: string
      constructor(name: string) {
        this.#name = name
      }
      readonly load = policy.wrap(load)
      get name() {
        return this.#name
      }
    }
    async function load(this: User, field: string) {
      return `${this.name}.${field}`
    }
    const [ann, bob] = [new User('ann'), new User('bob')]
    expect([await ann.load('age'), await bob.load('age'), await ann.load('age')]).toEqual(['ann.age', 'bob.age', 'ann.age'])
  })
  test('work given to execute has no key of its own', async () => {
    const policy = cache()
    let calls = 0
    for (let i = 0; i < 2; i++) await policy.execute(() => ++calls)
    const bound = policy.wrap(bind(async (_call, id: string) => `${id}${++calls}`))
    expect([await bound('a'), await bound('b'), calls]).toEqual(['a3', 'b4', 4])
  })
  test('by a key of one’s own, and by what else the answer depends on', async () => {
    const policy = cache({ key: call => call.host, vary: call => (call.context as any)?.user })
    let calls = 0
    const ask = (host: string | undefined, user?: string) => policy.execute(() => ++calls, { host, context: { user } })
    expect([await ask('a'), await ask('a'), await ask('b'), await ask('a', 'ann'), await ask('a', 'bob'), await ask('a', 'ann')]).toEqual([
      1, 1, 2, 3, 4, 3,
    ])
    expect([await ask(undefined), await ask(undefined)]).toEqual([5, 6])
  })
  test('a hook that throws is reported, and the call is not cached', async () => {
    const { load, calls } = counted({
      key: () => {
        throw new Error('hook')
      },
    })
    expect([await load('a'), await load('a'), calls()]).toEqual(['a 1', 'a 2', 2])
  })
})

describe('together', () => {
  const pending = () => {
    const one = counted({ ttl: 100 })
    const finish: ((value: unknown) => void)[] = []
    const fail: ((error: unknown) => void)[] = []
    const signals: AbortSignal[] = []
    const run = (options: object = {}) =>
      one.policy.execute(
        call =>
          new Promise((resolve, reject) => {
            finish.push(resolve)
            fail.push(reject)
            signals.push(call.signal)
          }),
        { host: 'a', ...options },
      )
    one.policy.update({ key: call => call.host })
    return { ...one, run, finish, fail, signals }
  }

  test('many who want the same ask once', async () => {
    const { run, finish, policy } = pending()
    const all = [run(), run(), run()]
    expect(finish).toHaveLength(1)
    finish[0]!('one')
    expect(await Promise.all(all)).toEqual(['one', 'one', 'one'])
    expect(policy.metrics).toMatchObject({ numberOfMisses: 1, numberOfJoinedCalls: 2 })
  })
  test('a failure is everybody’s, and the next one asks again', async () => {
    const { run, fail } = pending()
    const all = [ended(run()), ended(run())]
    fail[0]!(new Error('down'))
    expect(await Promise.all(all)).toEqual([{ error: 'down' }, { error: 'down' }])
    run()
    expect(fail).toHaveLength(2)
  })
  test('who began may go without taking the others with him', async () => {
    const { run, finish, signals } = pending()
    const leader = new AbortController()
    const first = ended(run({ signal: leader.signal }))
    const second = run()
    leader.abort('enough')
    expect([await first, signals[0]!.aborted]).toEqual([{ error: 'enough' }, false])
    finish[0]!('one')
    expect(await second).toBe('one')
    expect(getEventListeners(leader.signal, 'abort')).toHaveLength(0)
  })
  test('the last to go takes it with him, and the next one begins anew', async () => {
    const { run, signals, finish } = pending()
    const [a, b] = [new AbortController(), new AbortController()]
    const both = [ended(run({ signal: a.signal })), ended(run({ signal: b.signal }))]
    a.abort('a')
    expect(signals[0]!.aborted).toBe(false)
    b.abort('b')
    expect([signals[0]!.reason, await Promise.all(both)]).toEqual(['b', [{ error: 'a' }, { error: 'b' }]])
    const third = run()
    finish[1]!('anew')
    expect(await third).toBe('anew')
  })
  test('each goes on in its own async context', async () => {
    const context = new AsyncLocalStorage<string>()
    const { run, finish } = pending()
    const both = ['a', 'b'].map(name => context.run(name, () => run().then(() => context.getStore())))
    finish[0]!('one')
    expect(await Promise.all(both)).toEqual(['a', 'b'])
  })
  test('not when it is switched off', async () => {
    const { run, finish, policy } = pending()
    policy.update({ coalesce: false })
    const both = [run(), run()]
    finish[0]!('one')
    finish[1]!('two')
    expect(await Promise.all(both)).toEqual(['one', 'two'])
  })
})

describe('after its time', () => {
  test('an answer is given while a new one is fetched, by one call only', async () => {
    const { clock, load, calls, policy } = counted({ ttl: 100, staleWhileRevalidate: 50 })
    await load('a')
    clock.advance(120)
    expect([await load('a'), await load('a')]).toEqual(['a 1', 'a 2'])
    clock.advance(120)
    expect([load('a'), load('a')].length).toBe(2)
    await clock.advanceAsync(0)
    expect([calls(), await load('a')]).toEqual([3, 'a 3'])
    clock.advance(150)
    expect(await load('a')).toBe('a 4')
    expect(policy.metrics.numberOfStaleAnswers).toBe(3)
  })
  test('a fetch behind it that fails disturbs nobody', async () => {
    const { clock, load, answer } = counted({ ttl: 100, staleWhileRevalidate: 50 })
    await load('a')
    answer(() => {
      throw new Error('down')
    })
    clock.advance(100)
    expect([await load('a'), await load('a')]).toEqual(['a 1', 'a 1'])
    clock.advance(50)
    expect(await ended(load('a'))).toEqual({ error: 'down' })
  })
  test('an answer is better than an error, for a while', async () => {
    const { clock, load, answer, policy } = counted({ ttl: 100, staleIfError: 1000 })
    const told: unknown[] = []
    policy.on('stale', e => told.push(e.because))
    await load('a')
    answer(() => {
      throw new Error('down')
    })
    clock.advance(1099)
    expect([await load('a'), told]).toEqual(['a 1', ['error']])
    clock.advance(1)
    expect(await ended(load('a'))).toEqual({ error: 'down' })
    expect(policy.metrics.numberOfStaleAnswers).toBe(1)
  })
})

test('inside a pipeline: what is fetched passes through what stands inside, once', async () => {
  const clock = virtualClock()
  let calls = 0
  const load = pipeline(cache({ ttl: 100 }, { clock }), retry({ attempts: 1, waitDuration: 0 }, { clock })).wrap(async (id: string) => {
    if (++calls === 1) throw new Error('down')
    return id
  })
  expect(await Promise.all([load('a'), load('a')])).toEqual(['a', 'a'])
  expect([await load('a'), calls]).toEqual(['a', 2])
})

test('sizes', () => {
  const cyclic: any = {}
  cyclic.self = cyclic
  expect([roughSize('abc'), roughSize(new Uint8Array(5)), roughSize({ a: 1 }), roughSize(1), roughSize(cyclic)]).toEqual([
    6,
    5,
    14,
    8,
    Infinity,
  ])
})

test('wrong options say so; those given are not changed', () => {
  for (const wrong of [{ ttl: -1 }, { maxEntries: 0 }, { maxBytes: 'much' }, { coalesced: true }] as any[])
    expect(() => cache(wrong)).toThrow(OptionsError)
  const options = { ttl: 100 }
  const policy = cache(options)
  policy.update({ ttl: 5, maxBytes: '10Ki' })
  expect([options, policy.describe().options]).toMatchObject([{ ttl: 100 }, { ttl: 5, maxBytes: 10_240, coalesce: true }])
})
