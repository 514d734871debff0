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

  constructor(settings: AdaptiveConcurrencySettings, inner: Limit) {
    this.#inner = inner
    this.#window = settings.window!
  }

  get estimate(): number {
    return this.#inner.estimate
  }

  sample(start: number, rtt: number, inflight: number, dropped: boolean): void {
    const least = this.#window.minRttThreshold * 1e6
    if (rtt < least && !dropped) return
    this.#gather(Math.max(rtt, least), inflight, dropped) // a drop counts however quick it was; the peer leaves quick ones out
    const end = start + rtt
    if (end <= this.#until) return
    const { minWindowTime, maxWindowTime, windowSize } = this.#window
    this.#until = end + Math.min(Math.max(this.#least * 2, minWindowTime * 1e6), maxWindowTime * 1e6)
    if (this.#count >= windowSize) this.#inner.sample(start, this.#tracked(), this.#inflight, this.#dropped)
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
    this.#sum = this.#count = this.#inflight = 0
    this.#rtts = []
    this.#dropped = false
  }
}
