/**
 * Which calls are given up so that more important ones find room. One figure decides, the cutoff: calls with a greater priority number are shed.
 * It falls for two reasons, and the lower one holds:
 * - the limit fills up: from `shedFrom` to full it falls evenly from the lowest priority to 0;
 * - calls wait too long (CoDel's sign of a queue that stands): each interval in which every wait was above the target lowers it by a step, each
 *   other one raises it again.
 * No clock and no chance: the same arrivals give the same answers.
 */

export interface SheddingRules {
  /** Share of the limit, 0 to 1. */
  readonly shedFrom: number
  readonly lowestPriority: number
  /** ms. */
  readonly targetDelay: number
  readonly interval: number
  /** Share of the priorities. */
  readonly step: number
}

export class Shedder {
  #rules: SheddingRules
  #begin: number
  /** The shortest wait seen in this interval. */
  #shortest = Infinity
  /** Steps by which waits have lowered the cutoff. A whole number, so that nothing is rounded away. */
  #steps = 0

  constructor(rules: SheddingRules, now: number) {
    this.#rules = rules
    this.#begin = now
  }

  /** New rules; the pressure stays as far as they have steps for it. */
  change(rules: SheddingRules, now: number): void {
    this.#move(now)
    this.#rules = rules
    this.#steps = Math.min(this.#steps, Math.ceil(1 / rules.step))
  }

  /** Share of the priorities that is shed because calls wait, 0 to 1. */
  pressure(now: number): number {
    return Math.min(1, this.#stepsAt(now) * this.#rules.step)
  }

  /** Calls with a greater priority number are shed. */
  cutoff(utilisation: number, now: number): number {
    const { shedFrom, lowestPriority } = this.#rules
    const room = utilisation >= 1 ? 0 : utilisation < shedFrom ? 1 : (1 - utilisation) / (1 - shedFrom)
    return lowestPriority * Math.min(room, 1 - this.pressure(now))
  }

  /** A call arrives and finds the limit used by that share, and the next in the queue waiting for `delay` ms. False: it is shed. */
  admits(priority: number, utilisation: number, delay: number, now: number): boolean {
    this.#move(now)
    this.#shortest = Math.min(this.#shortest, delay)
    return priority <= 0 || Math.min(priority, this.#rules.lowestPriority) <= this.cutoff(utilisation, now)
  }

  /** The interval that has ended counts by its shortest wait; those after it, in which nobody came, lower the pressure. */
  #stepsAt(now: number): number {
    const ended = Math.floor((now - this.#begin) / this.#rules.interval)
    if (ended <= 0) return this.#steps
    const overloaded = this.#shortest > this.#rules.targetDelay && this.#shortest < Infinity
    const most = Math.ceil(1 / this.#rules.step)
    const after = overloaded ? Math.min(most, this.#steps + 1) : Math.max(0, this.#steps - 1)
    return Math.max(0, after - (ended - 1))
  }

  #move(now: number): void {
    const ended = Math.floor((now - this.#begin) / this.#rules.interval)
    if (ended <= 0) return
    this.#steps = this.#stepsAt(now)
    this.#begin += ended * this.#rules.interval
    this.#shortest = Infinity
  }
}
