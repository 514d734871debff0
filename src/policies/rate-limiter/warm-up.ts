/**
 * Pacing that starts slowly: after a pause the callee is cold (empty caches, idle connections) and gets `coldFactor` times fewer calls, rising
 * to the full rate over `duration`. As in Guava's SmoothWarmingUp and Sentinel: a pause stores permissions up to a maximum; the more are stored,
 * the longer the next one takes; each call waits for what the calls before it cost.
 */
import type { Permissions, Rate } from './rate.ts'

export class WarmUp implements Permissions {
  #rate!: Rate
  /** ns between calls when warm. */
  #interval!: number
  /** From so many stored permissions on it is colder than warm. */
  #threshold!: number
  #max!: number
  /** How much longer a call takes with each stored permission above the threshold, ns. */
  #slope!: number
  #stored: number
  #free: number
  #holes: number[] = []

  constructor(rate: Rate, now: number) {
    this.#shape(rate)
    this.#stored = this.#max
    this.#free = now
  }

  waitFor(n: number, now: number): number {
    this.#move(now)
    if (n === 1 && this.#holes.length > 0) return this.#holes[0]! - now
    return Math.max(0, Math.ceil(this.#free - now))
  }

  take(n: number, now: number): void {
    this.#move(now)
    if (n === 1 && this.#holes.length > 0) {
      this.#holes.shift()
      return
    }
    const warm = Math.min(n, this.#stored)
    this.#free += this.#costOf(this.#stored) - this.#costOf(this.#stored - warm) + (n - warm) * this.#interval
    this.#stored -= warm
  }

  /** Its time is offered to the next caller; what it cost, those behind it have been promised to wait for. */
  giveBack(_n: number, due: number, now: number): void {
    this.#holes.push(due)
    this.#holes.sort((a, b) => a - b)
    this.#move(now)
  }

  available(now: number): number {
    this.#move(now)
    return (this.#free <= now ? 1 : -Math.floor((this.#free - now) / this.#interval)) + this.#holes.length
  }

  drain(now: number): number {
    if (this.waitFor(1, now) > 0) return 0
    this.take(1, now)
    return 1
  }

  /** Keeps how cold it is, as a share. */
  change(rate: Rate, now: number): void {
    this.#move(now)
    const cold = this.#stored / this.#max
    this.#shape(rate)
    this.#stored = cold * this.#max
  }

  #shape(rate: Rate): void {
    const { duration, coldFactor } = rate.warmUp!
    this.#rate = rate
    this.#interval = rate.period / rate.limit
    this.#threshold = duration / this.#interval / (coldFactor - 1)
    this.#max = this.#threshold + (2 * duration) / this.#interval / (1 + coldFactor)
    this.#slope = ((coldFactor - 1) * this.#interval) / (this.#max - this.#threshold)
  }

  /** ns that `stored` permissions cost in all: flat up to the threshold, then a slope. */
  #costOf(stored: number): number {
    const above = Math.max(0, stored - this.#threshold)
    return stored * this.#interval + (this.#slope * above * above) / 2
  }

  #move(now: number): void {
    while (this.#holes.length > 0 && this.#holes[0]! < now) this.#holes.shift()
    if (now <= this.#free) return
    const cooled = (now - this.#free) / (this.#rate.warmUp!.duration / this.#max)
    this.#stored = Math.min(this.#max, this.#stored + cooled)
    this.#free = now
  }
}
