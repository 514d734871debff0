import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { OptionsError } from '../../../src/core/errors.ts'
import { type BatchAnswer, type CollapseOptions, collapse } from '../../../src/policies/collapse/index.ts'

const reason = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    error => (error instanceof Error ? error.message : error),
  )

/** A collapser that remembers its batches and answers each item with its double. */
function doubling(options: CollapseOptions<number> = {}) {
  const clock = virtualClock()
  const batches: number[][] = []
  const load = collapse<number, number>(
    items => {
      batches.push([...items])
      return items.map(item => item * 2)
    },
    options,
    { clock },
  )
  return { clock, batches, load }
}

describe('batches', () => {
  test('by time: what comes within the wait goes together', async () => {
    const { clock, batches, load } = doubling({ maxWait: 10 })
    const first = [load(1), load(2)]
    await clock.advanceAsync(9)
    first.push(load(3))
    expect(batches).toEqual([])
    await clock.advanceAsync(1)
    const next = load(4)
    await clock.advanceAsync(10)
    expect([await Promise.all(first), await next, batches]).toEqual([[2, 4, 6], 8, [[1, 2, 3], [4]]])
    expect(clock.pending).toBe(0)
  })

  test('by size: a full batch does not wait', async () => {
    const { clock, batches, load } = doubling({ maxSize: 2, maxWait: 1000 })
    expect(await Promise.all([load(1), load(2), load(3), load(4)])).toEqual([2, 4, 6, 8])
    expect([batches, clock.pending]).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
      0,
    ])
  })

  test('without a wait: until the running code has ended', async () => {
    const { clock, batches, load } = doubling({ maxWait: 0 })
    await Promise.all([load(1), load(2)])
    await load(3)
    expect([batches, clock.pending]).toEqual([[[1, 2], [3]], 0])
  })

  test('an item asked for twice is in the batch once, by key', async () => {
    const asked: string[][] = []
    const load = collapse<{ id: string }, string>(
      items => {
        asked.push(items.map(item => item.id))
        return new Map(items.map(({ id }) => [id, id.toUpperCase()]))
      },
      { maxWait: 0, key: item => item.id },
    )
    expect(await Promise.all([load({ id: 'a' }), load({ id: 'b' }), load({ id: 'a' })])).toEqual(['A', 'B', 'A'])
    expect(asked).toEqual([['a', 'b']])
    expect(load.metrics).toEqual({
      numberOfCalls: 3,
      numberOfDuplicates: 1,
      numberOfBatches: 1,
      numberOfBatchedItems: 2,
      numberOfFailedBatches: 0,
    })
  })

  test('each scope has its own', async () => {
    const requests = new AsyncLocalStorage<object>()
    const { batches, load } = doubling({ maxWait: 0, scope: () => requests.getStore() })
    await Promise.all([requests.run({}, () => Promise.all([load(1), load(2)])), requests.run({}, () => load(3)), load(4)])
    expect(batches).toEqual([[1, 2], [3], [4]])
  })

  test('a batch runs in the async context of the call that opened it, each caller goes on in its own', async () => {
    const context = new AsyncLocalStorage<string>()
    const clock = virtualClock()
    const seen: unknown[] = []
    const load = collapse<number, number>(
      items => {
        seen.push(context.getStore())
        return [...items]
      },
      { maxSize: 2, maxWait: 5 },
      { clock },
    )
    const ask = (name: string, item: number) => context.run(name, () => load(item).then(() => seen.push(context.getStore())))
    await Promise.all([ask('first', 1), ask('second', 2)])
    expect(seen).toEqual(['first', 'first', 'second'])
  })

  test('flush and update start what waits', async () => {
    const { batches, load } = doubling({ maxWait: 1000 })
    const one = load(1)
    load.flush()
    expect(await one).toBe(2)
    const more = [load(2), load(3)]
    load.update({ maxSize: 2 })
    expect([await Promise.all(more), batches]).toEqual([
      [4, 6],
      [[1], [2, 3]],
    ])
    expect(load.describe().options).toMatchObject({ maxSize: 2, maxWait: 1000 })
  })
})

