/** A circuit breaker: stops calling what keeps failing, and finds out by a few probes when it is well again. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { type Duration, toMs } from '../../base/time/duration.ts'
import { type Random, systemRandom } from '../../base/time/random.ts'
import { OptionsError } from '../../core/errors.ts'
import type { ListenOptions, Observable } from '../../core/events.ts'
import { LinkedPolicy, type Policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import type { BreakerMetrics, KernelState } from './kernel.ts'
import { BreakerStep, type CircuitBreakerEvents, Gate } from './layer.ts'
import { type CircuitBreakerOptions, type CircuitBreakerSettings, circuitBreakerAroundFields, readBreakerOptions } from './options.ts'
import { type Cause, STATES, type State } from './transitions.ts'

export type { BreakerMetrics, Cause, CircuitBreakerEvents, CircuitBreakerOptions, State }

/** The right to make one call. The first of its methods counts, the others do nothing. */
export interface Permit {
  /** It ended well; `recordResult` may still call it a failure. `durationMs`: default the time since the permit was given. */
  succeed(result?: unknown, durationMs?: number): void
  fail(error: unknown, durationMs?: number): void
  /** It counts for nothing. */
  release(): void
}

export interface CircuitBreaker<R = unknown> extends Policy<R, never>, Observable<CircuitBreakerEvents> {
  readonly state: State
  readonly metrics: BreakerMetrics
  /** A permit, or `undefined` when the call must not be made. */
  tryAcquire(): Permit | undefined
  /** Refuses everything until another state is chosen. */
  forceOpen(): void
  /** Lets everything pass and counts nothing, until another state is chosen. */
  disable(): void
  /** Counts, but never opens, until another state is chosen. */
  metricsOnly(): void
  /** Opens now; `for`: instead of the configured wait, and without counting as an opening in a row. Throws a `RangeError` from METRICS_ONLY. */
  open(options?: { for?: Duration }): void
  close(): void
  /** Throws a `RangeError` from CLOSED and METRICS_ONLY. */
  halfOpen(): void
  /** CLOSED with an empty window, from any state. */
  reset(): void
  /** Changes options; what was counted stays. */
  update(options: CircuitBreakerOptions<R>): void
  /** The state with remaining times, for `restore`. */
  toJSON(): BreakerState
}

/** What `toJSON` gives and `restore` takes. What was counted is not in it: it would be stale. */
export interface BreakerState {
  state: State
  /** Openings in a row, for a wait that grows. */
  attempts: number
  /** ms that the state still lasts; absent when it has no end. */
  remaining?: number | undefined
  /** ms since gradual re-admission began; absent when it is over. */
  readmitting?: number | undefined
  /** Wall clock time of this record, ms since the epoch. */
  at: number
}

export interface BreakerSurroundings {
  name?: string | undefined
  clock?: Clock | undefined
  random?: Random | undefined
  /** A state saved by `toJSON`; the time since then is taken off what remained. */
  restore?: BreakerState | undefined
}

/**
 * Makes a circuit breaker with Resilience4j's options and rules.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const breaker = circuitBreaker({ failureRateThreshold: 50, waitDurationInOpenState: '60s' })
 * await breaker.execute(call => fetch(url, { signal: call.signal }))
 * console.log(breaker.state, breaker.metrics.numberOfBufferedCalls) // => CLOSED 1
 */
export function circuitBreaker<R = unknown>(options: CircuitBreakerOptions<R> = {}, around: BreakerSurroundings = {}): CircuitBreaker<R> {
  return new Breaker<R>(readBreakerOptions(options), readAround(around, 'circuitBreaker', circuitBreakerAroundFields))
}

class Breaker<R> extends LinkedPolicy<R, never> implements CircuitBreaker<R> {
  readonly #gate: Gate

