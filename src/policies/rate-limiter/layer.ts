/**
 * Reserves permissions for calls and lets them wait for their time: joins an account with a clock and its listeners. A call that need not wait
 * costs one look at the clock and no object.
 */
import { type Clock, KEEP_ALIVE } from '../../base/time/clock.ts'
import { RateLimitedError, reject } from '../../core/errors.ts'
import type { Emitter, EventNames } from '../../core/events.ts'
import { askHook } from '../../core/hooks.ts'
import { Failure } from '../../core/next.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { ns, permissions, rateOf } from './kernel.ts'
import type { RateLimiterSettings } from './options.ts'
import type { Permissions } from './rate.ts'

export interface RateLimiterEvents {
  /** Permissions were given; for a call that waited, when its wait was over. */
  permitted: { permissions: number; waitMs: number }
  /** They were not: the wait would be too long (`retryAfter`: ms), or the call was aborted while it waited. */
  rejected: { permissions: number; retryAfter: number | undefined }
  /** So many permissions were taken away by `drain`. */
  drained: { permissions: number }
}
export const RATE_LIMITER_EVENTS: EventNames<RateLimiterEvents> = { permitted: 1, rejected: 1, drained: 1 }

/** Tells `listener` of an abort; gives what stops it. */
type OnAbort = (listener: (reason: unknown) => void) => () => void

export class Gate {
  readonly clock: Clock
  readonly events: Emitter<RateLimiterEvents>
  readonly name: string
  settings: RateLimiterSettings
  account: Permissions
  waiting = 0
  readonly #start: number

  constructor(settings: RateLimiterSettings, clock: Clock, events: Emitter<RateLimiterEvents>, name: string) {
    this.clock = clock
    this.events = events
    this.name = name
    this.settings = settings
    this.account = permissions(settings, 0)
    this.#start = clock.now()
  }

  /** ns since the limiter was made. */
  now(at = this.clock.now()): number {
    return ns(at - this.#start)
  }

  /** Takes `n` permissions: ns until they may be used, or -1 when that is later than a call may wait. */
  reserve(n: number, now: number): number {
    if (!(Number.isInteger(n) && n >= 0)) throw new RangeError(`rateLimiter: ${n} is no number of permissions; expected a whole number`)
    const wait = this.account.waitFor(n, now)
    const refused = wait > ns(this.settings.timeoutDuration)
    this.account.take(refused ? 0 : n, now) // as at the peer, a refused one brings the account up to date
    return refused ? -1 : wait
  }

  /** Reserves for a call: ns to `wait`, or the failure with a RateLimitedError. */
  admit(n: number, now: number): number | Failure {
    const wait = this.reserve(n, now)
    if (wait < 0) {
      const retryAfter = this.retryAfter(n, now)
      this.refused(n, retryAfter)
      return new Failure(this.#refusal(n, now, retryAfter))
    }
    if (wait === 0) this.permitted(n, 0)
    return wait
  }

  permitted(n: number, waitMs: number): void {
    if (this.events.listening > 0) this.events.emit('permitted', { permissions: n, waitMs })
  }

  refused(n: number, retryAfter: number | undefined): void {
    if (this.events.listening > 0) this.events.emit('rejected', { permissions: n, retryAfter })
  }

  /** ms after which `n` permissions could be reserved; `undefined`: never. */
  retryAfter(n: number, now: number): number | undefined {
    const wait = this.account.waitFor(n, now)
    return wait === Infinity ? undefined : Math.max(0, wait - ns(this.settings.timeoutDuration)) / 1e6
  }

  drain(): void {
    const drained = this.account.drain(this.now())
    if (this.events.listening > 0) this.events.emit('drained', { permissions: drained })
  }

  /** Looks at the end of a call: it may say that the callee's own limit is reached. */
  ended(result: unknown, error: unknown): void {
    const hook = this.settings.drainPermissionsOnResult
    if (hook !== undefined && askHook(hook, false, result, error) === true) this.drain()
  }

  update(settings: RateLimiterSettings): void {
    const before = this.settings
    const now = this.now()
    this.settings = settings
    if (settings.algorithm !== before.algorithm || (settings.warmUp === undefined) !== (before.warmUp === undefined))
      this.account = permissions(settings, now)
    else this.account.change(rateOf(settings), now)
  }

  /** Lets the reserved time come. An abort gives the reservation back and rejects with its reason. */
  wait(n: number, now: number, wait: number, onAbort: OnAbort): Promise<void> {
    const { account } = this
    this.waiting++
    const time = new Promise<{ reason: unknown } | undefined>(resolve => {
      const timer = this.clock.schedule(
        wait / 1e6,
        () => {
          unlisten()
          this.waiting--
          resolve(undefined)
        },
        KEEP_ALIVE,
      )
      const unlisten = onAbort(reason => {
        timer.cancel()
        this.waiting--
        account.giveBack(n, now + wait, this.now())
        resolve({ reason })
      })
    })
    // Whoever ends the wait, its listeners are told in the async context of the one who waited.
    return time.then(aborted => {
      if (aborted === undefined) return this.permitted(n, wait / 1e6)
      this.refused(n, undefined)
      throw aborted.reason
    })
  }

  #refusal(n: number, now: number, retryAfter: number | undefined): RateLimitedError {
    const { name, settings } = this
    const left = Math.max(0, this.account.available(now))
    return reject(
      RateLimitedError,
      `rate limiter${name === '' ? '' : ` ${name}`} permits ${settings.limitForPeriod} calls per ${settings.limitRefreshPeriod} ms; ${left} left, ${n} asked`,
      { policy: name, retryAfter },
    )
  }
}

export function rateLimiterStep(gate: Gate): Step<void> {
  return {
    admit(call) {
      const now = gate.now(call.admittedAt(gate.clock))
      const wait = gate.admit(call.weight, now)
      if (wait instanceof Failure) return wait
      return wait === 0 ? undefined : gate.wait(call.weight, now, wait, listener => call.onAbort(listener))
    },
    answered(_call, _pass, value) {
      gate.ended(value, undefined)
      return value
    },
    failed(_call, _pass, error) {
      gate.ended(undefined, error)
      return GOES_ON
    },
  }
}
