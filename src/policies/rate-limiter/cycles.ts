/**
 * Resilience4j's AtomicRateLimiter: time is cut into periods, each brings `limit` permissions, unused ones expire, and a caller may reserve
 * from periods to come. As there, an account that nobody touched is brought up to date at the limit of that moment.
 */
import type { Permissions, Rate } from './rate.ts'

export class Cycles implements Permissions {
  #limit: number
  #period: number
  #origin = 0
  #cycle = 0
  #permissions: number

  constructor(rate: Rate) {
    this.#limit = rate.limit
    this.#period = rate.period
    this.#permissions = rate.limit
  }

  waitFor(n: number, now: number): number {
    const missing = n - this.available(now)
    if (missing <= 0) return 0
    const toNext = this.#origin + (this.cycle(now) + 1) * this.#period - now
    return toNext + Math.floor((missing - 1) / this.#limit) * this.#period
  }

  take(n: number, now: number): void {
    this.#move(now)
    this.#permissions -= n
  }

  giveBack(n: number, _due: number, now: number): void {
    this.#move(now)
    this.#permissions = Math.min(this.#permissions + n, this.#limit)
  }

  available(now: number): number {
    const passed = this.cycle(now) - this.#cycle
    return passed > 0 ? Math.min(this.#permissions + passed * this.#limit, this.#limit) : this.#permissions
  }

  drain(now: number): number {
    this.#move(now)
    const left = Math.max(0, this.#permissions)
    this.#permissions -= left
    return left
  }

  /** A new period begins a new count of periods, now. */
  change(rate: Rate, now: number): void {
    if (rate.period !== this.#period) {
      this.#permissions = this.available(now)
      this.#origin = now
      this.#cycle = 0
      this.#period = rate.period
    }
    this.#limit = rate.limit
  }

  /** The number of the period. */
  cycle(now: number): number {
    return Math.floor((now - this.#origin) / this.#period)
  }

  #move(now: number): void {
    this.#permissions = this.available(now)
    this.#cycle = Math.max(this.#cycle, this.cycle(now))
  }
}
