/**
 * Outcomes of the last N slices of time. Slices are aligned to the clock's zero, so the span is between N−1 and N slices. Old slices leave
 * whenever the window is touched, reading included: an idle window is never stale. A clock that steps back stays in the newest slice.
 */
import { Counts, type Window } from './window.ts'

export class TimeWindow implements Window {
  /** Calls per slice and outcome, four figures a slice. */
  readonly #cells: Uint32Array
  readonly #slices: number
  readonly #width: number
  readonly #total = new Counts()
  #newest: number

  /** `slices` of `width` ms each. */
  constructor(slices: number, width: number, now: number) {
    this.#slices = slices
    this.#width = width
    this.#cells = new Uint32Array(slices * 4)
    this.#newest = Math.floor(now / width)
  }

  record(outcome: number, now: number): void {
    this.#move(now)
    this.#cells[this.#cell(this.#newest) + outcome]!++
    this.#total.add(outcome, 1)
  }

  read(now: number): Counts {
    this.#move(now)
    return this.#total
  }

  visit(now: number, visitor: (outcome: number, calls: number, at: number) => void): void {
    this.#move(now)
    for (let slice = this.#newest - this.#slices + 1; slice <= this.#newest; slice++) {
      const cell = this.#cell(slice)
      for (let outcome = 0; outcome < 4; outcome++) {
        const calls = this.#cells[cell + outcome]!
        if (calls > 0) visitor(outcome, calls, slice * this.#width)
      }
    }
  }

  #move(now: number): void {
    const slice = Math.floor(now / this.#width)
    const passed = Math.min(slice - this.#newest, this.#slices)
    for (let i = 0; i < passed; i++) {
      const cell = this.#cell(slice - i)
      for (let outcome = 0; outcome < 4; outcome++) {
        const calls = this.#cells[cell + outcome]!
        if (calls > 0) this.#total.add(outcome, -calls)
      }
      this.#cells.fill(0, cell, cell + 4)
    }
    if (passed > 0) this.#newest = slice
  }

  #cell(slice: number): number {
    const at = slice % this.#slices
    return (at < 0 ? at + this.#slices : at) * 4
  }
}
