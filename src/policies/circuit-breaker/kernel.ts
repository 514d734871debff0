/**
 * The breaker's rules: what is let through, what a result means, when the state changes. It is told the time and owns no timer; a
 * permit names the state that gave it, so that a late result counts for nobody.
 */
import { CountWindow } from '../../base/stats/count-window.ts'
import { TimeWindow } from '../../base/stats/time-window.ts'
import type { Window } from '../../base/stats/window.ts'
import type { CircuitBreakerSettings } from './options.ts'
import { type State, TRANSITIONS } from './transitions.ts'

export interface BreakerMetrics {
  /** Percent; -1 below the minimum number of calls. */
  readonly failureRate: number
  readonly slowCallRate: number
  readonly numberOfBufferedCalls: number
  readonly numberOfFailedCalls: number
  readonly numberOfSlowCalls: number
  readonly numberOfSlowFailedCalls: number
  readonly numberOfSlowSuccessfulCalls: number
  readonly numberOfSuccessfulCalls: number
  readonly numberOfNotPermittedCalls: number
}

export interface BreakerHooks {
  transition(from: State, to: State): void
  rateExceeded(kind: 'failureRateExceeded' | 'slowCallRateExceeded', rate: number): void
}

export class BreakerKernel {
  state: State = 'CLOSED'
  /** Goes up with every new state, also when it is the same again. */
  generation = 0
  /** When OPEN may end, or HALF_OPEN must; `Infinity` for never. */
  until = Infinity
  notPermitted = 0
  /** Openings in a row. */
  attempts = 0
  settings: CircuitBreakerSettings
  readonly #hooks: BreakerHooks
  readonly #random: () => number
  #window: Window
  #minimum: number
  #permits = 0
  #failureTold = false
  #slowTold = false

  constructor(settings: CircuitBreakerSettings, now: number, random: () => number, hooks: BreakerHooks) {
    this.settings = settings
    this.#hooks = hooks
    this.#random = random
    this.#window = this.#fullWindow(now)
    this.#minimum = this.#fullMinimum()
    if (settings.initialState !== 'CLOSED') this.#enter(settings.initialState, now)
    this.generation = 0
  }

