/** When the next try is started beside the others, and which of them decides. No clock, no timer, no promise. */
import { Histogram } from '../../base/stats/histogram.ts'

export interface QuantileSettings {
  readonly quantile: number
  readonly initial: number | undefined
  readonly minimumNumberOfCalls: number
  readonly window: number
  readonly min: number
  readonly max: number
}

/** So many samples may pass before the quantile is worked out again. */
const REUSE = 32

/** The delay that follows the latencies of the last one to two windows. */
export class QuantileDelay {
  readonly settings: QuantileSettings
  #current = new Histogram()
  #previous = new Histogram()
  #since: number
  #known = Number.NaN
  #unseen = 0

  constructor(settings: QuantileSettings, now: number) {
    this.settings = settings
    this.#since = now
  }

  record(latency: number, now: number): void {
    this.#turn(now)
    this.#current.record(latency)
    if (++this.#unseen >= REUSE) this.#known = Number.NaN
  }

  /** ms to wait before a hedge; `undefined`: too few calls were timed, and no initial delay is set. */
  delay(now: number): number | undefined {
    this.#turn(now)
    const { settings } = this
    if (this.#current.count + this.#previous.count < settings.minimumNumberOfCalls) return settings.initial
    if (Number.isNaN(this.#known)) {
      const both = new Histogram()
      both.merge(this.#previous)
      both.merge(this.#current)
      this.#known = both.quantile(settings.quantile)
      this.#unseen = 0
    }
    return Math.min(Math.max(this.#known, settings.min), settings.max)
  }

  #turn(now: number): void {
    const passed = Math.floor((now - this.#since) / this.settings.window)
    if (passed < 1) return
    this.#since += passed * this.settings.window
    const oldest = this.#previous
    oldest.clear()
    this.#previous = passed === 1 ? this.#current : oldest
    this.#current = passed === 1 ? oldest : this.#current
    if (passed > 1) this.#current.clear()
    this.#known = Number.NaN
  }
}

/** What the end of one try means for the call. */
export type Verdict = 'won' | 'late' | 'wait' | 'lost'

/** Tries beside each other; number 1 is the primary. */
export class Race {
  #running = 0
  #over = false

  get running(): number {
    return this.#running
  }

  get over(): boolean {
    return this.#over
  }

  start(): void {
    this.#running++
  }

  /**
   * A try has ended. `won`: its answer is the call's. `wait`: it failed, but another one may still answer. `lost`: it was the last, so the
   * call ends as the primary did. `late`: the call was over before.
   */
  ended(good: boolean): Verdict {
    this.#running--
    if (this.#over) return 'late'
    if (!good && this.#running > 0) return 'wait'
    this.#over = true
    return good ? 'won' : 'lost'
  }

  /** The caller is gone: nothing decides any more. */
  stop(): void {
    this.#over = true
  }
}
