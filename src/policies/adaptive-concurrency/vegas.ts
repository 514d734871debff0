/**
 * TCP Vegas: the time of a call without load is known, so what it takes longer is time in a queue. Grows while the queue is short, shrinks when
 * it is long. The time without load is measured anew now and then, at a moment that chance moves so that clients do not do it all at once.
 */
import type { Random } from '../../base/time/random.ts'
import type { Limit } from './limit.ts'
import type { AdaptiveConcurrencySettings } from './options.ts'

export class Vegas implements Limit {
  estimate: number
  readonly #random: Random
  #min!: number
  #max!: number
  #smoothing!: number
  #alpha!: number | undefined
  #beta!: number | undefined
  #probeMultiplier!: number
  /** 0: not known yet. */
  #rttWithoutLoad = 0
  #sinceProbe = 0
  #probeJitter: number

  constructor(settings: AdaptiveConcurrencySettings, estimate: number, random: Random) {
    this.estimate = estimate
    this.#random = random
    this.#probeJitter = 0.5 + random() / 2
    this.#read(settings)
  }

  sample(_start: number, rtt: number, inflight: number, dropped: boolean): void {
    if (!(rtt > 0)) return // less than the clock can tell
    this.#sinceProbe++
    if (this.#probeJitter * this.#probeMultiplier * this.estimate <= this.#sinceProbe) {
      this.#probeJitter = 0.5 + this.#random() / 2
      this.#sinceProbe = 0
      this.#rttWithoutLoad = rtt
    } else if (this.#rttWithoutLoad === 0 || rtt < this.#rttWithoutLoad) this.#rttWithoutLoad = rtt
    else this.#adjust(rtt, inflight, dropped)
  }

  change(settings: AdaptiveConcurrencySettings): void {
    this.#read(settings)
    this.estimate = Math.max(this.#min, Math.min(this.#max, this.estimate))
  }

  #adjust(rtt: number, inflight: number, dropped: boolean): void {
    const { estimate } = this
    const queued = Math.ceil(estimate * (1 - this.#rttWithoutLoad / rtt))
    const step = log10(Math.trunc(estimate))
    const alpha = this.#alpha ?? 3 * step
    const beta = this.#beta ?? 6 * step
    let limit: number
    if (dropped) limit = estimate - step
    else if (inflight * 2 < estimate) return
    else if (queued <= step) limit = estimate + beta
    else if (queued < alpha) limit = estimate + step
    else if (queued > beta) limit = estimate - step
    else return
    limit = Math.max(this.#min, Math.min(this.#max, limit))
    this.estimate = (1 - this.#smoothing) * estimate + this.#smoothing * limit
  }

  #read(settings: AdaptiveConcurrencySettings): void {
    this.#min = settings.minLimit ?? 1
    this.#max = settings.maxLimit ?? settings.maxConcurrency ?? 1000
    this.#smoothing = settings.smoothing ?? 1
    this.#alpha = settings.alpha
    this.#beta = settings.beta
    this.#probeMultiplier = settings.probeMultiplier ?? 30
  }
}

/** The whole part of the decimal logarithm, at least 1. */
function log10(value: number): number {
  let log = 1
  for (let power = 100; value >= power; power *= 10) log++
  return log
}
