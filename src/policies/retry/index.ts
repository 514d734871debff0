/** Retry: tries again what failed, after a wait, as long as it is worth it. */
import { type Clock, KEEP_ALIVE, systemClock } from '../../base/time/clock.ts'
import { type Random, systemRandom } from '../../base/time/random.ts'
import type { Call } from '../../core/call.ts'
import { isRejection, OptionsError } from '../../core/errors.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import type { Next } from '../../core/layer.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readOptions } from '../../core/schema/index.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { backoffInterval } from './kernel.ts'
import { type RetryOptions, type RetrySettings, retryFields } from './options.ts'

export type { RetryOptions }

export interface RetryEvents {
  retry: { attempt: number; waitMs: number; error: unknown }
  success: { attempts: number }
  error: { attempts: number; error: unknown }
}

export interface Retry extends Policy, Observable<RetryEvents> {
  readonly metrics: {
    readonly numberOfSuccessfulCallsWithoutRetryAttempt: number
    readonly numberOfSuccessfulCallsWithRetryAttempt: number
    readonly numberOfFailedCallsWithoutRetryAttempt: number
    readonly numberOfFailedCallsWithRetryAttempt: number
  }
  update(options: RetryOptions): void
}

/** How a try ended: with an error, or with a result. */
interface Outcome {
  readonly failed: boolean
  readonly outcome: unknown
}

/** A result stayed bad through every try. */
export class MaxRetriesExceededError extends Error {
  override readonly name = 'MaxRetriesExceededError'
  readonly code = 'ERR_MAX_RETRIES'
}

/**
 * Makes a retry: by default two retries, waiting a random part of 25 ms, then of 50 ms. Rejections of other policies and the caller's
 * own abort are never retried.
 *
 * @throws OptionsError naming every wrong option, or when both `attempts` and `maxAttempts` are given.
 * @example
 * await retry({ attempts: 3, backoff: '50ms' }).execute(() => load())
 */
export function retry(options: RetryOptions = {}, around: { name?: string; clock?: Clock; random?: Random } = {}): Retry {
  const { name = '', clock = systemClock, random = systemRandom } = around
  let given = options
  let settings = check(options)
  const events = new Emitter<RetryEvents>()
  const metrics = {
    numberOfSuccessfulCallsWithoutRetryAttempt: 0,
    numberOfSuccessfulCallsWithRetryAttempt: 0,
    numberOfFailedCallsWithoutRetryAttempt: 0,
    numberOfFailedCallsWithRetryAttempt: 0,
  }
  let running = 0
  let retrying = 0

  const affordable = () => {
    const budget = settings.retryBudget
    return budget === undefined || retrying < Math.max(Math.trunc((budget.percent / 100) * running), budget.minRetryConcurrency)
  }
  const waitAfter = (attempt: number, outcome: unknown): number => {
    const { intervalFunction, waitDuration, backoff } = settings
    const own =
      intervalFunction !== undefined
        ? intervalFunction(attempt, outcome)
        : waitDuration !== undefined
          ? waitDuration
          : Math.floor(random() * backoffInterval(attempt, backoff, backoff * 10))
    const asked = (outcome as { retryAfter?: number } | undefined)?.retryAfter
    return own < 0 || typeof asked !== 'number' ? own : Math.max(own, asked)
  }
  const worthRetrying = (error: unknown, call: Call): boolean => {
    if (call.abortedByCaller || isRejection(error) || settings.ignoreException?.(error)) return false
    return settings.retryOnException === undefined || settings.retryOnException(error)
  }
  /** ms to wait before the next try, or -1 for none. */
  const next = (attempt: number, outcome: unknown, started: number): number => {
    if (attempt > retriesOf(settings) || !affordable()) return -1
    const wait = waitAfter(attempt, outcome)
    if (wait < 0 || (settings.maxElapsed !== undefined && clock.now() - started + wait > settings.maxElapsed)) return -1
    return wait
  }
  const pause = (call: Call, ms: number) =>
    new Promise<void>((resolve, reject) => {
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
  const good = (value: unknown, attempt: number) => {
    running--
    if (attempt === 1) metrics.numberOfSuccessfulCallsWithoutRetryAttempt++
    else metrics.numberOfSuccessfulCallsWithRetryAttempt++
    if (events.listening > 0) events.emit('success', { attempts: attempt })
    return value
  }
  const bad = (error: unknown, attempt: number) => {
    running--
    if (attempt === 1) metrics.numberOfFailedCallsWithoutRetryAttempt++
    else metrics.numberOfFailedCallsWithRetryAttempt++
    if (events.listening > 0) events.emit('error', { attempts: attempt, error })
  }
  /** Whether the outcome of a try asks for another one. */
  const wanted = (last: Outcome, call: Call): boolean =>
    last.failed ? worthRetrying(last.outcome, call) : settings.retryOnResult?.(last.outcome) === true
  /** Tries again until an outcome is good enough, or there are no more tries. */
  const again = async (first: Call, failure: Outcome, started: number, rest: Next): Promise<unknown> => {
    let last = failure
    let call = first
    for (let attempt = 1; ; attempt++) {
      const { failed, outcome } = last
      if (!wanted(last, call)) {
        if (!failed) return good(outcome, attempt)
        bad(outcome, attempt)
        throw outcome
      }
      const wait = next(attempt, outcome, started)
      if (wait < 0) {
        if (!failed && !settings.failAfterMaxAttempts) {
          running--
          metrics.numberOfFailedCallsWithRetryAttempt++
          return outcome
        }
        const error = failed
          ? outcome
          : new MaxRetriesExceededError(`retry${name === '' ? '' : ` ${name}`} has exhausted all attempts (${attempt})`)
        bad(error, attempt)
        throw error
      }
      if (events.listening > 0) events.emit('retry', { attempt, waitMs: wait, error: failed ? outcome : undefined })
      retrying++
      call = first.again()
      call.attempt = attempt + 1
      try {
        await pause(call, wait)
        last = { failed: false, outcome: await rest(call) }
      } catch (error) {
        last = { failed: true, outcome: error }
      } finally {
        retrying--
        call.end()
      }
    }
  }
  const step: Step<number> = {
    admit() {
      running++
      return settings.maxElapsed === undefined ? 0 : clock.now()
    },
    answered(call, started, value, run) {
      if (settings.retryOnResult?.(value) !== true) return good(value, 1)
      return again(call, { failed: false, outcome: value }, started, run.rest(step))
    },
    failed(call, started, error, run) {
      if (worthRetrying(error, call)) return again(call, { failed: true, outcome: error }, started, run.rest(step))
      bad(error, 1)
      return GOES_ON
    },
  }
  return Object.assign(
    policy('retry', name, step, () => ({
      kind: 'retry',
      name,
      options: { ...settings, attempts: retriesOf(settings), baseInterval: settings.waitDuration ?? settings.backoff },
    })),
    {
      on: events.on.bind(events),
      metrics,
      update(changed: RetryOptions) {
        given = { ...given, ...changed }
        settings = check(given)
      },
    },
  ) as unknown as Retry
}

const retriesOf = (settings: RetrySettings) => settings.attempts ?? (settings.maxAttempts === undefined ? 2 : settings.maxAttempts - 1)

function check(options: RetryOptions): RetrySettings {
  const settings = readOptions(retryFields, options, 'retry')
  if (settings.attempts !== undefined && settings.maxAttempts !== undefined)
    throw new OptionsError('retry: attempts (retries, as in Istio) and maxAttempts (tries in all, as in Resilience4j) cannot both be given')
  return settings
}
