/**
 * Sums over the last N whole buckets of time. The bucket that is filling is not seen until it is over, so a reader sees figures that stand still for a
 * bucket's width: as Hystrix's metric streams show them. Buckets begin at a given time, not at the clock's zero.
 */

export class ClosedBuckets {
  readonly #kinds: number
  readonly #buckets: number
  readonly #width: number
  /** One row per bucket, the filling one among them. */
  readonly #cells: Uint32Array
  readonly #sums: Float64Array
  #start: number
  /** Index of the filling bucket, counted from `#start`. */
  #filling = 0

  /** Counts so many `kinds` of things in `buckets` of `width` ms each. */
  constructor(kinds: number, buckets: number, width: number, start: number) {
    this.#kinds = kinds
    this.#buckets = buckets
    this.#width = width
    this.#start = start
    this.#cells = new Uint32Array(kinds * (buckets + 1))
    this.#sums = new Float64Array(kinds)
  }

  add(kind: number, now: number, n = 1): void {
    this.#move(now)
    this.#cells[this.#row(this.#filling) + kind]! += n
  }

  sum(kind: number, now: number): number {
    this.#move(now)
    return this.#sums[kind]!
  }

  /** Begins anew, with buckets that begin now. */
  reset(now: number): void {
    this.#start = now
    this.#filling = 0
    this.#cells.fill(0)
    this.#sums.fill(0)
  }

  #row(bucket: number): number {
    return (bucket % (this.#buckets + 1)) * this.#kinds
  }

  #move(now: number): void {
    const current = Math.floor((now - this.#start) / this.#width)
    if (current <= this.#filling) return
    if (current - this.#filling > this.#buckets) {
      this.#cells.fill(0) // everything is too old
      this.#sums.fill(0)
      this.#filling = current
      return
    }
    while (this.#filling < current) {
      const closed = this.#row(this.#filling++)
      const opened = this.#row(this.#filling) // the one that leaves
      for (let kind = 0; kind < this.#kinds; kind++) {
        this.#sums[kind]! += this.#cells[closed + kind]! - this.#cells[opened + kind]!
        this.#cells[opened + kind] = 0
      }
    }
  }
}
