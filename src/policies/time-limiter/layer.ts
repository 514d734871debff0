/**
 * Bounds the time of what stands further in: a timer that is armed on the way in and disarmed on the way out. When it fires, the call is
 * cut (whoever waits goes on at once), or, cooperatively, only told by its signal. What the caller gave up is never called a timeout.
 */
import { type Clock, KEEP_ALIVE, type Timer } from '../../base/time/clock.ts'
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
  answered(ms: number): void
  failed(error: unknown): void
  timedOut(timeoutMs: number): void
}

export class LimitStep implements Step<Limit> {
  readonly mayCut = true
  settings: LimitSettings
  readonly clock: Clock
  readonly #listener: LimitListener
  readonly #who: string
  readonly #name: string

  /** `who`: who speaks in the error, e.g. `time limiter users`. */
  constructor(settings: LimitSettings, clock: Clock, listener: LimitListener, who: string, name: string) {
    this.settings = settings
    this.clock = clock
    this.#listener = listener
    this.#who = who
    this.#name = name
  }

  admit(call: Call, run: Run): Limit {
    const { timeoutDuration } = this.settings
    const start = call.admittedAt(this.clock)
    const left = call.deadline - start
    const limit = new Limit(this, call, run, start, Math.min(timeoutDuration, left))
    if (left <= 0) throw this.late(limit, call.deadline)
    if (limit.timeout < Infinity) limit.arm()
    return limit
  }

  answered(_call: Call, limit: Limit, value: unknown): unknown {
    limit.disarm()
    if (limit.timedOut === undefined) this.#listener.answered(this.clock.now() - limit.start)
    return value
  }

  failed(call: Call, limit: Limit, error: unknown): unknown {
    limit.disarm()
    const { timedOut } = limit
    if (timedOut !== undefined) {
      if (error !== timedOut) timedOut.cause = error
      throw timedOut
    }
    if (!call.abortedByCaller) this.#tell(error, limit)
    return GOES_ON
  }

  /** The error of a call that took too long; whoever listens is told. */
  late(limit: Limit, deadline: number): TimeLimitError {
    const { timeout } = limit
    this.#listener.timedOut(timeout)
    const text =
      limit.timeout < this.settings.timeoutDuration || timeout <= 0
        ? `the deadline of the call passed ${timeout > 0 ? `after ${timeout} ms` : `before it began (${deadline - limit.start} ms)`}`
        : `no result within ${timeout} ms`
    return new TimeLimitError(`${this.#who}: ${text}`, { policy: this.#name })
  }

  /** Work that says itself that it was late counts as a timeout, as with Resilience4j. */
  #tell(error: unknown, limit: Limit): void {
    if (isMeshlessError(error) && error.code === 'ERR_TIME_LIMIT') this.#listener.timedOut(limit.timeout)
    else this.#listener.failed(error)
  }
}

/** What a call is given back at its end. */
class Limit {
  readonly start: number
  readonly timeout: number
  /** The error, when a cooperative call has been told that it is late. */
  timedOut: TimeLimitError | undefined = undefined
  readonly #step: LimitStep
  readonly #call: Call
  readonly #run: Run
  /** The deadline that the call came with, and has again outside. */
  readonly #deadline: number
  readonly #level: number
  #timer: Timer | undefined = undefined
  #off: (() => void) | undefined = undefined

  constructor(step: LimitStep, call: Call, run: Run, start: number, timeout: number) {
    this.#step = step
    this.#call = call
    this.#run = run
    this.start = start
    this.timeout = timeout
    this.#deadline = call.deadline
    this.#level = call.level
  }

  arm(): void {
    const call = this.#call
    if (this.start + this.timeout < call.deadline) call.deadline = this.start + this.timeout
    this.#timer = this.#step.clock.schedule(this.timeout, () => this.#expire(), KEEP_ALIVE, this.start)
    // Who may be given up from outside hears it, so that no timer stays behind work that does not heed its signal.
    if (call.hasCaller) this.#off = call.onCallerAbort(() => this.disarm())
  }

  disarm(): void {
    this.#timer?.cancel()
    this.#off?.()
    this.#call.deadline = this.#deadline
  }

  #expire(): void {
    this.#off?.()
    const call = this.#call
    if (call.overFor(this.#level)) return
    const { cooperative, cancelRunningFuture } = this.#step.settings
    const error = this.#step.late(this, this.#deadline)
    if (cooperative) this.timedOut = error
    else {
      call.deadline = this.#deadline
      this.#run.cut(this.#step, error)
    }
    if (cancelRunningFuture) call.abort(error, this.#level)
  }
}
