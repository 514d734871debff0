/**
 * Answers from what is kept, joins calls for the same thing, and keeps what comes back. A joined call runs as a call of its own: who began it
 * may go away without taking the others with him; it is aborted when nobody waits any more.
 */
import type { Clock } from '../../base/time/clock.ts'
import { Call } from '../../core/call.ts'
import type { Emitter, EventNames } from '../../core/events.ts'
import { askForNumber, askHook } from '../../core/hooks.ts'
import type { Layer } from '../../core/layer.ts'
import { isPromiseLike, type Next } from '../../core/next.ts'
import { type Kept, Store } from './kernel.ts'
import { defaultKey, keyText, NO_KEY, roughSize } from './key.ts'
import type { CacheSettings } from './options.ts'

export interface CacheEvents {
  hit: { key: string }
  miss: { key: string }
  /** An answer after its time was given: while a new one is fetched, or because the call failed. */
  stale: { key: string; because: 'revalidate' | 'error' }
  /** The call joined one that was under way. */
  joined: { key: string }
  /** The call failed; nothing is kept of it. */
  error: { key: string; error: unknown }
}
export const CACHE_EVENTS: EventNames<CacheEvents> = { hit: 1, miss: 1, stale: 1, joined: 1, error: 1 }

export class Caching {
  readonly counts = { hits: 0, misses: 0, stale: 0, joined: 0, failures: 0, bypassed: 0 }
  readonly store: Store<unknown>
  readonly clock: Clock
  readonly events: Emitter<CacheEvents>
  #settings: CacheSettings

  constructor(settings: CacheSettings, clock: Clock, events: Emitter<CacheEvents>) {
    this.#settings = settings
    this.clock = clock
    this.events = events
    this.store = new Store(settings.maxEntries, settings.maxBytes)
  }

  get settings(): CacheSettings {
    return this.#settings
  }

  update(settings: CacheSettings): void {
    this.#settings = settings
    this.store.limit(settings.maxEntries, settings.maxBytes)
  }

  /** `undefined`: the call is not cached. A hook that throws is reported, and the call is not cached. */
  keyOf(call: Call): string | undefined {
    const { key: own, vary } = this.#settings
    const key = own === undefined ? defaultKey(call) : keyText(askHook<[any], unknown>(own, undefined, call) ?? NO_KEY, 'key')
    if (key === undefined || vary === undefined) return key
    const part = keyText(askHook<[any], unknown>(vary, NO_KEY, call), 'vary')
    return part === undefined ? undefined : `${key}\n${part}`
  }

  keep(key: string, result: unknown): void {
    const { cacheable, sizeOf, ...lifetimes } = this.#settings
    if (cacheable === undefined ? result === undefined : askHook(cacheable, false, result) !== true) return
    // What has no size is too large to keep.
    const size = askForNumber(sizeOf ?? roughSize, Number.POSITIVE_INFINITY, Number.MAX_VALUE, result)
    this.store.keep(key, result, size, lifetimes, this.clock.now())
  }
}

/** One call that several may wait for. */
interface Flight {
  readonly call: Call
  readonly result: Promise<unknown>
  waiting: number
}

export function cacheLayer(caching: Caching): Layer {
  const { counts, store, clock, events } = caching
  return next => {
    // Calls under way belong to this place in a chain; what is kept belongs to the cache.
    const flights = new Map<string, Flight>()

    return call => {
      const key = caching.keyOf(call)
      if (key === undefined) {
        counts.bypassed++
        return next(call)
      }
      const now = clock.now()
      const kept = store.find(key, now)
      if (kept !== undefined && now < kept.freshUntil) {
        counts.hits++
        if (events.listening > 0) events.emit('hit', { key })
        return kept.value
      }
      if (kept !== undefined && now < kept.revalidateUntil) {
        counts.stale++
        if (events.listening > 0) events.emit('stale', { key, because: 'revalidate' })
        if (!flights.has(key)) begin(key, call)
        return kept.value
      }
      const flight = flights.get(key)
      if (flight !== undefined && caching.settings.coalesce) {
        counts.joined++
        if (events.listening > 0) events.emit('joined', { key })
        return orStale(key, kept, call, () => wait(flight, call))
      }
      counts.misses++
      if (events.listening > 0) events.emit('miss', { key })
      return orStale(key, kept, call, () => (caching.settings.coalesce ? begin(key, call, true) : fetchWith(next, key, call)))
    }

    /** Begins a call that others may join. `waited`: who begins it waits for it as well. */
    function begin(key: string, call: Call, waited = false): unknown {
      const own = detached(call)
      let result: unknown
      try {
        result = fetchWith(next, key, own)
      } catch (error) {
        own.end()
        if (waited) throw error
        return undefined
      }
      if (!isPromiseLike(result)) {
        own.end()
        return result
      }
      const over = () => {
        if (flights.get(key) === flight) flights.delete(key)
        own.end()
      }
      const flight: Flight = { call: own, result: Promise.resolve(result), waiting: waited ? 0 : Infinity }
      flights.set(key, flight)
      flight.result.then(over, over)
      return waited ? wait(flight, call) : undefined
    }

    /** The result of a flight, unless this caller gives up before; the last to give up takes the flight with him. */
    function wait(flight: Flight, call: Call): Promise<unknown> {
      flight.waiting++
      return new Promise((resolve, reject) => {
        const off = call.onAbort(reason => {
          flight.waiting--
          if (flight.waiting === 0) {
            for (const [key, other] of flights) if (other === flight) flights.delete(key)
            flight.call.abort(reason)
          }
          reject(reason)
        })
        flight.result.then(
          value => {
            off()
            resolve(value)
          },
          error => {
            off()
            reject(error)
          },
        )
      })
    }

    /** An answer after its time is better than an error. */
    function orStale(key: string, kept: Kept<unknown> | undefined, call: Call, ask: () => unknown): unknown {
      if (kept === undefined) return ask()
      const instead = (error: unknown): unknown => {
        if (call.aborted || clock.now() >= kept.errorUntil) throw error
        counts.stale++
        if (events.listening > 0) events.emit('stale', { key, because: 'error' })
        return kept.value
      }
      try {
        const result = ask()
        return isPromiseLike(result) ? result.then(undefined, instead) : result
      } catch (error) {
        return instead(error)
      }
    }
  }

  function fetchWith(next: Next, key: string, call: Call): unknown {
    const failed = (error: unknown): never => {
      counts.failures++
      if (events.listening > 0) events.emit('error', { key, error })
      throw error
    }
    let result: unknown
    try {
      result = next(call)
    } catch (error) {
      return failed(error)
    }
    if (!isPromiseLike(result)) {
      caching.keep(key, result)
      return result
    }
    return result.then(value => {
      caching.keep(key, value)
      return value
    }, failed)
  }
}

/** The same call, bound to no caller: for work that more than one caller waits for. It has no deadline. */
function detached(call: Call): Call {
  const { host, method, idempotent, once, priority, weight, context, destination, work, args, self, bound, level } = call
  const own = new Call({ host, method, idempotent, once, priority, weight, context })
  if (destination !== undefined) own.destination = destination
  return Object.assign(own, { work, args, self, bound, level })
}
