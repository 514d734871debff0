/** Fallback: another answer when the first one fails. */

import type { CallView } from '../../core/call.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { isPromiseLike } from '../../core/next.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { readOptions } from '../../core/schema/index.ts'
import { fallbackSurprises } from '../../core/surprises/fallback.ts'
import { type Answer, blame, FALLBACK_EVENTS, type FallbackEvents, FallbackStep } from './layer.ts'
import { type FallbackOptions, fallbackOptionsFields } from './options.ts'

export type { FallbackEvents, FallbackOptions }

export interface FallbackMetrics {
  /** Calls that needed no other answer. */
  readonly numberOfCallsWithoutFallback: number
  readonly numberOfSuccessfulFallbacks: number
  readonly numberOfFailedFallbacks: number
  /** Calls beyond `maxConcurrentCalls`. */
  readonly numberOfRejectedFallbacks: number
  /** Errors that `handle` does not mean. */
  readonly numberOfUnhandledErrors: number
  readonly concurrentFallbacks: number
}

export interface Fallback<A, R = unknown> extends Policy<R, A>, Observable<FallbackEvents> {
  readonly metrics: FallbackMetrics
  /** Changes options; the answer stays. */
  update(options: FallbackOptions<R>): void
}

/** What answers: gets the error (`undefined` for a bad result), a call of its own, and the bad result. */
export type Answering<A> = (error: unknown, call: CallView, result?: unknown) => A | PromiseLike<A>

/**
 * Makes a fallback. `answer` is called with the error, or is the value itself when it is no function. The caller's own abort is no
 * failure. When the fallback fails too, its error has the original one as its cause.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const breaker = circuitBreaker()
 * const guard = pipeline(fallback(() => [], { handle: CircuitOpenError }), breaker)
 * breaker.forceOpen()
 * console.log(await guard.execute(async () => [1])) // => []
 */
export function fallback<A, R = unknown>(answer: Answering<A>, options?: FallbackOptions<R>, around?: { name?: string }): Fallback<A, R>
export function fallback<A, R = unknown>(answer: A, options?: FallbackOptions<R>, around?: { name?: string }): Fallback<A, R>
export function fallback(answer: unknown, options: FallbackOptions<any> = {}, around: { name?: string } = {}): Fallback<any, any> {
  const { name = '' } = readAround(around, 'fallback')
  let given = { ...options }
  const read = (from: FallbackOptions<any>) => readOptions(fallbackOptionsFields, from, 'fallback')
  const events = new Emitter<FallbackEvents>('fallback', FALLBACK_EVENTS)
  const step = new FallbackStep(read(options), typeof answer === 'function' ? (answer as Answer) : () => answer, events, name)
  const core = policy<any, any>(
    'fallback',
    name,
    step,
    () => ({ ...step.settings, answer: typeof answer === 'function' ? 'function' : 'value' }),
    fallbackSurprises,
  )
  const own = {
    on: events.on.bind(events),
    update(changed: FallbackOptions<any>) {
      const merged = { ...given, ...changed }
      step.update(read(merged))
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    metrics: { get: () => metrics(step), enumerable: true },
  }) as unknown as Fallback<any, any>
}

/**
 * Several answers in a row: each is asked when the one before it failed, with that one's error, whose causes lead back to the first.
 *
 * @example
 * const askReplica = async () => {
 *   throw new Error('down too')
 * }
 * const guard = fallback(firstOf(askReplica, []))
 * console.log(await guard.execute(() => Promise.reject(new Error('down')))) // => []
 */
export function firstOf<A>(...answers: readonly (A | Answering<A>)[]): Answering<A> {
  const ask = (at: number, error: unknown, call: CallView, result: unknown): A | PromiseLike<A> => {
    const answer = answers[at]
    if (typeof answer !== 'function') return answer as A
    const next = (failure: unknown): A | PromiseLike<A> => {
      blame(failure, error)
      if (at + 1 >= answers.length) throw failure
      return ask(at + 1, failure, call, result)
    }
    try {
      const made = (answer as Answering<A>)(error, call, result)
      return isPromiseLike(made) ? made.then(undefined, next) : made
    } catch (failure) {
      return next(failure)
    }
  }
  return (error, call, result) => {
    if (answers.length === 0) throw error
    return ask(0, error, call, result)
  }
}

function metrics({ counts, answers }: FallbackStep): FallbackMetrics {
  return {
    numberOfCallsWithoutFallback: counts.unneeded,
    numberOfSuccessfulFallbacks: counts.successes,
    numberOfFailedFallbacks: counts.failures,
    numberOfRejectedFallbacks: counts.rejections,
    numberOfUnhandledErrors: counts.unhandled,
    concurrentFallbacks: answers.underWay,
  }
}
