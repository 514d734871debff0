/**
 * Lets calls in up to the limit and tells the algorithm how they went: joins the kernel with a clock and its listeners. Looking and taking are
 * one step, so no burst ever runs over the limit.
 */
import type { Clock } from '../../base/time/clock.ts'
import type { Random } from '../../base/time/random.ts'
import type { Call } from '../../core/call.ts'
import { BulkheadFullError, isRejection, reject } from '../../core/errors.ts'
import type { Emitter, EventNames } from '../../core/events.ts'
import { askHook } from '../../core/hooks.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { type DropTest, dropTest } from './drop.ts'
import { limitOf } from './kernel.ts'
import type { Limit } from './limit.ts'
import type { AdaptiveConcurrencySettings } from './options.ts'

export interface AdaptiveConcurrencyEvents {
  limitChanged: { from: number; to: number }
  /** A call was not let in. */
  rejected: { inflight: number; limit: number }
}
export const ADAPTIVE_CONCURRENCY_EVENTS: EventNames<AdaptiveConcurrencyEvents> = { limitChanged: 1, rejected: 1 }

/** How a call ended, as far as the limit is concerned. */
export type End = 'success' | 'dropped' | 'ignored'

export class Gate {
  readonly clock: Clock
  readonly random: Random
  readonly events: Emitter<AdaptiveConcurrencyEvents>
  readonly name: string
  settings: AdaptiveConcurrencySettings
  inflight = 0
  readonly #leaveOne = () => this.leave(1)
  readonly counts = { success: 0, dropped: 0, ignored: 0, rejected: 0 }
  #drops: DropTest
  #algorithm: Limit

  constructor(
    settings: AdaptiveConcurrencySettings,
    clock: Clock,
    random: Random,
    events: Emitter<AdaptiveConcurrencyEvents>,
    name: string,
  ) {
    this.settings = settings
    this.clock = clock
    this.random = random
    this.events = events
    this.name = name
    this.#drops = dropTest(settings)
    this.#algorithm = limitOf(settings, random)
  }

  get estimate(): number {
    return this.#algorithm.estimate
  }

  get limit(): number {
    return Math.trunc(this.#algorithm.estimate)
  }

  enter(weight: number): boolean {
    if (!(weight > 0 && weight < Infinity)) throw new RangeError(`weight: ${weight} is no number of calls; expected a number above 0`)
    if (this.inflight + weight > this.limit) {
      this.counts.rejected++
      if (this.events.listening > 0) this.events.emit('rejected', { inflight: this.inflight, limit: this.limit })
      return false
    }
    this.inflight += weight
    return true
  }

  /** A call has ended for its caller. `inflight`: calls that ran when it began, itself included. */
  count(end: End, start: number, inflight: number, now: number): void {
    this.counts[end]++
    if (end !== 'ignored') this.sample(start, now - start, inflight, end === 'dropped')
  }

  leave(weight: number): void {
    this.inflight -= weight
  }

  /** Gives the place of a call back when nothing of it runs any more. */
  leaveAfter(call: Call): void {
    call.afterWork(call.weight === 1 ? this.#leaveOne : () => this.leave(call.weight))
  }

  sample(startMs: number, rttMs: number, inflight: number, dropped: boolean): void {
    const before = this.limit
    this.#algorithm.sample(Math.round(startMs * 1e6), Math.round(rttMs * 1e6), inflight, dropped)
    this.#follow(before)
  }

  update(settings: AdaptiveConcurrencySettings): void {
    const before = this.limit
    const same = settings.algorithm === this.settings.algorithm && (settings.window === undefined) === (this.settings.window === undefined)
    if (!same) this.#algorithm = limitOf(settings, this.random, this.estimate)
    this.#algorithm.change(settings)
    this.settings = settings
    this.#drops = dropTest(settings)
    this.#follow(before)
  }

  refusal(): BulkheadFullError {
    const { name } = this
    return reject(
      BulkheadFullError,
      `adaptive limit${name === '' ? '' : ` ${name}`} is reached: ${this.inflight} of ${this.limit} calls run`,
      { policy: name },
    )
  }

  /** What the end of a call means. What never reached the callee, or was given up for another reason than its time, says nothing about it. */
  meaning(call: Call | undefined, failed: boolean, error: unknown, result: unknown): End {
    if (failed) {
      if (isRejection(error) || call?.abortedByCaller === true) return 'ignored'
      return says(this.#drops.error, error) ? 'dropped' : 'ignored'
    }
    return this.#drops.result !== undefined && says(this.#drops.result, result) ? 'dropped' : 'success'
  }

  #follow(before: number): void {
    const { limit } = this
    if (limit !== before && this.events.listening > 0) this.events.emit('limitChanged', { from: before, to: limit })
  }
}

/** When a call began, and how many ran then. */
export interface Entry {
  readonly start: number
  readonly inflight: number
}

/** What a test says; one that throws is reported and says no. */
function says(test: (end: unknown) => boolean, end: unknown): boolean {
  return askHook(test, false, end) === true
}

export function adaptiveStep(gate: Gate): Step<Entry> {
  return {
    admit(call) {
      if (!gate.enter(call.weight)) throw gate.refusal()
      return { start: call.admittedAt(gate.clock), inflight: gate.inflight }
    },
    answered(call, { start, inflight }, value) {
      gate.leaveAfter(call)
      gate.count(gate.meaning(call, false, undefined, value), start, inflight, gate.clock.now())
      return value
    },
    failed(call, { start, inflight }, error) {
      gate.leaveAfter(call)
      gate.count(gate.meaning(call, true, error, undefined), start, inflight, gate.clock.now())
      return GOES_ON
    },
  }
}
