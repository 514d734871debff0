/**
 * Earliest deadline first: hosts come in turns in proportion to their weights, as Envoy's edf_scheduler gives them. Each entry is due
 * at 1/weight after its last turn; ties go to who was put in first.
 */
import type { Host } from '../host.ts'

interface Entry {
  deadline: number
  order: number
  readonly host: Host
}

/** Decides ties as Envoy's scheduler does. */
const EPSILON = 1e-13

export class Edf {
  readonly #heap: Entry[] = []
  #now = 0
  #order = 0
  readonly #weight: (host: Host) => number

  /** Starts as if `picks` turns had been taken already. */
  constructor(hosts: readonly Host[], weight: (host: Host) => number, picks: number) {
    this.#weight = weight
    const weights = hosts.map(h => weight(h) + EPSILON)
    const sum = weights.reduce((a, b) => a + b, 0)
    let taken = 0
    const floors = weights.map(w => {
      let floor = Math.trunc((w * picks) / sum)
      if (floor > 0 && floor / w >= picks / sum) floor--
      taken += floor
      return floor
    })
    hosts.forEach((_, i) => {
      this.#now = Math.max(this.#now, floors[i]! / weights[i]!)
    })
    hosts.forEach((host, i) => this.#push({ deadline: (floors[i]! + 1) / weights[i]!, order: this.#order++, host }))
    for (let i = taken; i < picks; i++) this.next()
  }

  next(): Host {
    const entry = this.#pop()
    this.#now = entry.deadline
    entry.deadline = this.#now + 1 / this.#weight(entry.host)
    entry.order = this.#order++
    this.#push(entry)
    return entry.host
  }

  #push(entry: Entry): void {
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

  #pop(): Entry {
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

const before = (a: Entry, b: Entry) => a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order)
