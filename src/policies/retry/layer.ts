/** Hears how tries end and makes the next one: joins the rules of retrying with a clock, a budget and those who listen. */
import { type Clock, KEEP_ALIVE } from '../../base/time/clock.ts'
import { LONGEST_MS } from '../../base/time/duration.ts'
import type { Random } from '../../base/time/random.ts'
import type { Call } from '../../core/call.ts'
import { isRejection, MeshlessError, type MeshlessErrorOptions } from '../../core/errors.ts'
import { type Emitter, type EventNames, guarded } from '../../core/events.ts'
import { askForNumber } from '../../core/hooks.ts'
import { Failure, isPromiseLike, type Next } from '../../core/next.ts'
import { GOES_ON, type Run, type Step } from '../../core/step.ts'
import type { Budget } from './budget.ts'
import { type RetryClassifier, retryClassifier } from './classify.ts'
import { cancelBody } from './http-outcome.ts'
import { backoffInterval } from './intervals.ts'
import { afterTry, type Stop } from './kernel.ts'
import type { RetrySettings } from './options.ts'
import { askedWait } from './retry-after.ts'

export interface RetryEvents {
  /** Another try will be made in `waitMs`. `attempt`: the try that ended, 1 for the first; with `error`, or with the bad `result`. */
  retry: { attempt: number; waitMs: number; error: unknown; result: unknown }
  /** A call that needed more than one try ended well. `error`: the last one on the way. */
  success: { attempts: number; error: unknown }
  /** Every try failed, or there may be no further one: `because` says why. With `error`, or with the bad `result`. */
  error: { attempts: number; error: unknown; result: unknown; because: Stop }
  /** An error that is not retried. */
  ignored: { attempts: number; error: unknown }
}
export const RETRY_EVENTS: EventNames<RetryEvents> = { retry: 1, success: 1, error: 1, ignored: 1 }

/** A result stayed bad through every try. */
export class MaxRetriesExceededError extends MeshlessError {
  override readonly name = 'MaxRetriesExceededError'
  readonly code = 'ERR_MAX_RETRIES'
  /** The last result. */
  readonly result: unknown
  constructor(message: string, options?: MeshlessErrorOptions & { result?: unknown }) {
    super(message, options)
    this.result = options?.result
  }
}

/** Resilience4j's names. What the caller gave up is counted in tries only. */
export interface RetryMetrics {
  readonly numberOfSuccessfulCallsWithoutRetryAttempt: number
  readonly numberOfSuccessfulCallsWithRetryAttempt: number
  /** Also every call that ended with an error which is not retried. */
  readonly numberOfFailedCallsWithoutRetryAttempt: number
  readonly numberOfFailedCallsWithRetryAttempt: number
  /** All tries. */
  readonly numberOfTotalCalls: number
}

/** How a try ended. */
interface Outcome {
  readonly failed: boolean
  /** What was thrown, or the result. */
  readonly value: unknown
}

/** What a call is given back at its end; the level alone when nothing else is needed, so that the happy path makes no object. */
type Pass = number | Admission
interface Admission {
  readonly level: number
  readonly started: number
  /** The budget that has counted this call. */
  readonly counted: Budget | undefined
}

/** One call on its way through several tries. */
interface Course {
  readonly first: Call
  readonly level: number
  readonly started: number
  readonly rest: Next
  attempt: number
  /** The last error on the way, for the event of a late success. */
  error: unknown
}

export class RetryStep implements Step<Pass> {
  readonly counts: { -readonly [K in keyof RetryMetrics]: number } = {
    numberOfSuccessfulCallsWithoutRetryAttempt: 0,
    numberOfSuccessfulCallsWithRetryAttempt: 0,
    numberOfFailedCallsWithoutRetryAttempt: 0,
    numberOfFailedCallsWithRetryAttempt: 0,
    numberOfTotalCalls: 0,
  }
  #settings: RetrySettings
  #classifier: RetryClassifier
  readonly #clock: Clock
  readonly #random: Random
  readonly #events: Emitter<RetryEvents>
  readonly #name: string

