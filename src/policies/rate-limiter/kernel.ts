/** Resilience4j's AtomicRateLimiter: time is cut into periods, each brings `limit` permissions, and a caller may reserve ahead as far as it may wait. Integer nanoseconds. */

export class Cycles {
  limit: number
  period: number
  /** How far ahead a reservation may reach, ns. */
  timeout: number
  #cycle = 0
  #permissions: number

  constructor(limit: number, period: number, timeout: number) {
    this.limit = limit
    this.period = period
    this.timeout = timeout
    this.#permissions = limit
  }

  /** ns to wait for `n` permissions, now reserved; -1: it would take too long, nothing is reserved. `now`: ns since the start. */
  reserve(n: number, now: number): number {
    this.#move(now)
    const wait = this.#waitFor(n, now)
    if (wait > this.timeout) return -1
    this.#permissions -= n
    return wait
  }

  /** A reservation that is not used comes back. */
  giveBack(n: number): void {
    this.#permissions += n
  }

  /** Permissions at that time; negative when reserved ahead. */
  available(now: number): number {
    this.#move(now)
    return this.#permissions
  }

  /** Takes every permission of the current period. A debt stays. */
  drain(now: number): void {
    this.#move(now)
    this.#permissions = Math.min(this.#permissions, 0)
  }

  #move(now: number): void {
    const cycle = Math.floor(now / this.period)
    if (cycle <= this.#cycle) return
    this.#permissions = Math.min(this.#permissions + (cycle - this.#cycle) * this.limit, this.limit)
    this.#cycle = cycle
  }

  #waitFor(n: number, now: number): number {
    if (this.#permissions >= n) return 0
    const toNext = (this.#cycle + 1) * this.period - now
    const missing = n - (this.#permissions + this.limit)
    const cycles = Math.trunc((missing + this.limit - 1) / this.limit)
    return toNext + Math.max(0, cycles) * this.period
  }
}
