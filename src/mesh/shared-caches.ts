/** Caches of hosts that only traffic brings: those with the same settings share one, so that a thousand hosts do not take a thousand times its bytes. */
import type { Clock } from '../base/time/clock.ts'
import type { CacheSettings } from '../policies/cache/options.ts'
import { ResponseCache } from '../traffic/engine/response-cache.ts'

export class SharedCaches {
  readonly #clock: Clock
  #known = new Map<string, ResponseCache>()
  #before = new Map<string, ResponseCache>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(settings: CacheSettings): ResponseCache {
    const key = JSON.stringify(settings)
    const cache = this.#known.get(key) ?? this.#before.get(key) ?? new ResponseCache(settings, this.#clock)
    this.#known.set(key, cache)
    return cache
  }

  /** New rules are in force: caches that nobody asks for from now on go with the next ones. */
  renew(): void {
    this.#before = this.#known
    this.#known = new Map()
  }
}
