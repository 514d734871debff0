/** Outcomes of the last N time slices. Slices are aligned to the clock's zero, so the span is between N−1 and N slices. */
import { Counts, type Window } from './window.ts'

export class TimeWindow implements Window {
  readonly #slices: Counts[]
  readonly #width: number
  readonly #total = new Counts()
  #slice: number

  /** `slices` of `width` ms each. */
  constructor(slices: number, width: number, now: number) {
    this.#slices = Array.from({ length: slices }, () => new Counts())
    this.#width = width
    this.#slice = Math.floor(now / width)
  }

  record(failed: boolean, slow: boolean, now: number): void {
    this.#move(now)
    const outcome = (failed ? 1 : 0) | (slow ? 2 : 0)
    this.#slices[this.#slice % this.#slices.length]!.add(outcome, 1)
    this.#total.add(outcome, 1)
  }

  read(now: number): Counts {
    this.#move(now)
    return this.#total
  }

  #move(now: number): void {
    const slice = Math.floor(now / this.#width)
    const passed = Math.min(slice - this.#slice, this.#slices.length)
    if (passed <= 0) return
    for (let i = 1; i <= passed; i++) {
      const old = this.#slices[(slice - passed + i) % this.#slices.length]!
      this.#total.subtract(old)
      old.clear()
    }
    this.#slice = slice
  }
}
