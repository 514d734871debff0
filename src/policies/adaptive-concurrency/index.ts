/** An adaptive limit: bounds how many calls run at once, and finds the bound itself from how long they take. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { type Random, systemRandom } from '../../base/time/random.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { adaptiveConcurrencySurprises } from '../../core/surprises/adaptive-concurrency.ts'
import { ADAPTIVE_CONCURRENCY_EVENTS, type AdaptiveConcurrencyEvents, adaptiveStep, type End, Gate } from './layer.ts'
import { type AdaptiveConcurrencyOptions, readAdaptiveOptions } from './options.ts'

export type { AdaptiveConcurrencyEvents, AdaptiveConcurrencyOptions }

/** The right to make one call. The first of its methods counts, the others do nothing. */
export interface AdaptivePermit {
  /** It ended well; `isDrop` may still call it a drop. `durationMs`: default the time since the permit was given. */
  succeed(result?: unknown, durationMs?: number): void
  /** It failed: a drop when `isDrop` says so, otherwise it says nothing. */
  fail(error: unknown, durationMs?: number): void
  /** It says nothing. */
  release(): void
}

export interface AdaptiveConcurrencyMetrics {
  readonly limit: number
  /** The limit with its fraction. */
  readonly estimatedLimit: number
  /** Calls that run. */
  readonly inflight: number
  readonly numberOfSuccessfulCalls: number
  readonly numberOfDroppedCalls: number
  readonly numberOfIgnoredCalls: number
  readonly numberOfRejectedCalls: number
}

export interface AdaptiveConcurrency<R = unknown> extends Policy<R, never>, Observable<AdaptiveConcurrencyEvents> {
  /** How many calls may run at once now. */
  readonly limit: number
  readonly metrics: AdaptiveConcurrencyMetrics
  /** A permit, or `undefined` when as many calls run as may. */
  tryAcquire(options?: { weight?: number | undefined }): AdaptivePermit | undefined
  /** Tells the algorithm of a call that was made without a permit: when it began, how long it took, how many ran then, whether it was dropped. */
  sample(startMs: number, rttMs: number, inflight: number, dropped: boolean): void
  /** Calls that run, as a share of the limit. */
  utilisation(): number
  /** New settings; the limit stays where it is, as far as they allow. */
  update(options: AdaptiveConcurrencyOptions<R>): void
}

/**
 * Makes an adaptive limit with the algorithms and option names of Netflix's concurrency-limits.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const adaptive = adaptiveConcurrency({ algorithm: 'vegas', maxLimit: 100 })
 * await adaptive.execute(call => fetch(url, { signal: call.signal }))
 * console.log(adaptive.limit) // => 20
 */
export function adaptiveConcurrency<R = unknown>(
  options: AdaptiveConcurrencyOptions<R> = {},
  around: { name?: string; clock?: Clock; random?: Random } = {},
): AdaptiveConcurrency<R> {
  const { name = '', clock = systemClock, random = systemRandom } = readAround(around, 'adaptiveConcurrency')
  let given = { ...options }
  const events = new Emitter<AdaptiveConcurrencyEvents>('adaptiveConcurrency', ADAPTIVE_CONCURRENCY_EVENTS)
  const gate = new Gate(readAdaptiveOptions(options), clock, random, events, name)

  const core = policy<R, never>('adaptiveConcurrency', name, adaptiveStep(gate), () => gate.settings, adaptiveConcurrencySurprises)
  const own: Omit<AdaptiveConcurrency<R>, keyof Policy | 'limit' | 'metrics'> = {
    on: (type, listener, listening) => events.on(type, listener, listening),
    tryAcquire: ({ weight = 1 } = {}) => (gate.enter(weight) ? new IssuedPermit(gate, weight) : undefined),
    sample: (startMs, rttMs, inflight, dropped) => gate.sample(startMs, rttMs, inflight, dropped),
    utilisation: () => gate.inflight / gate.limit,
    update(changed) {
      const merged = { ...given, ...changed }
      gate.update(readAdaptiveOptions(merged))
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    limit: { get: () => gate.limit, enumerable: true },
    metrics: {
      get: (): AdaptiveConcurrencyMetrics => ({
        limit: gate.limit,
        estimatedLimit: gate.estimate,
        inflight: gate.inflight,
        numberOfSuccessfulCalls: gate.counts.success,
        numberOfDroppedCalls: gate.counts.dropped,
        numberOfIgnoredCalls: gate.counts.ignored,
        numberOfRejectedCalls: gate.counts.rejected,
      }),
      enumerable: true,
    },
  }) as unknown as AdaptiveConcurrency<R>
}

class IssuedPermit implements AdaptivePermit {
  readonly #gate: Gate
  readonly #weight: number
  readonly #start: number
  readonly #inflight: number
  #settled = false

  constructor(gate: Gate, weight: number) {
    this.#gate = gate
    this.#weight = weight
    this.#start = gate.clock.now()
    this.#inflight = gate.inflight
  }

  succeed(result?: unknown, durationMs?: number): void {
    if (this.#settle()) this.#count(this.#gate.meaning(undefined, false, undefined, result), durationMs)
  }

  fail(error: unknown, durationMs?: number): void {
    if (this.#settle()) this.#count(this.#gate.meaning(undefined, true, error, undefined), durationMs)
  }

  release(): void {
    if (this.#settle()) this.#count('ignored', undefined)
  }

  #settle(): boolean {
    return !this.#settled && (this.#settled = true)
  }

  #count(end: End, durationMs: number | undefined): void {
    const now = durationMs === undefined ? this.#gate.clock.now() : this.#start + durationMs
    this.#gate.leave(this.#weight)
    this.#gate.count(end, this.#start, this.#inflight, now)
  }
}
