/**
 * Admits calls to a breaker and settles them: joins the kernel with a clock, its timer and its listeners. On the happy path a call costs two
 * looks at the clock; events and refusals are made only when somebody hears or is refused.
 */
import type { Clock, Timer } from '../../base/time/clock.ts'
import type { Call } from '../../core/call.ts'
import { CircuitOpenError, isMeshlessError, isRejection, reject } from '../../core/errors.ts'
import { Emitter, type EventNames, guarded } from '../../core/events.ts'
import { Failure } from '../../core/next.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { type Classifier, classifier, type Meaning } from './classify.ts'
import { type BreakerHooks, BreakerKernel } from './kernel.ts'
import { openByHook, openByRetryAfter } from './open-on.ts'
import type { CircuitBreakerSettings } from './options.ts'
import type { Cause, State } from './transitions.ts'

export interface CircuitBreakerEvents {
  success: { durationMs: number }
  /** `error`: what was thrown, or the result that counts as a failure. */
  error: { error: unknown; durationMs: number }
  ignored: { error: unknown; durationMs: number }
  notPermitted: { state: State }
  failureRateExceeded: { rate: number }
  slowCallRateExceeded: { rate: number }
  consecutiveFailuresExceeded: { count: number }
  /** `at`: wall clock, ms since the epoch. */
  transition: { from: State; to: State; cause: Cause; at: number }
  reset: { at: number }
}
export const CIRCUIT_BREAKER_EVENTS: EventNames<CircuitBreakerEvents> = {
  success: 1,
  error: 1,
  ignored: 1,
  notPermitted: 1,
  failureRateExceeded: 1,
  slowCallRateExceeded: 1,
  consecutiveFailuresExceeded: 1,
  transition: 1,
  reset: 1,
}

export class Gate implements BreakerHooks {
  readonly kernel: BreakerKernel
  readonly clock: Clock
  readonly events = new Emitter<CircuitBreakerEvents>('circuitBreaker', CIRCUIT_BREAKER_EVENTS)
  readonly name: string
  #classifier: Classifier
  #timer: Timer | undefined
  #armedFor = -1

  constructor(settings: CircuitBreakerSettings, clock: Clock, random: () => number, name: string) {
    this.clock = clock
    this.name = name
    this.kernel = new BreakerKernel(settings, clock.now(), random, this)
    this.#classifier = classifier(settings)
  }

  transition(from: State, to: State, cause: Cause): void {
    if (this.events.hears('transition')) this.events.emit('transition', { from, to, cause, at: this.clock.wall() })
  }

  rateExceeded(kind: 'failureRateExceeded' | 'slowCallRateExceeded', rate: number): void {
    this.events.emit(kind, { rate })
  }

  consecutiveFailuresExceeded(count: number): void {
    this.events.emit('consecutiveFailuresExceeded', { count })
  }

  to(state: State, forMs?: number): void {
    this.kernel.to(state, this.clock.now(), forMs)
    this.follow()
  }

  reset(): void {
    this.kernel.reset(this.clock.now())
    this.follow()
    this.events.emit('reset', { at: this.clock.wall() })
  }

  admit(now: number): boolean {
    const { kernel } = this
    const permitted = kernel.acquire(now)
    if (kernel.state !== 'CLOSED') this.follow() // letting in changes nothing while it is closed
    if (!permitted && this.events.listening > 0 && !this.#silent()) this.events.emit('notPermitted', { state: kernel.state })
    return permitted
  }

  refusal(now: number): CircuitOpenError {
    const { kernel, name } = this
    const text = `circuit breaker${name === '' ? '' : ` ${name}`}`
    const message =
      kernel.state === 'CLOSED'
        ? `${text} lets through only a share of the calls while it recovers`
        : kernel.state === 'HALF_OPEN'
          ? `${text} is HALF_OPEN and all its ${kernel.settings.permittedNumberOfCallsInHalfOpenState} probes are taken`
          : `${text} is ${kernel.state} and does not permit calls`
    return reject(CircuitOpenError, message, { policy: name, retryAfter: kernel.retryAfter(now) })
  }

  answered(generation: number, result: unknown, ms: number, now: number): void {
    const { result: meaningOf } = this.#classifier
    const meaning = meaningOf === undefined ? 'success' : meaningOf(result)
    this.#settle(generation, meaning, false, result, ms, now)
  }

  failed(generation: number, error: unknown, ms: number, now: number): void {
    const { error: meaningOf } = this.#classifier
    const meaning = meaningOf === undefined ? 'failure' : meaningOf(error)
    this.#settle(generation, meaning, true, error, ms, now)
  }

  /** A call of the chain has thrown. What never reached the callee, or was given up for another reason than its time, says nothing about it. */
  threw(call: Call, generation: number, error: unknown, start: number): void {
    if (isRejection(error) || givenUp(call)) return this.kernel.release(generation)
    const now = this.clock.now()
    this.failed(generation, error, now - start, now)
  }

  update(settings: CircuitBreakerSettings): void {
    this.#classifier = classifier(settings)
    this.kernel.update(settings, this.clock.now())
    this.#armedFor = -1
    this.follow()
  }

  /** The timer follows the state: a new state has its own or none, so none is left alive by a reset. */
  follow(): void {
    const { kernel } = this
    if (this.#armedFor === kernel.generation) return
    const { generation } = kernel
    this.#armedFor = generation
    this.#timer?.cancel()
    this.#timer = undefined
    if (kernel.until === Infinity || (kernel.state === 'OPEN' && !kernel.settings.automaticTransitionFromOpenToHalfOpenEnabled)) return
    this.#timer = this.clock.schedule(kernel.until - this.clock.now(), () => {
      kernel.due(generation, this.clock.now())
      this.follow()
    })
  }

