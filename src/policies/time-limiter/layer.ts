/**
 * Bounds the time of what stands further in: a timer that is armed on the way in and disarmed on the way out. When it fires, the call is
 * cut (whoever waits goes on at once), or, cooperatively, only told by its signal. What the caller gave up is never called a timeout.
 */
import { type Alarm, type Clock, type Ring, setAlarm, type Timer } from '../../base/time/clock.ts'
import type { Call } from '../../core/call.ts'
import { isMeshlessError, TimeLimitError } from '../../core/errors.ts'
import { GOES_ON, type Run, type Step } from '../../core/step.ts'

export interface LimitSettings {
  /** ms; `Infinity`: no limit. */
  readonly timeoutDuration: number
  /** Whether the work is told by its signal. */
  readonly cancelRunningFuture: boolean
  /** Whether the end of the work is waited for. */
  readonly cooperative: boolean
}

/** Who wants to know how calls ended. */
export interface LimitListener {
  /** `start`: when the call came in. */
  answered(start: number): void
  failed(error: unknown): void
  timedOut(timeoutMs: number): void
}

/** A call under its limit: the alarm, and what the call is given back at its end. */
class Limit implements Alarm {
  ring: Ring | undefined = undefined
  previous: Alarm | undefined = undefined
  next: Alarm | undefined = undefined
  since: number
  order = 0
  readonly step: LimitStep
  readonly call: Call
  readonly run: Run
  readonly timeout: number
  readonly level: number
  /** The deadline that the call came with, and has again outside; `undefined` when it had none. */
  deadline: number | undefined = undefined
  timer: Timer | undefined = undefined
  off: (() => void) | undefined = undefined
  /** The error, when a cooperative call has been told that it is late. */
  timedOut: TimeLimitError | undefined = undefined

  constructor(step: LimitStep, call: Call, run: Run, start: number, timeout: number) {
    this.since = start
    this.step = step
    this.call = call
    this.run = run
    this.timeout = timeout
    this.level = call.level
  }

  get keepsAlive(): boolean {
    return true
  }

  due(): void {
    this.step.expire(this)
  }

  /** The call is over, or nobody waits for it any more. */
  disarm(): void {
    if (this.ring !== undefined) this.ring.remove(this)
    else this.timer?.cancel()
    this.off?.()
    this.call.deadline = this.deadline
  }
}

export class LimitStep implements Step<Limit> {
  readonly mayCut = true
  settings: LimitSettings
  readonly #clock: Clock
  readonly #listener: LimitListener
  readonly #who: string
  readonly #name: string

  /** `who`: who speaks in the error, e.g. `time limiter users`. */
  constructor(settings: LimitSettings, clock: Clock, listener: LimitListener, who: string, name: string) {
    this.settings = settings
    this.#clock = clock
    this.#listener = listener
    this.#who = who
    this.#name = name
  }

  admit(call: Call, run: Run): Limit {
    const { timeoutDuration } = this.settings
    const start = call.admittedAt(this.#clock)
    const left = call.deadline - start
    const timeout = left < timeoutDuration ? left : timeoutDuration
    const limit = new Limit(this, call, run, start, timeout)
    if (left !== Infinity) limit.deadline = call.deadline
    if (left <= 0) throw this.#late(limit)
    if (timeout === Infinity) return limit
    if (timeout < left) call.deadline = start + timeout
    limit.timer = setAlarm(this.#clock, limit, timeout, start)
    // Who may be given up from outside hears it, so that no timer stays behind work that does not heed its signal.
    if (call.hasCaller) limit.off = call.onCallerAbort(() => limit.disarm())
    return limit
  }

  answered(_call: Call, limit: Limit, value: unknown): unknown {
    limit.disarm()
    if (limit.timedOut === undefined) this.#listener.answered(limit.since)
    return value
  }

  failed(call: Call, limit: Limit, error: unknown): unknown {
    limit.disarm()
    const { timedOut } = limit
    if (timedOut !== undefined) {
      if (error !== timedOut) timedOut.cause = error
      throw timedOut
    }
    if (call.abortedByCaller) return GOES_ON
    // Work that says itself that it was late counts as a timeout, as with Resilience4j.
    if (isMeshlessError(error) && error.code === 'ERR_TIME_LIMIT') this.#listener.timedOut(limit.timeout)
    else this.#listener.failed(error)
    return GOES_ON
  }

  /** The alarm of a call has come. */
  expire(limit: Limit): void {
    limit.off?.()
    const { call, level } = limit
    if (call.overFor(level)) return
    const { cooperative, cancelRunningFuture } = this.settings
    const error = this.#late(limit)
    if (cooperative) limit.timedOut = error
    else {
      call.deadline = limit.deadline
      limit.run.cut(this, error)
    }
    if (cancelRunningFuture) call.abort(error, level)
  }

  /** The error of a call that took too long; whoever listens is told. */
  #late({ timeout, deadline = Infinity, since }: Limit): TimeLimitError {
    this.#listener.timedOut(timeout)
    const text =
      timeout > 0 && timeout >= this.settings.timeoutDuration
        ? `no result within ${timeout} ms`
        : `the deadline of the call passed ${timeout > 0 ? `after ${timeout} ms` : `before it began (${deadline - since} ms)`}`
    return new TimeLimitError(`${this.#who}: ${text}`, { policy: this.#name })
  }
}
