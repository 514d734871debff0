/** A cache: gives an answer again instead of asking again, and asks once for many who want the same. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { cacheSurprises } from '../../core/surprises/cache.ts'
import { CACHE_EVENTS, type CacheEvents, Caching, cacheLayer } from './layer.ts'
import { type CacheOptions, readCacheOptions } from './options.ts'

export type { CachedCall, CacheOptions } from './options.ts'
export type { CacheEvents }

export interface CacheMetrics {
  readonly numberOfHits: number
  readonly numberOfMisses: number
  /** Answers given after their time. */
  readonly numberOfStaleAnswers: number
  /** Calls that joined one under way. */
  readonly numberOfJoinedCalls: number
  readonly numberOfFailedCalls: number
  /** Calls without a key. */
  readonly numberOfUncachedCalls: number
  readonly numberOfEvictions: number
  readonly size: number
  readonly bytes: number
}

export interface Cache<R = unknown> extends Policy<R, never>, Observable<CacheEvents> {
  readonly metrics: CacheMetrics
  /** Forgets one answer. True: there was one. */
  forget(key: string): boolean
  /** Forgets all answers. */
  clear(): void
  /** Changes options. What is kept stays, within the new limits, for as long as it was to last. */
  update(options: CacheOptions<R>): void
}

/**
 * Makes a cache. A wrapped function is cached by its arguments when they are plain values; otherwise say what a call asks for by `key`. What
 * fails is not kept.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const getUser = cache({ ttl: '5s' }).wrap(async id => ({ id }))
 * console.log((await getUser(1)) === (await getUser(1))) // => true
 */
export function cache<R = unknown>(options: CacheOptions<R> = {}, around: { name?: string; clock?: Clock } = {}): Cache<R> {
  const { name = '', clock = systemClock } = readAround(around, 'cache')
  let given = { ...options }
  const events = new Emitter<CacheEvents>('cache', CACHE_EVENTS)
  const caching = new Caching(readCacheOptions(options), clock, events)
  const core = policy<R, never>('cache', name, cacheLayer(caching), () => caching.settings, cacheSurprises)
  const own = {
    on: events.on.bind(events),
    forget: (key: string) => caching.store.forget(key),
    clear: () => caching.store.clear(),
    update(changed: CacheOptions<R>) {
      const merged = { ...given, ...changed }
      caching.update(readCacheOptions(merged))
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    metrics: { get: () => metrics(caching), enumerable: true },
  }) as unknown as Cache<R>
}

function metrics({ counts, store }: Caching): CacheMetrics {
  return {
    numberOfHits: counts.hits,
    numberOfMisses: counts.misses,
    numberOfStaleAnswers: counts.stale,
    numberOfJoinedCalls: counts.joined,
    numberOfFailedCalls: counts.failures,
    numberOfUncachedCalls: counts.bypassed,
    numberOfEvictions: store.evicted,
    size: store.size,
    bytes: store.bytes,
  }
}
