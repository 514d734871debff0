/**
 * Those who wait, in the order in which they go. A heap whose members know their place, so that leaving from the middle (an abort, a wait
 * that was too long) costs as little as going first.
 */

export type QueueOrder = 'fifo' | 'lifo' | 'priority'

/** Someone in the line. The line writes `arrival` and `place`. */
export interface Waiting {
  /** Slots needed. */
  readonly weight: number
  /** Lower is more important. */
  readonly priority: number
  arrival: number
  /** -1: not in the line. */
  place: number
}

export class Line<W extends Waiting> {
  #order: QueueOrder
  #arrivals = 0
  readonly #heap: W[] = []

  constructor(order: QueueOrder) {
    this.#order = order
  }

  get length(): number {
    return this.#heap.length
  }

  /** Whoever goes next. */
  get first(): W | undefined {
    return this.#heap[0]
  }

  get order(): QueueOrder {
    return this.#order
  }

  /** A new order holds for those who wait already, too. */
  set order(order: QueueOrder) {
    if (order === this.#order) return
    this.#order = order
    for (let place = (this.#heap.length >> 1) - 1; place >= 0; place--) this.#sink(this.#heap[place]!, place)
  }

  /** Whether somebody of that priority who came now would be first. */
  wouldLead(priority: number): boolean {
    const { first } = this
    if (first === undefined || this.#order === 'lifo') return true
    return this.#order === 'priority' && priority < first.priority
  }

  add(waiter: W): void {
    waiter.arrival = this.#arrivals++
    this.#heap.push(waiter)
    this.#rise(waiter, this.#heap.length - 1)
  }

  /** False: it was not in the line. */
  remove(waiter: W): boolean {
    const { place } = waiter
    if (place < 0 || this.#heap[place] !== waiter) return false
    waiter.place = -1
    const last = this.#heap.pop()!
    if (last !== waiter) this.#sink(last, this.#rise(last, place))
    return true
  }

  [Symbol.iterator](): IterableIterator<W> {
    return this.#heap[Symbol.iterator]()
  }

  #before(a: W, b: W): boolean {
    if (this.#order === 'lifo') return a.arrival > b.arrival
    return this.#order === 'priority' && a.priority !== b.priority ? a.priority < b.priority : a.arrival < b.arrival
  }

  #rise(waiter: W, from: number): number {
    let place = from
    while (place > 0) {
      const above = this.#heap[(place - 1) >> 1]!
      if (!this.#before(waiter, above)) break
      this.#put(above, place)
      place = (place - 1) >> 1
    }
    this.#put(waiter, place)
    return place
  }

  #sink(waiter: W, from: number): void {
    const heap = this.#heap
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && this.#before(heap[below + 1]!, heap[below]!)) below++
      if (!this.#before(heap[below]!, waiter)) break
      this.#put(heap[below]!, place)
      place = below
    }
    this.#put(waiter, place)
  }

  #put(waiter: W, place: number): void {
    this.#heap[place] = waiter
    waiter.place = place
  }
}
