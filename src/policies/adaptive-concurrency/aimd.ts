/** Additive increase, multiplicative decrease: one more with each call that went well while half the limit was in use; a share fewer after a drop. */
import type { Limit } from './limit.ts'
import type { AdaptiveConcurrencySettings } from './options.ts'

export class Aimd implements Limit {
  estimate: number
  #min!: number
  #max!: number
  #backoffRatio!: number
  #timeout!: number

  constructor(settings: AdaptiveConcurrencySettings, estimate: number) {
    this.estimate = Math.trunc(estimate)
    this.#read(settings)
  }

  sample(_start: number, rtt: number, inflight: number, dropped: boolean): void {
    let limit = this.estimate
    if (dropped || rtt > this.#timeout) limit = Math.trunc(limit * this.#backoffRatio)
    else if (inflight * 2 >= limit) limit++
    this.estimate = Math.min(this.#max, Math.max(this.#min, limit))
  }

  change(settings: AdaptiveConcurrencySettings): void {
    this.#read(settings)
    this.estimate = Math.min(this.#max, Math.max(this.#min, this.estimate))
  }

  #read(settings: AdaptiveConcurrencySettings): void {
    this.#max = settings.maxLimit ?? settings.maxConcurrency ?? 200
    this.#min = settings.minLimit ?? Math.min(20, this.#max)
    this.#backoffRatio = settings.backoffRatio ?? 0.9
    this.#timeout = (settings.timeout ?? 5000) * 1e6
  }
}
