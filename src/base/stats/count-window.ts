/** The last N outcomes of calls, two bits each, and their sums. Recording is constant work: the oldest outcome leaves as the newest comes. */
import { Counts, type Window } from './window.ts'

export class CountWindow implements Window {
  readonly #total = new Counts()
  readonly #size: number
  readonly #ring: Uint8Array
  #at = 0

  /** `size` calls; 0 holds nothing. */
  constructor(size: number) {
    this.#size = size
    this.#ring = new Uint8Array((size + 3) >> 2)
  }

  record(outcome: number): void {
    const at = this.#at
    if (this.#size === 0) return
    this.#at = at + 1 === this.#size ? 0 : at + 1
    const leaves = this.#total.calls === this.#size ? this.#outcome(at) : -1
    if (leaves === outcome) return
    if (leaves >= 0) this.#total.add(leaves, -1)
    this.#total.add(outcome, 1)
    const shift = (at & 3) << 1
    this.#ring[at >> 2] = (this.#ring[at >> 2]! & ~(3 << shift)) | (outcome << shift)
  }

  read(): Counts {
    return this.#total
  }

  visit(now: number, visitor: (outcome: number, calls: number, at: number) => void): void {
    const { calls } = this.#total
    for (let i = calls; i > 0; i--) visitor(this.#outcome((this.#at - i + this.#size) % this.#size), 1, now)
  }

  #outcome(at: number): number {
    return (this.#ring[at >> 2]! >> ((at & 3) << 1)) & 3
  }
}
