/**
 * Compares the time of a call with the long-term average: while it is no longer than the tolerance allows, the limit grows by the queue size;
 * else it shrinks in proportion, at most by half. Looks at no drops, as concurrency-limits does not.
 */
import type { Limit } from './limit.ts'
import type { AdaptiveConcurrencySettings } from './options.ts'

/** Samples that the average begins with, all of the same weight. */
const FIRST_SAMPLES = 10

export class Gradient2 implements Limit {
  estimate: number
  #min!: number
  #max!: number
  #smoothing!: number
  #queueSize!: number
  #tolerance!: number
  #longWindow!: number
  #longRtt = 0
  #sum = 0
  #count = 0

  constructor(settings: AdaptiveConcurrencySettings, estimate: number) {
    this.estimate = estimate
    this.#read(settings)
  }

  sample(_start: number, rtt: number, inflight: number, _dropped: boolean): void {
    if (!(rtt > 0)) return // less than the clock can tell
    const longRtt = this.#average(rtt)
    // Times became normal again after a long overload: the average shall not take as long to notice.
    if (longRtt / rtt > 2) this.#longRtt = longRtt * 0.95
    const { estimate } = this
    if (inflight < estimate / 2) return
    const gradient = Math.max(0.5, Math.min(1, (this.#tolerance * longRtt) / rtt))
    const limit = estimate * (1 - this.#smoothing) + (estimate * gradient + this.#queueSize) * this.#smoothing
    this.estimate = Math.max(this.#min, Math.min(this.#max, limit))
  }

  change(settings: AdaptiveConcurrencySettings): void {
    this.#read(settings)
    this.estimate = Math.max(this.#min, Math.min(this.#max, this.estimate))
  }

  #average(rtt: number): number {
    if (this.#count < FIRST_SAMPLES) {
      this.#count++
      this.#sum += rtt
      this.#longRtt = this.#sum / this.#count
    } else {
      const weight = 2 / (this.#longWindow + 1)
      this.#longRtt = this.#longRtt * (1 - weight) + rtt * weight
    }
    return this.#longRtt
  }

  #read(settings: AdaptiveConcurrencySettings): void {
    this.#max = settings.maxLimit ?? settings.maxConcurrency ?? 200
    this.#min = settings.minLimit ?? Math.min(20, this.#max)
    this.#smoothing = settings.smoothing ?? 0.2
    this.#queueSize = settings.queueSize ?? 4
    this.#tolerance = settings.rttTolerance ?? 1.5
    this.#longWindow = settings.longWindow ?? 600
  }
}
