/**
 * A bucket that fills evenly, `limit` permissions per period, up to `burst`. The level is a whole number at an anchor in time, so that
 * no fraction is ever rounded away: the anchor moves only by whole periods, or when the bucket is full.
 */
import type { Permissions, Rate } from './rate.ts'

export class TokenBucket implements Permissions {
  #rate: Rate
  /** At the anchor; negative when reserved ahead. */
  #level: number
  #anchor: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#level = rate.burst
    this.#anchor = now
  }

  waitFor(n: number, now: number): number {
    if (this.available(now) >= n) return 0
    const { limit, period } = this.#rate
    return this.#anchor + Math.ceil(((n - this.#level) * period) / limit) - now
  }

  take(n: number, now: number): void {
    this.available(now)
    this.#level -= n
  }

  giveBack(n: number, _due: number, now: number): void {
    this.available(now)
    this.#level += n
  }

  available(now: number): number {
    const { limit, period, burst } = this.#rate
    const periods = Math.floor((now - this.#anchor) / period)
    if (periods > 0) {
      this.#anchor += periods * period
      this.#level += periods * limit
    }
    const level = this.#level + Math.floor(((now - this.#anchor) * limit) / period)
    if (level < burst) return level
    this.#anchor = now
    return (this.#level = burst)
  }

  drain(now: number): number {
    const left = Math.max(0, this.available(now))
    this.#level -= left
    return left
  }

  change(rate: Rate, now: number): void {
    this.#level = Math.min(this.available(now), rate.burst)
    this.#anchor = now
    this.#rate = rate
  }
}