  constructor(settings: RetrySettings, clock: Clock, random: Random, events: Emitter<RetryEvents>, name: string) {
    this.#settings = settings
    this.#classifier = retryClassifier(settings)
    this.#clock = clock
    this.#random = random
    this.#events = events
    this.#name = name
  }

  get settings(): RetrySettings {
    return this.#settings
  }

  update(settings: RetrySettings): void {
    this.#settings = settings
    this.#classifier = retryClassifier(settings)
  }

  admit(call: Call): Pass {
    const level = ++call.level
    const { budget, maxElapsed } = this.#settings
    if (budget === undefined && maxElapsed === Infinity) return level
    return { level, started: call.admittedAt(this.#clock), counted: budget?.enter(call.root) ? budget : undefined }
  }

  answered(call: Call, pass: Pass, value: unknown, run: Run): unknown {
    if (this.#classifier.result?.(value, call) !== true) {
      this.#wentWell(1, undefined)
      leave(call, pass)
      return value
    }
    return this.#course(call, pass, { failed: false, value }, run)
  }

  failed(call: Call, pass: Pass, error: unknown, run: Run): unknown {
    if (this.#worthRetrying(call, call, levelOf(pass), error)) return this.#course(call, pass, { failed: true, value: error }, run)
    this.#ignore(call, levelOf(pass), error, 1)
    leave(call, pass)
    return GOES_ON
  }

  #course(first: Call, pass: Pass, outcome: Outcome, run: Run): unknown {
    const level = levelOf(pass)
    const started = typeof pass === 'number' ? 0 : pass.started
    const course: Course = { first, level, started, rest: run.rest(this), attempt: 1, error: undefined }
    const next = this.#next(course, outcome)
    if (typeof next !== 'number') {
      leave(first, pass)
      return this.#giveUp(course, outcome, next)
    }
    const result = this.#follow(course, outcome, next)
    if (typeof pass === 'number' || pass.counted === undefined) return result
    const end = () => leave(first, pass)
    result.then(end, end)
    return result
  }

  /** Tries again until an outcome is good enough, or there are no more tries. */
  async #follow(course: Course, outcome: Outcome, firstWait: number): Promise<unknown> {
    let last = outcome
    let call = course.first
    let wait = firstWait
    for (;;) {
      const { attempt } = course
      const { budget } = this.#settings
      if (last.failed) course.error = last.value
      this.counts.numberOfTotalCalls++
      if (this.#events.listening > 0) this.#events.emit('retry', { attempt, waitMs: wait, ...told(last) })
      if (last.failed) cancelBody(last.value)
      else this.#consume(attempt, last.value)
      // An open breaker lets a call in after its wait, not at it (Resilience4j).
      const slack = last.failed && isRejection(last.value) ? 1 : 0
      const before = call
      call = this.#another(course, before)
      try {
        if (wait > 0) await pause(this.#clock, call, wait + slack)
        if (call.aborted) throw call.reason
        const result = course.rest(call)
        last = { failed: false, value: isPromiseLike(result) ? await result : result }
      } catch (error) {
        last = { failed: true, value: error }
      } finally {
        budget?.giveBack()
        call.end()
      }
      if (!last.failed && this.#classifier.result?.(last.value, call) !== true) {
        this.#wentWell(course.attempt, course.error)
        return last.value
      }
      if (last.failed && !this.#worthRetrying(course.first, call, course.level, last.value)) {
        this.#ignore(course.first, course.level, last.value, course.attempt)
        throw last.value
      }
      const next = this.#next(course, last)
      if (typeof next !== 'number') return this.#giveUp(course, last, next)
      wait = next
    }
  }

  /** The call of the next try; it may know which endpoints to avoid. */
  #another(course: Course, before: Call): Call {
    const call = course.first.again()
    call.attempt = ++course.attempt
    call.level = course.level
    call.tried =
      this.#settings.retryIgnorePreviousHosts && before.endpoint !== undefined ? [...(before.tried ?? []), before.endpoint] : before.tried
    call.endpoint = undefined
    return call
  }

  /** ms to wait before the next try, for which the budget has given a place; or why there is none. */
  #next({ first, attempt, started }: Course, last: Outcome): number | Stop {
    const { retries, maxElapsed, maxRetryAfter, budget } = this.#settings
    if (attempt > retries) return 'attempts'
    if (first.once) return 'once'
    const elapsed = maxElapsed === Infinity ? 0 : this.#clock.now() - started
    const own = this.#interval(attempt, last)
    return afterTry({ retries, maxElapsed, maxRetryAfter }, attempt, elapsed, own, askedWait(last.value, this.#clock.wall()), budget)
  }

  #interval(attempt: number, { failed, value }: Outcome): number {
    const { intervalFunction, waitDuration, backoff } = this.#settings
    if (intervalFunction === undefined) return waitDuration ?? Math.floor(this.#random() * backoffInterval(attempt, backoff, backoff * 10))
    const [error, result] = failed ? [value, undefined] : [undefined, value]
    return askForNumber(intervalFunction, -1, LONGEST_MS, attempt, error, result, this.#random)
  }

  #worthRetrying(first: Call, call: Call, level: number, error: unknown): boolean {
    return !first.overFor(level) && this.#classifier.error(error, call)
  }

  #wentWell(attempts: number, error: unknown): void {
    this.counts.numberOfTotalCalls++
    if (attempts === 1) this.counts.numberOfSuccessfulCallsWithoutRetryAttempt++
    else {
      this.counts.numberOfSuccessfulCallsWithRetryAttempt++
      if (this.#events.listening > 0) this.#events.emit('success', { attempts, error })
    }
  }

  /** Resilience4j counts an ignored error as failed without a retry, whatever was before it. What the caller gave up counts for nothing. */
  #ignore(first: Call, level: number, error: unknown, attempts: number): void {
    this.counts.numberOfTotalCalls++
    if (first.overFor(level)) return
    this.counts.numberOfFailedCallsWithoutRetryAttempt++
    if (this.#events.listening > 0) this.#events.emit('ignored', { attempts, error })
  }

  /** A call that used up its tries counts as failed with a retry, as with Resilience4j, even if it had only one. */
  #giveUp({ attempt }: Course, last: Outcome, because: Stop): unknown {
    this.counts.numberOfTotalCalls++
    this.counts.numberOfFailedCallsWithRetryAttempt++
    if (this.#events.listening > 0) this.#events.emit('error', { attempts: attempt, ...told(last), because })
    if (last.failed) return new Failure(last.value)
    if (this.#settings.failAfterMaxAttempts && because === 'attempts')
      throw new MaxRetriesExceededError(
        `retry${this.#name === '' ? '' : ` ${this.#name}`}: the result was still not good enough after ${attempt} ${attempt === 1 ? 'try' : 'tries'}`,
        { policy: this.#name, result: last.value },
      )
    return last.value
  }

  /** A result that is thrown away: whoever wants it may have it; the body of a response must not keep its connection. */
  #consume(attempt: number, result: unknown): void {
    guarded(this.#settings.consumeResultBeforeRetryAttempt ?? ((_attempt, value) => cancelBody(value)), attempt, result)
  }
}

function levelOf(pass: Pass): number {
  return typeof pass === 'number' ? pass : pass.level
}

function leave(call: Call, pass: Pass): void {
  if (typeof pass !== 'number') pass.counted?.leave(call.root)
}

function told({ failed, value }: Outcome): { error: unknown; result: unknown } {
  return { error: failed ? value : undefined, result: failed ? undefined : value }
}

/** Waits, or fails as soon as the call is given up; leaves neither timer nor listener. */
function pause(clock: Clock, call: Call, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (call.aborted) return reject(call.reason)
    const timer = clock.schedule(
      ms,
      () => {
        off()
        resolve()
      },
      KEEP_ALIVE,
    )
    const off = call.onAbort(reason => {
      timer.cancel()
      reject(reason)
    })
  })
}
