/**
 * What is kept, for how long, and who goes first. An answer is fresh until its time, stale for a while after it, then gone. The one unused
 * for longest goes first when there are too many or they are too large. No clock, no timer, no promise.
 */

/** What a store holds under a key. */
export interface Kept<V> {
  readonly value: V
  readonly bytes: number
  /** Fresh before this time. */
  readonly freshUntil: number
  /** Given while a new one is fetched before this time. */
  readonly revalidateUntil: number
  /** Given instead of an error before this time. */
  readonly errorUntil: number
}

/** How long answers last, ms. */
export interface Lifetimes {
  readonly ttl: number
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
}

export class Store<V> {
  readonly #kept = new Map<string, Kept<V>>() // least recently used first
  #bytes = 0
  #evicted = 0
  #maxEntries: number
  #maxBytes: number

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#kept.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** How many had to go because of the limits. */
  get evicted(): number {
    return this.#evicted
  }

  /** What is kept under the key, fresh or stale; using it makes it the last to go. */
  find(key: string, now: number): Kept<V> | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    if (now >= Math.max(kept.freshUntil, kept.revalidateUntil, kept.errorUntil)) {
      this.#bytes -= kept.bytes
      return undefined
    }
    this.#kept.set(key, kept)
    return kept
  }

  /** Keeps an answer. One that is larger than the whole store, or lasts no time, is not kept, and the one before it is gone. */
  keep(key: string, value: V, bytes: number, lifetimes: Lifetimes, now: number): void {
    this.forget(key)
    const freshUntil = now + lifetimes.ttl
    const revalidateUntil = freshUntil + lifetimes.staleWhileRevalidate
    const errorUntil = freshUntil + lifetimes.staleIfError
    if (bytes > this.#maxBytes || Math.max(revalidateUntil, errorUntil) <= now) return
    this.#kept.set(key, { value, bytes, freshUntil, revalidateUntil, errorUntil })
    this.#bytes += bytes
    this.#shrink()
  }

  /** True: there was something under the key. */
  forget(key: string): boolean {
    const kept = this.#kept.get(key)
    if (kept === undefined) return false
    this.#bytes -= kept.bytes
    return this.#kept.delete(key)
  }

  clear(): void {
    this.#kept.clear()
    this.#bytes = 0
  }

  /** New limits act at once. */
  limit(maxEntries: number, maxBytes: number): void {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
    this.#shrink()
  }

  #shrink(): void {
    for (const [key, kept] of this.#kept) {
      if (this.#kept.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) return
      this.#kept.delete(key)
      this.#bytes -= kept.bytes
      this.#evicted++
    }
  }
}
