/** Collapsing: many calls for one thing each become one call for many things, as Hystrix's collapser does. */

import { type Clock, systemClock, type Timer } from '../../base/time/clock.ts'
import { Call, type CallView } from '../../core/call.ts'
import { Emitter, type EventNames, type Observable, report } from '../../core/events.ts'
import { isPromiseLike } from '../../core/next.ts'
import type { Description } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { readOptions } from '../../core/schema/index.ts'
import { type Signal, signalIssue, whenAborted } from '../../core/signal.ts'
import { type Batch, Batches } from './kernel.ts'
import { type CollapseOptions, collapseFields } from './options.ts'

export type { CollapseOptions }

/** Answers in the order of the items, an Error for an item that failed; or by key in a Map. */
export type BatchAnswer<R> = readonly (R | Error)[] | ReadonlyMap<unknown, R | Error>

export interface CollapseEvents {
  /** A batch starts: `size` different items for `calls` calls. */
  batch: { size: number; calls: number; because: 'time' | 'size' | 'flush' }
  success: { size: number }
  error: { size: number; error: unknown }
}
export const COLLAPSE_EVENTS: EventNames<CollapseEvents> = { batch: 1, success: 1, error: 1 }

export interface CollapseMetrics {
  /** Calls made of it. */
  readonly numberOfCalls: number
  /** Calls that shared the place of an equal item. */
  readonly numberOfDuplicates: number
  readonly numberOfBatches: number
  /** Items in all batches that started. */
  readonly numberOfBatchedItems: number
  readonly numberOfFailedBatches: number
}

export interface Collapse<T, R> extends Observable<CollapseEvents> {
  /** Asks for one thing. Rejects with the item's own error, the batch's, or the signal's reason. */
  (item: T, options?: { signal?: Signal | undefined }): Promise<R>
  readonly kind: 'collapse'
  readonly metrics: CollapseMetrics
  /** Starts all waiting batches now. */
  flush(): void
  /** Changes options; waiting batches that are now large enough start. */
  update(options: CollapseOptions<T>): void
  describe(): Description
}

interface Waiter<R> {
  resolve(value: R): void
  reject(error: unknown): void
}

/** What belongs to a batch besides its places. */
interface Run {
  readonly call: Call
  start(because: CollapseEvents['batch']['because']): void
  timer: Timer | undefined
}

/**
 * Makes a function for one item out of a function for many.
 *
 * @param many gets the items of a batch, each once, and a call whose signal is aborted when nobody waits any more
 * @throws OptionsError naming every wrong option.
 * @example
 * const getUser = collapse(async ids => ids.map(id => ({ id })), { maxSize: 100, maxWait: '5ms' })
 * const [ann, bob] = await Promise.all([getUser('ann'), getUser('bob')]) // one call for both
 * console.log(bob) // => { id: 'bob' }
 */
