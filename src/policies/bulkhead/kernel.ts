/** Who is in, who waits, who goes next: first come, first served. No clock, no timer, no promise. */

export class Slots<Waiter> {
  max: number
  capacity: number
  #inUse = 0
  readonly #waiting = new Set<Waiter>()

  constructor(max: number, capacity: number) {
    this.max = max
    this.capacity = capacity
  }

  /** Free slots; negative after the limit was lowered. */
  get available(): number {
    return this.max - this.#inUse
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Goes in at once, or not at all: a newcomer never overtakes those who wait. */
  enter(): boolean {
    if (this.available <= 0 || this.#waiting.size > 0) return false
    this.#inUse++
    return true
  }

  /** Joins the queue. False: it is full. */
  queue(waiter: Waiter): boolean {
    if (this.#waiting.size >= this.capacity) return false
    this.#waiting.add(waiter)
    return true
  }

  /** A call has ended. The waiter named now holds a slot. */
  leave(): Waiter | undefined {
    this.#inUse--
    return this.admit()
  }

  /** A waiter gave up. False: it had been admitted already and must `leave`. */
  giveUp(waiter: Waiter): boolean {
    return this.#waiting.delete(waiter)
  }

  /** The next who may go in, if any. */
  admit(): Waiter | undefined {
    if (this.available <= 0) return undefined
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter)
      this.#inUse++
      return waiter
    }
    return undefined
  }
}
