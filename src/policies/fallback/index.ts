/** Fallback: another answer when the first one fails. */
import type { Call, CallView } from '../../core/call.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { isPromiseLike } from '../../core/layer.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { GOES_ON, type Step } from '../../core/step.ts'

export interface FallbackEvents {
  fallback: { error: unknown }
}

export interface FallbackOptions {
  name?: string
  /** Which errors are answered for. Default: all. */
  on?: (error: unknown) => boolean
}

export interface Fallback<A> extends Policy<unknown, A>, Observable<FallbackEvents> {}

/**
 * Makes a fallback. `answer` is called with the error, or is the value itself when it is no function. The caller's own abort is no
 * failure. When the fallback fails too, its error has the original one as its cause.
 *
 * @example
 * const guard = pipeline(fallback(() => []), circuitBreaker())
 */
export function fallback<A>(answer: (error: unknown, call: CallView) => A | PromiseLike<A>, options?: FallbackOptions): Fallback<A>
export function fallback<A>(answer: A, options?: FallbackOptions): Fallback<A>
export function fallback<A>(answer: unknown, options: FallbackOptions = {}): Fallback<A> {
  const { name = '', on } = options
  const events = new Emitter<FallbackEvents>()
  const instead = (error: unknown, call: Call): any => {
    if (call.abortedByCaller || on?.(error) === false) return GOES_ON
    if (events.listening > 0) events.emit('fallback', { error })
    if (typeof answer !== 'function') return answer
    const blame = (own: unknown): never => {
      if (own instanceof Error && own !== error && own.cause === undefined) own.cause = error
      throw own
    }
    try {
      const made = (answer as (error: unknown, call: CallView) => any)(error, call)
      return isPromiseLike(made) ? made.then(undefined, blame) : made
    } catch (own) {
      return blame(own)
    }
  }
  const step: Step<void> = {
    admit() {},
    answered: (_call, _pass, value) => value,
    failed: (call, _pass, error) => instead(error, call),
  }
  return Object.assign(
    policy<unknown, A>('fallback', name, step, () => ({ kind: 'fallback', name, options: {} })),
    { on: events.on.bind(events) },
  ) as unknown as Fallback<A>
}
