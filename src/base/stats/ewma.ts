/** An average that forgets: what came one time constant ago weighs 1/e. Samples may come at any time; silence changes weights, not the value. */

export class Ewma {
  readonly #timeConstant: number
  #value = Number.NaN
  #at = 0

  /** `timeConstant` in ms, above 0. */
  constructor(timeConstant: number) {
    this.#timeConstant = timeConstant
  }

  /** NaN before the first sample. */
  get value(): number {
    return this.#value
  }

  /** The first sample is taken as it is. A time before the last one counts as the last one, with the weight of 1 ms. */
  record(sample: number, now: number): void {
    if (Number.isNaN(this.#value)) this.#value = sample
    else {
      const kept = Math.exp(-Math.max(1, now - this.#at) / this.#timeConstant)
      this.#value = sample + (this.#value - sample) * kept
    }
    this.#at = Math.max(this.#at, now)
  }
}