  constructor(settings: CircuitBreakerSettings, { name = '', clock = systemClock, random = systemRandom, restore }: BreakerSurroundings) {
    const gate = new Gate(settings, clock, random, name)
    super('circuitBreaker', name, new BreakerStep(gate), () => gate.kernel.settings)
    this.#gate = gate
    if (restore !== undefined) gate.kernel.restore(aged(restore, clock.wall()), clock.now())
    gate.follow()
  }

  get state(): State {
    return this.#gate.kernel.state
  }

  get metrics(): BreakerMetrics {
    return this.#gate.kernel.metrics(this.#gate.clock.now())
  }

  on<T extends keyof CircuitBreakerEvents>(
    type: T,
    listener: (event: CircuitBreakerEvents[T]) => void,
    listening?: ListenOptions,
  ): () => void {
    return this.#gate.events.on(type, listener, listening)
  }

  tryAcquire(): Permit | undefined {
    const now = this.#gate.clock.now()
    return this.#gate.admit(now) ? new IssuedPermit(this.#gate, now) : undefined
  }

  forceOpen(): void {
    this.#gate.to('FORCED_OPEN')
  }

  disable(): void {
    this.#gate.to('DISABLED')
  }

  metricsOnly(): void {
    this.#gate.to('METRICS_ONLY')
  }

  open(options?: { for?: Duration }): void {
    if (options !== undefined && typeof options !== 'object') throw new TypeError('open: expected { for: duration }, or nothing')
    // Less than nothing is a moment that has passed, as a recorded transitionToOpenStateUntil has it.
    const ms = options?.for === undefined ? undefined : toMs(options.for, 'open.for')
    this.#gate.to('OPEN', ms)
  }

  close(): void {
    this.#gate.to('CLOSED')
  }

  halfOpen(): void {
    this.#gate.to('HALF_OPEN')
  }

  reset(): void {
    this.#gate.reset()
  }

  update(changed: CircuitBreakerOptions<R>): void {
    this.#gate.update(readBreakerOptions({ ...this.#gate.kernel.settings, ...changed } as CircuitBreakerOptions<R>))
  }

  toJSON(): BreakerState {
    const { kernel, clock } = this.#gate
    return { ...kernel.save(clock.now()), at: clock.wall() }
  }
}

class IssuedPermit implements Permit {
  readonly #gate: Gate
  readonly #generation: number
  readonly #start: number
  #settled = false

  constructor(gate: Gate, start: number) {
    this.#gate = gate
    this.#generation = gate.kernel.generation
    this.#start = start
  }

  succeed(result?: unknown, durationMs?: number): void {
    if (this.#settle()) {
      const now = this.#gate.clock.now()
      this.#gate.answered(this.#generation, result, durationMs ?? now - this.#start, now)
    }
  }

  fail(error: unknown, durationMs?: number): void {
    if (this.#settle()) {
      const now = this.#gate.clock.now()
      this.#gate.failed(this.#generation, error, durationMs ?? now - this.#start, now)
    }
  }

  release(): void {
    if (this.#settle()) this.#gate.kernel.release(this.#generation)
  }

  #settle(): boolean {
    return !this.#settled && (this.#settled = true)
  }
}

/** A saved state as it is now: the time that has passed since is taken off. A wall clock that went back takes nothing off. */
function aged(saved: BreakerState, wall: number): KernelState {
  const { state, attempts, remaining, readmitting, at } = Object(saved) as BreakerState
  const time = (ms: unknown) => ms === undefined || (typeof ms === 'number' && ms >= 0)
  if (!STATES.includes(state) || !(attempts >= 0) || !Number.isFinite(at) || !time(remaining) || !time(readmitting))
    throw new OptionsError(`circuitBreaker: restore: not a state saved by toJSON; expected { state, attempts, remaining?, at }`)
  const passed = Math.max(0, wall - at)
  return {
    state,
    attempts,
    remaining: remaining === undefined ? undefined : Math.max(0, remaining - passed),
    readmitting: readmitting === undefined ? undefined : readmitting + passed,
  }
}
