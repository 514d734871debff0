/**
 * The breaker's rules: what is let through, what an outcome means, when the state changes. It is told the time and owns no timer; a permit
 * is for the generation that was current when it was given, so that a late result counts for nobody.
 */
import { CountWindow } from '../../base/stats/count-window.ts'
import { FAILED, SLOW, type Window } from '../../base/stats/window.ts'
import type { CircuitBreakerSettings } from './options.ts'
import { byHand, type Cause, type State } from './transitions.ts'
import { waitInOpen } from './wait.ts'
import { fullMinimum, fullWindow, reshaped, takeOver } from './windows.ts'

export interface BreakerMetrics {
  /** Percent; -1 below the minimum number of calls. */
  readonly failureRate: number
  /** Percent; -1 below the minimum number of calls. */
  readonly slowCallRate: number
  readonly numberOfBufferedCalls: number
  readonly numberOfFailedCalls: number
  readonly numberOfSlowCalls: number
  readonly numberOfSlowFailedCalls: number
  readonly numberOfSlowSuccessfulCalls: number
  readonly numberOfSuccessfulCalls: number
  /** Refused since the current window began. */
  readonly numberOfNotPermittedCalls: number
}

/** What the kernel tells while it decides, in the order in which it happens. */
export interface BreakerHooks {
  transition(from: State, to: State, cause: Cause): void
  rateExceeded(kind: 'failureRateExceeded' | 'slowCallRateExceeded', rate: number): void
  consecutiveFailuresExceeded(count: number): void
}

/** What is kept of a breaker outside its process. */
export interface KernelState {
  state: State
  attempts: number
  /** ms that the state still lasts; absent: no end. */
  remaining?: number | undefined
  /** ms since gradual re-admission began; absent: it is over. */
  readmitting?: number | undefined
}

/** While probes run nobody knows when there is room again. */
const ASK_AGAIN = 1000

export class BreakerKernel {
  state: State = 'CLOSED'
  /** Goes up with every new state, also when it is the same again. */
  generation = 0
  /** When OPEN may end, or HALF_OPEN must; `Infinity` for never. */
  until = Infinity
  /** Openings in a row. */
  attempts = 0
  settings: CircuitBreakerSettings
  readonly #hooks: BreakerHooks
  readonly #random: () => number
  #window: Window
  #minimum: number
  #permits = 0
  #since = 0
  #notPermitted = 0
  #consecutive = 0
  /** When gradual re-admission began; `-Infinity`: it is over. */
  #readmittedAt = -Infinity
  #told = 0

  constructor(settings: CircuitBreakerSettings, now: number, random: () => number, hooks: BreakerHooks) {
    this.settings = settings
    this.#hooks = hooks
    this.#random = random
    this.#window = fullWindow(settings, now)
    this.#minimum = fullMinimum(settings)
    if (settings.initialState === 'HALF_OPEN') this.attempts = 1 // as after an opening: a failed probe makes it the second in a row
    if (settings.initialState !== 'CLOSED') this.#enter(settings.initialState, now)
  }