  /** `value`: what was thrown, or the result. */
  #settle(generation: number, meaning: Meaning, threw: boolean, value: unknown, ms: number, now: number): void {
    const { kernel } = this
    if (this.events.listening > 0) this.#tell(meaning, value, ms)
    if (meaning === 'nothing') return kernel.release(generation)
    const counted = kernel.record(generation, meaning === 'failure', ms > kernel.settings.slowCallDurationThreshold, now)
    const { transitionOnResult, openOnRetryAfter } = kernel.settings
    if (counted && (transitionOnResult !== undefined || openOnRetryAfter !== false))
      this.#openOn(meaning, threw ? undefined : value, threw ? value : undefined, now)
    if (kernel.generation !== generation) this.follow()
  }

  #tell(meaning: Meaning, value: unknown, durationMs: number): void {
    if (this.#silent()) return
    if (meaning === 'success') this.events.emit('success', { durationMs })
    else this.events.emit(meaning === 'failure' ? 'error' : 'ignored', { error: value, durationMs })
  }

  /** An outcome that has been counted may open by itself. Like Resilience4j's, the hook is not shown results that are failures, or none at all. */
  #openOn(meaning: Meaning, result: unknown, error: unknown, now: number): void {
    const { kernel } = this
    const { settings } = kernel
    if (kernel.state !== 'CLOSED') return
    const hidden = error === undefined && (meaning === 'failure' || result === undefined || result === null)
    const byHook = hidden ? undefined : guarded(openByHook, settings, result, error)
    const ms = byHook ?? guarded(openByRetryAfter, settings, result ?? error, this.clock.wall())
    if (ms !== undefined) kernel.openOn(now, ms === true ? undefined : ms)
  }

  /** These two publish nothing but their own transitions. */
  #silent(): boolean {
    return this.kernel.state === 'DISABLED' || this.kernel.state === 'FORCED_OPEN'
  }
}

/** Whether the caller went away, or a policy dropped the call (a hedge that lost). A policy's time limit is a verdict on the callee. */
function givenUp(call: Call): boolean {
  if (call.abortedByCaller) return true
  return call.aborted && !(isMeshlessError(call.reason) && call.reason.code === 'ERR_TIME_LIMIT')
}

/** When a call came in, and under which state: a late result counts for nobody. */
interface Admission {
  readonly generation: number
  readonly start: number
}

export class BreakerStep implements Step<Admission> {
  readonly #gate: Gate

  constructor(gate: Gate) {
    this.#gate = gate
  }

  admit(call: Call): Admission | Failure {
    const gate = this.#gate
    const start = call.admittedAt(gate.clock)
    if (!gate.admit(start)) return new Failure(gate.refusal(start))
    return { generation: gate.kernel.generation, start }
  }

  answered(_call: Call, { generation, start }: Admission, value: unknown): unknown {
    const now = this.#gate.clock.now()
    this.#gate.answered(generation, value, now - start, now)
    return value
  }

  failed(call: Call, { generation, start }: Admission, error: unknown): typeof GOES_ON {
    this.#gate.threw(call, generation, error, start)
    return GOES_ON
  }
}