  /** Whether a call may start. A permit is for this generation. */
  acquire(now: number): boolean {
    switch (this.state) {
      case 'OPEN':
        if (now <= this.until) break
        this.#change('HALF_OPEN', now)
        return this.acquire(now)
      case 'HALF_OPEN':
        if (this.#permits === 0) break
        this.#permits--
        return true
      case 'FORCED_OPEN':
        break
      default:
        return true
    }
    this.notPermitted++
    return false
  }

  /** A permit that counts for nothing comes back. */
  release(generation: number): void {
    if (generation === this.generation && this.state === 'HALF_OPEN') this.#permits++
  }

  /** A result, from the state that permitted it; a late one is dropped. */
  record(generation: number, failed: boolean, slow: boolean, now: number): void {
    if (generation !== this.generation || this.state === 'DISABLED' || this.state === 'FORCED_OPEN') return
    this.#window.record(failed, slow, now)
    if (this.state === 'OPEN') return
    const counts = this.#window.read(now)
    if (counts.calls === 0 || counts.calls < this.#minimum) return
    const failure = rate(counts.failed, counts.calls)
    const slowness = rate(counts.slow, counts.calls)
    const tooMany = failure >= Math.fround(this.settings.failureRateThreshold)
    const tooSlow = slowness >= Math.fround(this.settings.slowCallRateThreshold)
    if (this.state === 'HALF_OPEN') return this.#change(tooMany || tooSlow ? 'OPEN' : 'CLOSED', now)
    if (!tooMany && !tooSlow) return
    if (this.state === 'METRICS_ONLY') {
      if (tooMany && !this.#failureTold) {
        this.#failureTold = true
        this.#hooks.rateExceeded('failureRateExceeded', failure)
      }
      if (tooSlow && !this.#slowTold) {
        this.#slowTold = true
        this.#hooks.rateExceeded('slowCallRateExceeded', slowness)
      }
      return
    }
    if (tooMany) this.#hooks.rateExceeded('failureRateExceeded', failure)
    if (tooSlow) this.#hooks.rateExceeded('slowCallRateExceeded', slowness)
    this.#change('OPEN', now)
  }

  /** Time has come to `until`: what happens by itself. */
  due(now: number): void {
    if (now < this.until) return
    if (this.state === 'OPEN' && this.settings.automaticTransitionFromOpenToHalfOpenEnabled) this.#change('HALF_OPEN', now)
    else if (this.state === 'HALF_OPEN') this.#change(this.settings.transitionToStateAfterWaitDuration, now)
  }

  /** By hand. Throws for a transition that is not in the table. */
  to(state: State, now: number, forMs?: number): void {
    if (!TRANSITIONS[this.state].includes(state))
      throw new RangeError(
        `a breaker in ${this.state} cannot go to ${state}; from there it can go to ${TRANSITIONS[this.state].join(', ')}`,
      )
    this.#change(state, now, forMs)
  }

  reset(now: number): void {
    this.#change('CLOSED', now)
  }

  /** New settings; the window is kept as long as its shape is the same. */
  update(settings: CircuitBreakerSettings, now: number): void {
    const before = this.settings
    this.settings = settings
    const same =
      before.slidingWindowType === settings.slidingWindowType &&
      before.slidingWindowSize === settings.slidingWindowSize &&
      before.slidingWindowSliceDuration === settings.slidingWindowSliceDuration
    if (this.state === 'CLOSED' || this.state === 'METRICS_ONLY') {
      if (!same) {
        const counts = this.#window.read(now)
        const { calls, failed, slow, slowFailed } = counts
        this.#window = this.#fullWindow(now)
        const replay = (n: number, isFailed: boolean, isSlow: boolean) => {
          for (let i = 0; i < Math.min(n, settings.slidingWindowSize); i++) this.#window.record(isFailed, isSlow, now)
        }
        replay(calls - failed - slow + slowFailed, false, false)
        replay(slow - slowFailed, false, true)
        replay(failed - slowFailed, true, false)
        replay(slowFailed, true, true)
      }
      this.#minimum = this.#fullMinimum()
    }
  }

  metrics(now: number): BreakerMetrics {
    const { calls, failed, slow, slowFailed } = this.#window.read(now)
    const enough = calls > 0 && calls >= this.#minimum
    return {
      failureRate: enough ? rate(failed, calls) : -1,
      slowCallRate: enough ? rate(slow, calls) : -1,
      numberOfBufferedCalls: calls,
      numberOfFailedCalls: failed,
      numberOfSlowCalls: slow,
      numberOfSlowFailedCalls: slowFailed,
      numberOfSlowSuccessfulCalls: slow - slowFailed,
      numberOfSuccessfulCalls: calls - failed,
      numberOfNotPermittedCalls: this.notPermitted,
    }
  }

  #change(to: State, now: number, forMs?: number): void {
    const from = this.state
    this.#enter(to, now, forMs)
    if (from !== to) this.#hooks.transition(from, to)
  }

  #enter(to: State, now: number, forMs?: number): void {
    const { settings } = this
    this.generation++
    this.state = to
    this.until = Infinity
    switch (to) {
      case 'OPEN':
        if (forMs === undefined) this.attempts++
        this.until = now + (forMs ?? this.#wait())
        break
      case 'HALF_OPEN':
        this.#permits = settings.permittedNumberOfCallsInHalfOpenState
        this.#window = new CountWindow(this.#permits)
        this.#minimum = Math.min(settings.minimumNumberOfCalls, this.#permits)
        this.notPermitted = 0
        if (settings.maxWaitDurationInHalfOpenState > 0) this.until = now + settings.maxWaitDurationInHalfOpenState
        break
      case 'FORCED_OPEN':
        this.attempts++
        this.#window = new CountWindow(0)
        this.notPermitted = 0
        break
      case 'DISABLED':
        this.attempts = 0
        this.#window = new CountWindow(0)
        this.notPermitted = 0
        break
      default:
        this.attempts = 0
        this.#window = this.#fullWindow(now)
        this.#minimum = this.#fullMinimum()
        this.notPermitted = 0
        this.#failureTold = this.#slowTold = false
    }
  }

  #wait(): number {
    const wait: unknown = this.settings.waitDurationInOpenState
    if (typeof wait === 'number') return wait
    if (typeof wait === 'function') return wait(this.attempts)
    const { initial, multiplier, max, randomizationFactor } = wait as {
      initial: number
      multiplier: number
      max: number
      randomizationFactor: number
    }
    const current = initial * multiplier ** (this.attempts - 1)
    const spread = randomizationFactor * current
    return Math.min(max, Math.max(1, current - spread + this.#random() * 2 * spread))
  }

  #fullWindow(now: number): Window {
    const { slidingWindowType, slidingWindowSize, slidingWindowSliceDuration } = this.settings
    return slidingWindowType === 'COUNT_BASED'
      ? new CountWindow(slidingWindowSize)
      : new TimeWindow(slidingWindowSize, slidingWindowSliceDuration, now)
  }

  #fullMinimum(): number {
    const { slidingWindowType, slidingWindowSize, minimumNumberOfCalls } = this.settings
    return slidingWindowType === 'COUNT_BASED' ? Math.min(minimumNumberOfCalls, slidingWindowSize) : minimumNumberOfCalls
  }
}

/** A rate as Resilience4j works it out: in single precision, so that ⅓ meets a threshold of 33.333332. */
const rate = (part: number, whole: number) => Math.fround(Math.fround(Math.fround(part) * 100) / Math.fround(whole))
