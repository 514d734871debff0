/** Answers that are kept, each under what it was asked for: the request's own words and the headers that the answer says it depends on. */
import { getHeader } from '../../base/formats/headers.ts'
import { type Kept, Store } from '../../policies/cache/kernel.ts'
import type { CacheSettings } from '../../policies/cache/options.ts'
import { lifetimesOf, varyOf } from './cache-rules.ts'

/** An answer that is kept. */
export interface Stored {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly string[]
  readonly chunks: readonly Uint8Array[]
  /** When it came, ms of the clock, and how old it was then, s. */
  readonly at: number
  readonly age: number
}

/** What an answer is kept under. */
export interface Wanted {
  readonly method: string
  /** What else than its headers makes this request another one. */
  readonly identity: string
  header(name: string): string | undefined
}

export class StoredAnswers {
  readonly #store: Store<Stored>
  #settings: CacheSettings
  /** Headers on which the answers depend, by the key without them. */
  readonly #vary = new Map<string, readonly string[]>()

  constructor(settings: CacheSettings) {
    this.#settings = settings
    this.#store = new Store(settings.maxEntries, settings.maxBytes)
  }

  update(settings: CacheSettings): void {
    this.#settings = settings
    this.#store.limit(settings.maxEntries, settings.maxBytes)
  }

  get metrics(): { numberOfEvictions: number; size: number; bytes: number } {
    const { size, bytes, evicted } = this.#store
    return { numberOfEvictions: evicted, size, bytes }
  }

  keyOf(wanted: Wanted): string {
    const base = `${wanted.method} ${wanted.identity}`
    const names = this.#vary.get(base)
    return names === undefined ? base : `${base}\n${names.map(name => `${name}: ${wanted.header(name) ?? ''}`).join('\n')}`
  }

  find(key: string, now: number): Kept<Stored> | undefined {
    return this.#store.find(key, now)
  }

  /** Learns from an answer on which headers it depends; the key of what was asked for, from now on. */
  learn(wanted: Wanted, headers: readonly string[]): string {
    const base = `${wanted.method} ${wanted.identity}`
    const names = varyOf(headers)
    if (names.length === 0) this.#vary.delete(base)
    else {
      if (this.#vary.size >= this.#settings.maxEntries) this.#vary.clear()
      this.#vary.set(base, names)
    }
    return this.keyOf(wanted)
  }

  keep(key: string, stored: Stored): void {
    const bytes = stored.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    this.#store.keep(key, stored, bytes, lifetimesOf(stored.headers, this.#settings, stored.age), stored.at)
  }
}

/** How old an answer says it is, s. */
export function ageSaid(headers: readonly string[]): number {
  const age = Number(getHeader(headers, 'age') ?? 0)
  return age > 0 && Number.isFinite(age) ? age : 0
}
