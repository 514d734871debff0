/**
 * Pacing: uses are spread evenly, one per slot of `period / limit`, and a pause saves nothing up. A weight of n takes n slots and starts at the
 * last of them. A slot that was given back is offered to the next who needs one.
 */
import type { Permissions, Rate } from './rate.ts'

export class Smooth implements Permissions {
  #rate: Rate
  /** Slots are counted from here, which moves on by whole periods. */
  #origin: number
  /** The first slot that is not taken. */
  #next = 0
  /** Slots before it that were given back, in order. */
  #holes: number[] = []

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#origin = now
  }

  waitFor(n: number, now: number): number {
    return Math.max(0, this.#timeOf(this.#slotFor(n, now)) - now)
  }

  take(n: number, now: number): void {
    if (n === 0) return
    const slot = this.#slotFor(n, now)
    if (slot === this.#holes[0]) this.#holes.shift()
    else this.#next = slot + 1
  }

  giveBack(n: number, due: number, now: number): void {
    this.#move(now)
    const { limit, period } = this.#rate
    const last = Math.floor(((due - this.#origin) * limit) / period)
    for (let slot = last - n + 1; slot <= last; slot++) this.#holes.push(slot)
    this.#holes.sort((a, b) => a - b)
    while (this.#holes.length > 0 && this.#holes.at(-1) === this.#next - 1) {
      this.#holes.pop()
      this.#next--
    }
  }

  /** 1: the present slot is free; below 0: so many slots are reserved ahead. */
  available(now: number): number {
    const current = this.#move(now)
    return current - Math.max(current, this.#next) + 1 + this.#holes.length
  }

  drain(now: number): number {
    const current = this.#move(now)
    const free = this.#holes[0] === current || this.#next <= current
    if (free) this.take(1, now)
    return free ? 1 : 0
  }

  /** What is reserved stays reserved; a new rate counts its slots from then on. */
  change(rate: Rate, now: number): void {
    this.#move(now)
    const busyUntil = this.#timeOf(this.#next)
    this.#rate = rate
    this.#holes = []
    this.#origin = now
    this.#next = Math.max(0, Math.ceil(((busyUntil - now) * rate.limit) / rate.period))
  }

  #slotFor(n: number, now: number): number {
    const current = this.#move(now)
    if (n === 1 && this.#holes.length > 0) return this.#holes[0]!
    return Math.max(current, this.#next) + Math.max(1, n) - 1
  }

  #timeOf(slot: number): number {
    const { limit, period } = this.#rate
    return this.#origin + Math.ceil((slot * period) / limit)
  }

  /** Brings the account up to date and gives the present slot. */
  #move(now: number): number {
    const { limit, period } = this.#rate
    const periods = Math.floor((now - this.#origin) / period)
    if (periods > 0) {
      this.#origin += periods * period
      this.#next -= periods * limit
      if (this.#holes.length > 0) this.#holes = this.#holes.map(slot => slot - periods * limit)
    }
    const current = Math.floor(((now - this.#origin) * limit) / period)
    while (this.#holes.length > 0 && this.#holes[0]! < current) this.#holes.shift()
    return current
  }
}
