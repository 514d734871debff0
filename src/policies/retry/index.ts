/** Retry: tries again what failed, after a wait, as long as it is worth it. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { type Random, systemRandom } from '../../base/time/random.ts'
import { OptionsError } from '../../core/errors.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { retrySurprises } from '../../core/surprises/retry.ts'
import { LimitStep } from '../time-limiter/layer.ts'
import { MaxRetriesExceededError, RETRY_EVENTS, type RetryEvents, type RetryMetrics, RetryStep } from './layer.ts'
import { type RetryOptions, type RetrySettings, readRetryOptions } from './options.ts'

export type { RetryEvents, RetryMetrics, RetryOptions }
export { MaxRetriesExceededError }

export interface Retry<R = unknown> extends Policy<R, never>, Observable<RetryEvents> {
  readonly metrics: RetryMetrics
  /** Changes options, also for calls under way. Throws an OptionsError for a perTryTimeout that is new: it needs a place of its own. */
  update(options: RetryOptions<R>): void
}

/**
 * Makes a retry: by default two retries, waiting a random part of 25 ms, then of 50 ms. Rejections of other policies and the caller's
 * own abort are never retried.
 *
 * @throws OptionsError naming every wrong option, or when both `attempts` and `maxAttempts` are given.
 * @example
 * const again = retry({ attempts: 3, backoff: '1ms' })
 * const answer = await again.execute(async call => {
 *   if (call.attempt < 3) throw new Error('not yet')
 *   return `at try ${call.attempt}`
 * })
 * console.log(answer) // => at try 3
 */
export function retry<R = unknown>(
  options: RetryOptions<R> = {},
  around: { name?: string; clock?: Clock; random?: Random } = {},
): Retry<R> {
  const { name = '', clock = systemClock, random = systemRandom } = readAround(around, 'retry')
  let given = { ...options }
  const events = new Emitter<RetryEvents>('retry', RETRY_EVENTS)
  const step = new RetryStep(readRetryOptions(options), clock, random, events, name)
  const limit =
    step.settings.perTryTimeout === undefined
      ? undefined
      : new LimitStep(limitOf(step.settings), clock, UNHEARD, `retry${name === '' ? '' : ` ${name}`}: perTryTimeout`, name)

  const core = policy<R, never>('retry', name, limit === undefined ? step : [step, limit], () => described(step.settings), retrySurprises)
  const own = {
    on: events.on.bind(events),
    update(changed: RetryOptions<R>) {
      const merged = { ...given, ...changed }
      // A budget made from options is kept while nobody asks for another one: it knows who is under way.
      const settings = readRetryOptions(changed.retryBudget === undefined ? { ...merged, retryBudget: step.settings.budget } : merged)
      if (settings.perTryTimeout !== undefined && limit === undefined)
        throw new OptionsError('retry: perTryTimeout: can be changed only when it was given at the start (or put a timeLimiter inside)')
      if (limit !== undefined) limit.settings = limitOf(settings)
      step.update(settings)
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    metrics: { get: () => ({ ...step.counts }), enumerable: true },
  }) as unknown as Retry<R>
}

const UNHEARD = { answered() {}, failed() {}, timedOut() {} }

function limitOf({ perTryTimeout = Infinity }: RetrySettings) {
  return { timeoutDuration: perTryTimeout, cancelRunningFuture: true, cooperative: false }
}

/** `baseInterval`: the widest first wait, for whoever looks at the order of policies. */
function described({ retries, retryOn, budget, ...settings }: RetrySettings): Record<string, unknown> {
  return {
    ...settings,
    attempts: retries,
    retryOn: retryOn && [...retryOn.tokens, ...retryOn.codes].join(','),
    retryBudget: budget?.settings,
    baseInterval: settings.waitDuration ?? settings.backoff,
  }
}
