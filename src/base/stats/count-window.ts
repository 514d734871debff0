/** The last N outcomes of calls, and their sums. */
import { Counts, type Window } from './window.ts'

export class CountWindow implements Window {
  readonly total = new Counts()
  readonly #ring: Uint8Array
  #at = 0
  #full = false

  constructor(size: number) {
    this.#ring = new Uint8Array(size)
  }

  record(failed: boolean, slow: boolean): void {
    const ring = this.#ring
    if (ring.length === 0) return
    if (this.#full) this.total.add(ring[this.#at]!, -1)
    const outcome = (failed ? 1 : 0) | (slow ? 2 : 0)
    ring[this.#at] = outcome
    this.total.add(outcome, 1)
    if (++this.#at === ring.length) {
      this.#at = 0
      this.#full = true
    }
  }

  read(): Counts {
    return this.total
  }
}