export function collapse<T, R>(
  many: (items: readonly T[], call: CallView) => BatchAnswer<R> | PromiseLike<BatchAnswer<R>>,
  options: CollapseOptions<T> = {},
  around: { name?: string; clock?: Clock } = {},
): Collapse<T, R> {
  if (typeof many !== 'function')
    throw new TypeError('collapse: expected a function that answers many at once, e.g. ids => fetchUsers(ids)')
  const { name = '', clock = systemClock } = readAround(around, 'collapse')
  let given = { ...options }
  let settings = readOptions(collapseFields, options, 'collapse')
  const batches = new Batches<T, Waiter<R>>(settings.maxSize ?? Infinity)
  const runs = new WeakMap<Batch<T, Waiter<R>>, Run>()
  const events = new Emitter<CollapseEvents>('collapse', COLLAPSE_EVENTS)
  const counts = { numberOfCalls: 0, numberOfDuplicates: 0, numberOfBatches: 0, numberOfBatchedItems: 0, numberOfFailedBatches: 0 }

  /** Opens a batch. It will run in the async context of the call that opened it, whoever starts it. */
  const begin = (batch: Batch<T, Waiter<R>>): Run => {
    let go!: (because: CollapseEvents['batch']['because']) => void
    const started = new Promise<CollapseEvents['batch']['because']>(resolve => (go = resolve))
    const run: Run = {
      call: new Call(undefined, undefined),
      timer: undefined,
      start(because) {
        run.timer?.cancel()
        if (batches.start(batch)) go(because)
      },
    }
    runs.set(batch, run)
    started.then(because => send(batch, run.call, because))
    if (settings.maxWait > 0) run.timer = clock.schedule(settings.maxWait, () => run.start('time'), { keepAlive: true })
    else Promise.resolve().then(() => run.start('time'))
    return run
  }

  const send = async (batch: Batch<T, Waiter<R>>, call: Call, because: CollapseEvents['batch']['because']): Promise<void> => {
    const items = [...batch.places.values()].map(place => place.item)
    counts.numberOfBatches++
    counts.numberOfBatchedItems += items.length
    if (events.listening > 0) events.emit('batch', { size: items.length, calls: batch.waiting, because })
    try {
      hand(batch, await many(items, call))
      if (events.listening > 0) events.emit('success', { size: items.length })
    } catch (error) {
      counts.numberOfFailedBatches++
      if (events.listening > 0) events.emit('error', { size: items.length, error })
      for (const { waiters } of batch.places.values()) for (const waiter of waiters) waiter.reject(error)
    } finally {
      call.end()
    }
  }

  const hand = (batch: Batch<T, Waiter<R>>, answer: BatchAnswer<R>): void => {
    const answers = inOrder(answer, [...batch.places.keys()], name)
    let i = 0
    for (const { waiters } of batch.places.values()) {
      const one = answers[i++]
      for (const waiter of waiters) one instanceof Error ? waiter.reject(one) : waiter.resolve(one as R)
    }
  }

  const load = (item: T, options?: { signal?: Signal | undefined }): Promise<R> =>
    new Promise<R>((resolve, reject) => {
      // `items.map(load)` gives an index as well.
      const issue = typeof options === 'number' ? undefined : signalIssue(options, `collapse${name === '' ? '' : ` ${name}`}`)
      if (issue !== undefined) throw issue
      const signal = options?.signal
      if (signal?.aborted) throw signal.reason
      const scope = settings.scope?.(item)
      const key = settings.key === undefined ? item : settings.key(item)
      for (const answer of [scope, key]) needPlain(answer)
      let off: (() => void) | undefined
      const waiter: Waiter<R> = {
        resolve(value) {
          off?.()
          resolve(value)
        },
        reject(error) {
          off?.()
          reject(error)
        },
      }
      const batch = batches.join(scope, key, item, waiter)
      counts.numberOfCalls++
      if (batch.places.get(key)!.waiters.size > 1) counts.numberOfDuplicates++
      const run = runs.get(batch) ?? begin(batch)
      const gone = () => {
        if (batches.leave(batch, key, waiter)) {
          run.timer?.cancel()
          run.call.abort(signal!.reason)
        }
        waiter.reject(signal!.reason)
      }
      if (signal !== undefined) off = whenAborted(signal, gone)
      if (batches.isFull(batch)) run.start('size')
    })

  const flush = (because: CollapseEvents['batch']['because'], which = batches.all) => {
    for (const batch of which) runs.get(batch)!.start(because)
  }
  const own = {
    kind: 'collapse' as const,
    on: events.on.bind(events),
    flush: () => flush('flush'),
    update(changed: CollapseOptions<T>) {
      const merged = { ...given, ...changed }
      settings = readOptions(collapseFields, merged, 'collapse')
      given = merged
      batches.maxSize = settings.maxSize ?? Infinity
      flush(
        'size',
        batches.all.filter(batch => batches.isFull(batch)),
      )
    },
    describe: (): Description => ({ kind: 'collapse', name, options: { ...settings } }),
  }
  return Object.defineProperties(Object.assign(load, own), {
    metrics: { get: (): CollapseMetrics => ({ ...counts }), enumerable: true },
  }) as unknown as Collapse<T, R>
}

/** Of a hook's answer: a promise would be a batch, or a place, for one call alone. */
function needPlain(answer: unknown): void {
  if (!isPromiseLike(answer)) return
  Promise.resolve(answer).then(undefined, report)
  throw new TypeError('collapse: key and scope have to answer at once; one returned a promise')
}

/** The answers in the order of the places; a place without one gets an error of its own. */
function inOrder<R>(answer: BatchAnswer<R>, keys: readonly unknown[], name: string): readonly (R | Error)[] {
  const who = `collapse${name === '' ? '' : ` ${name}`}`
  if (Array.isArray(answer)) {
    if (answer.length !== keys.length)
      throw new TypeError(`${who}: ${answer.length} answers for ${keys.length} items; expected one for each, in their order`)
    return answer
  }
  if (!(answer instanceof Map)) throw new TypeError(`${who}: expected a list of answers in the order of the items, or a Map by key`)
  return keys.map(key => (answer.has(key) ? answer.get(key)! : new Error(`${who}: no answer for ${String(key)}`)))
}
