/** The last N outcomes of calls, and their sums. Recording is constant work: the oldest outcome leaves as the newest comes. */
import { Counts, type Window } from './window.ts'

export class CountWindow implements Window {
  readonly #total = new Counts()
  readonly #ring: Uint8Array
  #at = 0

  /** `size` calls; 0 holds nothing. */
  constructor(size: number) {
    this.#ring = new Uint8Array(size)
  }

  record(outcome: number): void {
    const ring = this.#ring
    if (ring.length === 0) return
    if (this.#total.calls === ring.length) this.#total.add(ring[this.#at]!, -1)
    ring[this.#at] = outcome
    this.#total.add(outcome, 1)
    if (++this.#at === ring.length) this.#at = 0
  }

  read(): Counts {
    return this.#total
  }

  visit(now: number, visitor: (outcome: number, calls: number, at: number) => void): void {
    const { calls } = this.#total
    const size = this.#ring.length
    for (let i = calls; i > 0; i--) visitor(this.#ring[(this.#at - i + size) % size]!, 1, now)
  }
}
