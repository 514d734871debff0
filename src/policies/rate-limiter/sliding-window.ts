/**
 * No span of one period, wherever it begins, ever holds more than `limit` permissions. So the times of the last `limit` uses are kept; uses at
 * one time share an entry.
 */
import type { Permissions, Rate } from './rate.ts'

interface Use {
  readonly at: number
  n: number
}

export class SlidingWindow implements Permissions {
  #limit: number
  #period: number
  /** In order of time; the last ones may be reserved for later. */
  #uses: Use[] = []
  #first = 0
  #used = 0

  constructor(rate: Rate) {
    this.#limit = rate.limit
    this.#period = rate.period
  }

  waitFor(n: number, now: number): number {
    if (n > this.#limit) return Infinity
    let over = n - this.available(now)
    if (over <= 0) return 0
    for (let i = this.#first; ; i++) {
      const use = this.#uses[i]!
      over -= use.n
      if (over <= 0) return use.at + this.#period - now
    }
  }

  take(n: number, now: number): void {
    if (n > 0) this.#add(n, now + this.waitFor(n, now))
  }

  giveBack(n: number, due: number): void {
    for (let i = this.#uses.length - 1; i >= this.#first; i--) {
      const use = this.#uses[i]!
      if (use.at !== due) continue
      const back = Math.min(n, use.n)
      use.n -= back
      this.#used -= back
      if (use.n === 0) this.#uses.splice(i, 1)
      return
    }
  }

  available(now: number): number {
    for (let use = this.#uses[this.#first]; use !== undefined && use.at + this.#period <= now; use = this.#uses[this.#first]) {
      this.#used -= use.n
      this.#first++
    }
    if (this.#first > 64 && this.#first * 2 > this.#uses.length) {
      this.#uses = this.#uses.slice(this.#first)
      this.#first = 0
    }
    return this.#limit - this.#used
  }

  drain(now: number): number {
    const left = Math.max(0, this.available(now))
    if (left > 0) this.#add(left, now)
    return left
  }

  /** What an old, shorter period has forgotten stays so. */
  change(rate: Rate, now: number): void {
    this.available(now)
    this.#limit = rate.limit
    this.#period = rate.period
  }

  #add(n: number, at: number): void {
    this.#used += n
    let i = this.#uses.length
    while (i > this.#first && this.#uses[i - 1]!.at > at) i--
    const before = i > this.#first ? this.#uses[i - 1] : undefined
    if (before?.at === at) before.n += n
    else this.#uses.splice(i, 0, { at, n })
  }
}