describe('failures', () => {
  test('one failing item does not fail the rest', async () => {
    const load = collapse<number, string>(items => items.map(item => (item === 2 ? new Error('no 2') : `ok ${item}`)), { maxWait: 0 })
    expect(await Promise.all([load(1), load(2), load(3)].map(p => p.catch((e: Error) => e.message)))).toEqual(['ok 1', 'no 2', 'ok 3'])
  })

  test.each<[string, () => BatchAnswer<number> | Promise<BatchAnswer<number>>, string]>([
    ['a batch that rejects', async () => Promise.reject(new Error('down')), 'down'],
    [
      'a batch that throws',
      () => {
        throw new Error('at once')
      },
      'at once',
    ],
    ['too few answers', () => [1], 'collapse users: 1 answers for 2 items; expected one for each, in their order'],
    ['no answers at all', () => undefined as any, 'collapse users: expected a list of answers in the order of the items, or a Map by key'],
  ])('%s fails all its items', async (_, many, message) => {
    const load = collapse<number, number>(many, { maxWait: 0 }, { name: 'users' })
    expect(await Promise.all([reason(load(1)), reason(load(2))])).toEqual([message, message])
    expect(load.metrics.numberOfFailedBatches).toBe(1)
  })

  test('a key missing in a Map fails that item', async () => {
    const load = collapse<string, number>(() => new Map([['a', 1]]), { maxWait: 0 })
    expect(await Promise.all([reason(load('a')), reason(load('b'))])).toEqual(['answered', 'collapse: no answer for b'])
  })

  test('wrong options say so', () => {
    expect(() => collapse(() => [], { maxSize: 0 })).toThrow(OptionsError)
    expect(() => doubling().load.update({ maxWait: -1 })).toThrow(OptionsError)
  })
})

describe('aborts', () => {
  test('who gives up before the start leaves its place, the others do not notice', async () => {
    const { clock, batches, load } = doubling({ maxWait: 10 })
    const controller = new AbortController()
    const gone = reason(load(1, { signal: controller.signal }))
    const stays = load(2)
    controller.abort('enough')
    await clock.advanceAsync(10)
    expect([await gone, await stays, batches]).toEqual(['enough', 4, [[2]]])
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  test('a batch that nobody waits for never starts, and its timer is gone', async () => {
    const { clock, batches, load } = doubling({ maxWait: 10 })
    const controller = new AbortController()
    const gone = [reason(load(1, { signal: controller.signal })), reason(load(1, { signal: controller.signal }))]
    controller.abort('enough')
    expect([await Promise.all(gone), clock.pending]).toEqual([['enough', 'enough'], 0])
    expect(await Promise.all([load(3), clock.advanceAsync(10)])).toEqual([6, undefined])
    expect(batches).toEqual([[3]])
  })

  test('a running batch is told only when the last one has gone', async () => {
    let signal!: AbortSignal
    const load = collapse<number, number>(
      (_, call) => {
        signal = call.signal
        return new Promise(() => {})
      },
      { maxSize: 2 },
    )
    const [a, b] = [new AbortController(), new AbortController()]
    const both = [reason(load(1, { signal: a.signal })), reason(load(2, { signal: b.signal }))]
    await Promise.resolve()
    await Promise.resolve()
    a.abort('first')
    expect(signal.aborted).toBe(false)
    b.abort('second')
    expect([signal.aborted, signal.reason, await Promise.all(both)]).toEqual([true, 'second', ['first', 'second']])
  })

  test('an aborted signal asks for nothing; a finished call leaves no listener', async () => {
    const { batches, load } = doubling({ maxWait: 0 })
    expect(await reason(load(1, { signal: AbortSignal.abort('before') }))).toBe('before')
    const controller = new AbortController()
    await load(2, { signal: controller.signal })
    expect([batches, getEventListeners(controller.signal, 'abort').length]).toEqual([[[2]], 0])
  })
})

test('events tell why a batch started; a listener that throws disturbs nobody', async () => {
  const { load } = doubling({ maxSize: 2, maxWait: 0 })
  const told: unknown[] = []
  load.on('batch', event => told.push(event))
  load.on('success', event => told.push(event))
  const unheard = new Promise(resolve => process.once('warning', resolve))
  load.on('batch', () => {
    throw new Error('listener')
  })
  await Promise.all([load(1), load(1), load(2)])
  await load(3)
  await unheard
  expect(told).toEqual([{ size: 2, calls: 3, because: 'size' }, { size: 2 }, { size: 1, calls: 1, because: 'time' }, { size: 1 }])
})