  /** Whether a call may start. The permit is for `generation`. */
  acquire(now: number): boolean {
    switch (this.state) {
      case 'CLOSED':
        if (this.#readmittedAt === -Infinity || this.#readmits(now)) return true
        break
      case 'OPEN':
        if (now <= this.until) break
        this.#change('HALF_OPEN', 'wait over', now)
        return this.acquire(now)
      case 'HALF_OPEN':
        if (this.#permits <= 0) break
        this.#permits--
        return true
      case 'FORCED_OPEN':
        break
      default:
        return true
    }
    this.#notPermitted++
    return false
  }

  /** ms after which a refused caller may try again; `undefined`: only an operator knows. */
  retryAfter(now: number): number | undefined {
    switch (this.state) {
      case 'FORCED_OPEN':
        return undefined
      case 'CLOSED':
        return this.settings.gradualReadmission?.stepDuration
      default:
        return this.until === Infinity ? ASK_AGAIN : Math.max(0, this.until - now)
    }
  }

  /** A permit that counts for nothing comes back. */
  release(generation: number): void {
    if (generation === this.generation && this.state === 'HALF_OPEN') this.#permits++
  }

  /** An outcome of a call that this generation permitted; a late one is dropped, and false is the answer. */
  record(generation: number, failed: boolean, slow: boolean, now: number): boolean {
    if (generation !== this.generation) return false
    if (this.state === 'DISABLED') return true
    this.#window.record((failed ? FAILED : 0) | (slow ? SLOW : 0), now)
    this.#consecutive = failed ? this.#consecutive + 1 : 0
    this.#decide(now)
    return true
  }

  /** Opens on one outcome that has just been recorded, when that left the breaker CLOSED: for `ms`, or for the configured wait. */
  openOn(now: number, ms: number | undefined): void {
    if (this.state === 'CLOSED') this.#change('OPEN', 'asked by a result', now, ms)
  }

  /** `until` has come, as a timer set for this generation says. */
  due(generation: number, now: number): void {
    if (generation !== this.generation) return
    if (this.state === 'OPEN') this.#change('HALF_OPEN', 'wait over', now)
    else if (this.state === 'HALF_OPEN') this.#change(this.settings.transitionToStateAfterWaitDuration, 'probing too long', now)
  }

  /** By hand. Throws a `RangeError` for what the table does not have. `forMs`: how long OPEN lasts, then without counting as an attempt. */
  to(state: State, now: number, forMs?: number): void {
    const possible = byHand(this.state)
    if (!possible.includes(state))
      throw new RangeError(`a breaker in ${this.state} cannot go to ${state}; from there it can go to ${possible.join(', ')}`)
    this.#change(state, 'manual', now, forMs)
  }

  reset(now: number): void {
    const from = this.state
    this.#enter('CLOSED', now)
    if (from !== 'CLOSED') this.#hooks.transition(from, 'CLOSED', 'reset')
  }

  /** Takes up a state that was kept elsewhere. Nobody is told. */
  restore({ state, attempts, remaining, readmitting }: KernelState, now: number): void {
    this.#enter(state, now, state === 'OPEN' ? (remaining ?? 0) : undefined)
    if (state === 'HALF_OPEN' && remaining !== undefined) this.until = now + remaining
    this.attempts = attempts
    if (readmitting !== undefined && this.settings.gradualReadmission !== undefined) this.#readmittedAt = now - readmitting
  }

  /** What `restore` takes up again. */
  save(now: number): KernelState {
    const { state, attempts, until } = this
    return {
      state,
      attempts,
      ...(until === Infinity ? {} : { remaining: Math.max(0, until - now) }),
      ...(this.#readmittedAt === -Infinity ? {} : { readmitting: now - this.#readmittedAt }),
    }
  }

  /** New settings. What was counted stays, in a window of the new shape; a wait in OPEN that has begun is not changed, a half-open limit is. */
  update(settings: CircuitBreakerSettings, now: number): void {
    const before = this.settings
    this.settings = settings
    if (this.state === 'CLOSED' || this.state === 'METRICS_ONLY') {
      this.#window = reshaped(this.#window, before, settings, now)
      this.#minimum = fullMinimum(settings)
      if (settings.gradualReadmission === undefined) this.#readmittedAt = -Infinity
    } else if (this.state === 'HALF_OPEN') {
      const permitted = settings.permittedNumberOfCallsInHalfOpenState
      const more = permitted - before.permittedNumberOfCallsInHalfOpenState
      if (more !== 0) this.#window = takeOver(this.#window, now, () => new CountWindow(permitted))
      this.#permits += more // below 0 while more probes run than are now permitted
      this.#minimum = Math.min(settings.minimumNumberOfCalls, permitted)
      if (settings.maxWaitDurationInHalfOpenState !== before.maxWaitDurationInHalfOpenState) this.until = this.#probingUntil()
      this.#decide(now) // there may be no further probe to do it
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
      numberOfNotPermittedCalls: this.#notPermitted,
    }
  }

  /** After each outcome, good ones too: a rate also rises when old successes leave the window. */
  #decide(now: number): void {
    const { settings, state } = this
    const { failed, slow } = this.#window.read(now)
    if (failed === 0 && slow === 0 && state !== 'HALF_OPEN') return
    const { failureRate, slowCallRate } = this.metrics(now)
    const tooMany = failureRate >= Math.fround(settings.failureRateThreshold)
    const tooSlow = slowCallRate >= Math.fround(settings.slowCallRateThreshold)
    if (state === 'HALF_OPEN') {
      if (tooMany || tooSlow) this.#change('OPEN', 'probes failed', now)
      else if (failureRate >= 0) this.#change('CLOSED', 'probes well', now)
      return
    }
    const inARow = this.#consecutive >= (settings.consecutiveFailures ?? Infinity)
    if (!tooMany && !tooSlow && !inARow) return
    if (tooMany && this.#tell(1)) this.#hooks.rateExceeded('failureRateExceeded', failureRate)
    if (tooSlow && this.#tell(2)) this.#hooks.rateExceeded('slowCallRateExceeded', slowCallRate)
    if (inARow && this.#tell(4)) this.#hooks.consecutiveFailuresExceeded(this.#consecutive)
    if (this.state === 'CLOSED') this.#change('OPEN', 'threshold reached', now)
  }

  /** Each excess is told once per stay. */
  #tell(bit: number): boolean {
    if (this.#told & bit) return false
    this.#told |= bit
    return true
  }

  #change(to: State, cause: Cause, now: number, forMs?: number): void {
    const from = this.state
    this.#enter(to, now, forMs)
    if (from === 'HALF_OPEN' && to === 'CLOSED' && cause !== 'manual' && this.settings.gradualReadmission !== undefined)
      this.#readmittedAt = now
    if (from !== to) this.#hooks.transition(from, to, cause)
  }

  /** Begins a state. OPEN keeps the window and the refusals of the state before; the others start their own. */
  #enter(to: State, now: number, forMs?: number): void {
    const { settings } = this
    if (to === 'OPEN' && forMs === undefined) this.attempts++
    const until = to === 'OPEN' ? now + (forMs ?? waitInOpen(settings.waitDurationInOpenState, this.attempts, this.#random)) : Infinity
    this.generation++
    this.state = to
    this.until = until
    this.#since = now
    this.#consecutive = this.#told = 0
    this.#readmittedAt = -Infinity
    if (to === 'OPEN') return
    this.#notPermitted = 0
    if (to === 'HALF_OPEN') {
      this.#permits = settings.permittedNumberOfCallsInHalfOpenState
      this.#window = new CountWindow(this.#permits)
      this.#minimum = Math.min(settings.minimumNumberOfCalls, this.#permits)
      this.until = this.#probingUntil()
    } else if (to === 'FORCED_OPEN') {
      this.attempts++
      this.#window = new CountWindow(0)
    } else {
      this.attempts = 0
      this.#window = to === 'DISABLED' ? new CountWindow(0) : fullWindow(settings, now)
      this.#minimum = fullMinimum(settings)
    }
  }

  #probingUntil(): number {
    const longest = this.settings.maxWaitDurationInHalfOpenState
    return longest > 0 ? this.#since + longest : Infinity
  }

  #readmits(now: number): boolean {
    const { shares, stepDuration } = this.settings.gradualReadmission!
    const share = shares[Math.floor((now - this.#readmittedAt) / stepDuration)]
    if (share !== undefined) return this.#random() * 100 < share
    this.#readmittedAt = -Infinity
    return true
  }
}

/** A rate as Resilience4j works it out: in single precision, so that ⅓ meets a threshold of 33.333332. */
const rate = (part: number, whole: number) => Math.fround(Math.fround(Math.fround(part) * 100) / Math.fround(whole))
