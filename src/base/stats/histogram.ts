/**
 * How samples such as latencies spread, in fixed memory and constant work per sample (never sorted). Buckets grow by a constant factor, so a quantile
 * is off by at most the relative accuracy, whatever its size.
 */

export interface HistogramOptions {
  /** Largest relative error of a quantile. Default 0.01. */
  accuracy?: number
  /** Samples below are counted as this. Default 0.001. */
  lowest?: number
  /** Samples above are counted as this. Default 3,600,000 (an hour in ms). */
  highest?: number
}

export class Histogram {
  readonly #counts: Uint32Array
  readonly #lowest: number
  readonly #highest: number
  readonly #growth: number
  readonly #perLog: number
  #count = 0
  #sum = 0
  #min = Infinity
  #max = -Infinity

  constructor(options: HistogramOptions = {}) {
    const { accuracy = 0.01, lowest = 0.001, highest = 3_600_000 } = options
    this.#growth = (1 + accuracy) / (1 - accuracy)
    this.#perLog = 1 / Math.log(this.#growth)
    this.#lowest = lowest
    this.#highest = highest
    this.#counts = new Uint32Array(Math.floor(Math.log(highest / lowest) * this.#perLog) + 2)
  }

  get count(): number {
    return this.#count
  }

  /** NaN when empty. */
  get mean(): number {
    return this.#sum / this.#count
  }

  /** NaN is left out. */
  record(sample: number): void {
    if (Number.isNaN(sample)) return
    const bounded = Math.min(Math.max(sample, this.#lowest), this.#highest)
    this.#counts[Math.floor(Math.log(bounded / this.#lowest) * this.#perLog)]!++
    this.#count++
    this.#sum += bounded
    if (bounded < this.#min) this.#min = bounded
    if (bounded > this.#max) this.#max = bounded
  }

  /** The sample below which a share `q` (0 to 1) of all lies; 0 and 1 are the least and the greatest. NaN when empty. */
  quantile(q: number): number {
    if (this.#count === 0) return Number.NaN
    if (q <= 0) return this.#min
    if (q >= 1) return this.#max
    let rest = Math.ceil(q * this.#count)
    for (let i = 0; i < this.#counts.length; i++) {
      rest -= this.#counts[i]!
      if (rest > 0) continue
      const middle = (this.#lowest * this.#growth ** i * 2 * this.#growth) / (1 + this.#growth)
      return Math.min(Math.max(middle, this.#min), this.#max)
    }
    return this.#max
  }

  /** Adds what another one of the same options has counted. */
  merge(other: Histogram): void {
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i]! += other.#counts[i]!
    this.#count += other.#count
    this.#sum += other.#sum
    this.#min = Math.min(this.#min, other.#min)
    this.#max = Math.max(this.#max, other.#max)
  }

  clear(): void {
    this.#counts.fill(0)
    this.#count = this.#sum = 0
    this.#min = Infinity
    this.#max = -Infinity
  }
}
