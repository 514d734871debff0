/**
 * Who is in, who waits, who goes next. No clock, no timer, no promise: the caller says what happened and asks what follows, so the same
 * rules serve real calls, the model in the tests and recordings.
 */
import { Line, type QueueOrder, type Waiting } from './line.ts'

export interface Limits {
  readonly max: number
  readonly capacity: number
  readonly order: QueueOrder
}

export class Slots<W extends Waiting> {
  #max: number
  #capacity: number
  #inUse = 0
  readonly #line: Line<W>

  constructor(limits: Limits) {
    this.#max = limits.max
    this.#capacity = limits.capacity
    this.#line = new Line(limits.order)
  }

  get max(): number {
    return this.#max
  }

  get inUse(): number {
    return this.#inUse
  }

  /** Free slots; negative after the limit was lowered. */
  get available(): number {
    return this.#max - this.#inUse
  }

  get waiting(): number {
    return this.#line.length
  }

  /** Whoever goes next. */
  get first(): W | undefined {
    return this.#line.first
  }

  /** Goes in at once, or not at all: a newcomer overtakes nobody whom the order puts before it. */
  enter(weight: number, priority: number): boolean {
    if (!(weight > 0 && weight < Infinity)) throw new RangeError(`weight: ${weight} is no number of slots; expected a number above 0`)
    if (this.#inUse + weight > this.#max || !this.#line.wouldLead(priority)) return false
    this.#inUse += weight
    return true
  }

  /** Joins the line. False: it is full, or so many slots there are not at all. */
  queue(waiter: W): boolean {
    if (this.#line.length >= this.#capacity || waiter.weight > this.#max) return false
    this.#line.add(waiter)
    return true
  }

  /** A call has ended. Ask `next` who follows. */
  leave(weight: number): void {
    this.#inUse -= weight
  }

  /** The one who goes in now, if any; its slots are taken already, which leaves no gap for a newcomer. Ask until nobody is named. */
  next(): W | undefined {
    const { first } = this.#line
    if (first === undefined || this.#inUse + first.weight > this.#max) return undefined
    this.#line.remove(first)
    this.#inUse += first.weight
    return first
  }

  /** A waiter gave up; ask `next` whether that lets others in. False: it had been let in already and must `leave`. */
  giveUp(waiter: W): boolean {
    return this.#line.remove(waiter)
  }

  /**
   * New limits act at once: ask `next` who may go in. When there are fewer slots, running calls finish and nobody follows them. Those named
   * need more slots than there are now; they are out of the line.
   */
  change(limits: Limits): W[] {
    this.#max = limits.max
    this.#capacity = limits.capacity
    this.#line.order = limits.order
    const misfits = [...this.#line].filter(waiter => waiter.weight > limits.max)
    for (const waiter of misfits) this.#line.remove(waiter)
    return misfits
  }
}
