/** Hears that a call failed, and has it answered otherwise. */
import type { Call, CallView } from '../../core/call.ts'
import { BulkheadFullError, reject } from '../../core/errors.ts'
import type { Emitter, EventNames } from '../../core/events.ts'
import { isPromiseLike } from '../../core/next.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { Answers, handler, says } from './kernel.ts'
import type { FallbackSettings } from './options.ts'

export interface FallbackEvents {
  /** A call is answered otherwise, because of its `error` or of its bad `result`. */
  fallback: { error: unknown; result: unknown }
  /** The other answer was given. */
  success: { error: unknown; result: unknown }
  /** The fallback failed too: with `failure`, after `error`. */
  failure: { failure: unknown; error: unknown; result: unknown }
  /** Too many answers were under way. */
  rejected: { error: unknown; result: unknown; underWay: number }
}
export const FALLBACK_EVENTS: EventNames<FallbackEvents> = { fallback: 1, success: 1, failure: 1, rejected: 1 }

/** The answer itself, or what makes it. */
export type Answer = (error: unknown, call: CallView, result: unknown) => unknown

export class FallbackStep implements Step<number> {
  readonly counts = { unneeded: 0, fallbacks: 0, successes: 0, failures: 0, rejections: 0, unhandled: 0 }
  readonly answers: Answers
  #settings: FallbackSettings
  #handles: (error: unknown) => boolean
  readonly #answer: Answer
  readonly #events: Emitter<FallbackEvents>
  readonly #name: string

  constructor(settings: FallbackSettings, answer: Answer, events: Emitter<FallbackEvents>, name: string) {
    this.#settings = settings
    this.#handles = handler(settings.handle)
    this.#answer = answer
    this.#events = events
    this.#name = name
    this.answers = new Answers(settings.maxConcurrentCalls ?? Infinity)
  }

  get settings(): FallbackSettings {
    return this.#settings
  }

  update(settings: FallbackSettings): void {
    this.#handles = handler(settings.handle)
    this.#settings = settings
    this.answers.limit = settings.maxConcurrentCalls ?? Infinity
  }

  /** It goes on after a call was given up further in, so it counts as one of those that must know where an abort came from. */
  admit(call: Call): number {
    return ++call.level
  }

  answered(call: Call, _level: number, value: unknown): unknown {
    const { handleResult } = this.#settings
    if (handleResult !== undefined && says(handleResult, value)) return this.#instead(call, undefined, value)
    this.counts.unneeded++
    return value
  }

  failed(call: Call, level: number, error: unknown): unknown {
    if (call.overFor(level)) return GOES_ON
    if (this.#handles(error)) return this.#instead(call, error, undefined)
    this.counts.unhandled++
    return GOES_ON
  }

  #instead(call: Call, error: unknown, result: unknown): unknown {
    const { answers } = this
    if (!answers.enter()) {
      this.counts.rejections++
      if (this.#events.listening > 0) this.#events.emit('rejected', { error, result, underWay: answers.underWay })
      const who = `fallback${this.#name === '' ? '' : ` ${this.#name}`}`
      const options = { policy: this.#name, ...(error === undefined ? {} : { cause: error }) }
      throw reject(BulkheadFullError, `${who} is full: ${answers.underWay} of ${answers.limit} answers are under way`, options)
    }
    this.counts.fallbacks++
    if (this.#events.listening > 0) this.#events.emit('fallback', { error, result })
    // The call may have been aborted, by a time limit for example: its answer gets a signal of its own.
    const own = call.again()
    own.attempt = call.attempt
    try {
      const made = this.#answer(error, own, result)
      if (!isPromiseLike(made)) return this.#succeeded(own, made, error, result)
      return made.then(
        value => this.#succeeded(own, value, error, result),
        failure => this.#failed(own, failure, error, result),
      )
    } catch (failure) {
      return this.#failed(own, failure, error, result)
    }
  }

  #succeeded(own: Call, value: unknown, error: unknown, result: unknown): unknown {
    this.answers.leave()
    own.end()
    this.counts.successes++
    if (this.#events.listening > 0) this.#events.emit('success', { error, result })
    return value
  }

  #failed(own: Call, failure: unknown, error: unknown, result: unknown): never {
    this.answers.leave()
    own.end()
    this.counts.failures++
    if (this.#events.listening > 0) this.#events.emit('failure', { failure, error, result })
    blame(failure, error)
    throw failure
  }
}

/** The original error becomes the cause of the fallback's own, unless that one knows a cause or cannot be changed. */
export function blame(failure: unknown, error: unknown): void {
  if (!(failure instanceof Error) || failure === error || error === undefined || failure.cause !== undefined) return
  if (Object.isExtensible(failure))
    Object.defineProperty(failure, 'cause', { value: error, writable: true, configurable: true, enumerable: false })
}
