/**
 * What is remembered of each key, least recently used first, and never more than `max` once calls have ended: an entry in use is not dropped, because a
 * second one for the same key would forget what the first had counted and admit calls twice.
 */

export interface Entry<P> {
  readonly key: string
  readonly policy: P
  running: number
}

export class Entries<P> {
  readonly #max: number
  readonly #make: (key: string) => P
  /** Without a running call; the one not used for longest is first. */
  readonly #idle = new Map<string, Entry<P>>()
  readonly #busy = new Map<string, Entry<P>>()
  made = 0
  evicted = 0

  constructor(max: number, make: (key: string) => P) {
    this.#max = max
    this.#make = make
  }

  get size(): number {
    return this.#idle.size + this.#busy.size
  }

  get inUse(): number {
    return this.#busy.size
  }

  /** The one used last, as far as it is known: of those in use the one that began last, otherwise of the others. */
  get latest(): Entry<P> | undefined {
    return [...this.#busy.values()].at(-1) ?? [...this.#idle.values()].at(-1)
  }

  get(key: string): Entry<P> | undefined {
    return this.#busy.get(key) ?? this.#idle.get(key)
  }

  /** The entry of a key, made when there is none, and now the one used last. */
  obtain(key: string): Entry<P> {
    let entry = this.get(key)
    if (entry === undefined) {
      entry = { key, policy: this.#make(key), running: 0 }
      this.made++
      this.#idle.set(key, entry)
      this.#trim(entry)
    } else if (this.#idle.delete(key)) this.#idle.set(key, entry)
    return entry
  }

  begin(entry: Entry<P>): void {
    if (entry.running++ === 0 && this.#idle.get(entry.key) === entry) {
      this.#idle.delete(entry.key)
      this.#busy.set(entry.key, entry)
    }
  }

  end(entry: Entry<P>): void {
    if (--entry.running > 0 || this.#busy.get(entry.key) !== entry) return // or it was forgotten meanwhile
    this.#busy.delete(entry.key)
    this.#idle.set(entry.key, entry)
    this.#trim(entry)
  }

  /** Forgets a key; calls that run under its policy end there. False: there was none. */
  forget(key: string): boolean {
    return this.#idle.delete(key) || this.#busy.delete(key)
  }

  clear(): void {
    this.#idle.clear()
    this.#busy.clear()
  }

  *[Symbol.iterator](): IterableIterator<[string, P]> {
    for (const entries of [this.#idle, this.#busy]) for (const [key, { policy }] of [...entries]) yield [key, policy]
  }

  /** Drops what is too much, but not the entry at hand: a call is about to begin there. */
  #trim(keep: Entry<P>): void {
    if (this.size <= this.#max) return
    for (const [key, entry] of this.#idle) {
      if (entry === keep) continue
      this.#idle.delete(key)
      this.evicted++
      if (this.size <= this.#max) return
    }
  }
}
