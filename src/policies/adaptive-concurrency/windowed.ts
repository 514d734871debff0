/** Gathers samples for a while and hands their average (or a percentile) on as one, so that a single odd time moves nothing. */
import type { Limit } from './limit.ts'
import type { AdaptiveConcurrencySettings } from './options.ts'

export class Windowed implements Limit {
  readonly #inner: Limit
  #window!: NonNullable<AdaptiveConcurrencySettings['window']>
  #until = 0
  #least = Infinity
  #sum = 0
  #rtts: number[] = []
  #count = 0
  #inflight = 0
  #dropped = false
  #quickDrops = 0

  constructor(settings: AdaptiveConcurrencySettings, inner: Limit) {
    this.#inner = inner
    this.#window = settings.window!
  }

  get estimate(): number {
    return this.#inner.estimate
  }

  sample(start: number, rtt: number, inflight: number, dropped: boolean): void {
    const end = start + rtt
    const { minWindowTime, maxWindowTime, windowSize } = this.#window
    const threshold = this.#window.minRttThreshold * 1e6
    if (rtt < threshold) {
      // Too quick to be measured. The peer does not hear such drops; here they are heard, and as many as make a window are one.
      if (!dropped) return
      this.#dropped = true
      if (++this.#quickDrops < windowSize) return
    } else this.#gather(rtt, inflight, dropped)
    if (end <= this.#until) return
    const measured = this.#count > 0
    const least = measured ? this.#least : threshold
    this.#until = end + Math.min(Math.max(least * 2, minWindowTime * 1e6), maxWindowTime * 1e6)
    if (this.#count >= windowSize) this.#inner.sample(start, this.#tracked(), this.#inflight, this.#dropped)
    else if (this.#quickDrops >= windowSize) this.#inner.sample(start, measured ? this.#tracked() : threshold, inflight, true)
    this.#begin()
  }

  change(settings: AdaptiveConcurrencySettings): void {
    this.#window = settings.window!
    this.#inner.change(settings)
  }

  #gather(rtt: number, inflight: number, dropped: boolean): void {
    const { percentile, percentileSamples } = this.#window
    if (percentile !== undefined) {
      if (this.#count >= percentileSamples) return
      this.#rtts.push(rtt)
    }
    this.#least = Math.min(this.#least, rtt)
    this.#sum += rtt
    this.#count++
    this.#inflight = Math.max(this.#inflight, inflight)
    this.#dropped ||= dropped
  }

  #tracked(): number {
    const { percentile } = this.#window
    if (percentile === undefined) return Math.trunc(this.#sum / this.#count)
    const sorted = this.#rtts.sort((a, b) => a - b)
    return sorted[Math.max(1, Math.round(sorted.length * percentile)) - 1]!
  }

  #begin(): void {
    this.#least = Infinity
    this.#sum = this.#count = this.#inflight = this.#quickDrops = 0
    this.#rtts = []
    this.#dropped = false
  }
}
