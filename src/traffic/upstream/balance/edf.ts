/**
 * Earliest deadline first: entries come in turns in proportion to their weights, as Envoy's edf_scheduler gives them. Each entry is due
 * at 1/weight after its last turn; ties go to who was put in first.
 */

interface Entry<T> {
  deadline: number
  order: number
  readonly value: T
}

/** Decides ties as Envoy's scheduler does. */
const EPSILON = 1e-13

/** Envoy bounds the turns that it pretends to have taken. */
export const MOST_PICKS = 429_496_729

export class Edf<T> {
  readonly #heap: Entry<T>[] = []
  #at = 0
  #order = 0
  readonly #weight: (value: T, now: number) => number

  /** Starts as if `picks` turns had been taken already. `weight` is asked again at each turn. */
  constructor(values: readonly T[], weight: (value: T, now: number) => number, picks: number, now: number) {
    this.#weight = weight
    const weights = values.map(v => weight(v, now) + EPSILON)
    const sum = weights.reduce((a, b) => a + b, 0)
    let taken = 0
    const floors = weights.map(w => {
      let floor = Math.trunc((w * picks) / sum)
      if (floor > 0 && floor / w >= picks / sum) floor--
      taken += floor
      return floor
    })
    values.forEach((_, i) => {
      this.#at = Math.max(this.#at, floors[i]! / weights[i]!)
    })
    values.forEach((value, i) => this.#push({ deadline: (floors[i]! + 1) / weights[i]!, order: this.#order++, value }))
    for (let i = taken; i < picks; i++) this.next(now)
  }

  next(now: number): T {
    const entry = this.#pop()
    this.#at = entry.deadline
    entry.deadline = this.#at + 1 / this.#weight(entry.value, now)
    entry.order = this.#order++
    this.#push(entry)
    return entry.value
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap
    let i = heap.push(entry) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(entry, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = entry
  }

  #pop(): Entry<T> {
    const heap = this.#heap
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return top
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return top
  }
}

const before = (a: Entry<unknown>, b: Entry<unknown>) => a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order)
