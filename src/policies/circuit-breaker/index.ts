/** A circuit breaker: stops calling what keeps failing, and finds out by a few probes when it is well again. */
import { type Clock, systemClock, type Timer } from '../../base/time/clock.ts'
import { type Duration, toMs } from '../../base/time/duration.ts'
import { type Random, systemRandom } from '../../base/time/random.ts'
import { CircuitOpenError, isRejection, reject } from '../../core/errors.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { isPromiseLike, type Layer } from '../../core/layer.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readOptions } from '../../core/schema/index.ts'
import { BreakerKernel, type BreakerMetrics } from './kernel.ts'
import { type CircuitBreakerOptions, circuitBreakerFields } from './options.ts'
import type { State } from './transitions.ts'

export type { BreakerMetrics, CircuitBreakerOptions, State }

export interface CircuitBreakerEvents {
  success: { durationMs: number }
  error: { error: unknown; durationMs: number }
  ignored: { error: unknown; durationMs: number }
  notPermitted: { state: State }
  failureRateExceeded: { rate: number }
  slowCallRateExceeded: { rate: number }
  transition: { from: State; to: State; at: number }
  reset: { at: number }
}

/** The right to make one call. The first of its methods counts, the others do nothing. */
export interface Permit {
  /** It ended well; `recordResult` may still call it a failure. `durationMs`: default the time since the permit was given. */
  succeed(result?: unknown, durationMs?: number): void
  fail(error: unknown, durationMs?: number): void
  /** It counts for nothing. */
  release(): void
}

export interface CircuitBreaker<R = unknown> extends Policy<R, never>, Observable<CircuitBreakerEvents> {
  readonly state: State
  readonly metrics: BreakerMetrics
  /** A permit, or `undefined` when the call must not be made. */
  tryAcquire(): Permit | undefined
  /** Refuses everything until another state is chosen. */
  forceOpen(): void
  /** Lets everything pass and counts nothing, until another state is chosen. */
  disable(): void
  /** Counts, but never opens, until another state is chosen. */
  metricsOnly(): void
  /** Opens now; `for`: instead of the configured wait. Throws a `RangeError` from METRICS_ONLY. */
  open(options?: { for?: Duration }): void
  close(): void
  /** Throws a `RangeError` from CLOSED and METRICS_ONLY. */
  halfOpen(): void
  /** CLOSED with an empty window, from any state. */
  reset(): void
  /** Changes options; what was counted stays. */
  update(options: CircuitBreakerOptions<R>): void
  /** The state with remaining times, for `restore`. */
  toJSON(): BreakerState
}

export interface BreakerState {
  state: State
  attempts: number
  /** ms that the state still lasts; absent when it has no end. */
  remaining?: number
  /** Wall clock time of this record, ms since the epoch. */
  at: number
}

export interface BreakerSurroundings {
  name?: string | undefined
  clock?: Clock | undefined
  random?: Random | undefined
  /** A state saved by `toJSON`; the time since then is taken off what remained. */
  restore?: BreakerState | undefined
}

/**
 * Makes a circuit breaker with Resilience4j's options and rules.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const breaker = circuitBreaker({ failureRateThreshold: 50, waitDurationInOpenState: '60s' })
 * await breaker.execute(call => fetch(url, { signal: call.signal }))
 */
export function circuitBreaker<R = unknown>(options: CircuitBreakerOptions<R> = {}, around: BreakerSurroundings = {}): CircuitBreaker<R> {
  const { name = '', clock = systemClock, random = systemRandom } = around
  let given = options
  const events = new Emitter<CircuitBreakerEvents>()
  let timer: Timer | undefined
  const kernel = new BreakerKernel(readOptions(circuitBreakerFields, options, 'circuitBreaker'), clock.now(), random, {
    transition: (from, to) => {
      if (events.hears('transition')) events.emit('transition', { from, to, at: clock.wall() })
    },
    rateExceeded: (kind, rate) => events.emit(kind, { rate }),
  })
  const arm = () => {
    timer?.cancel()
    timer = undefined
    if (kernel.until === Infinity || (kernel.state === 'OPEN' && !kernel.settings.automaticTransitionFromOpenToHalfOpenEnabled)) return
    timer = clock.schedule(kernel.until - clock.now(), () => {
      kernel.due(clock.now())
      arm()
    })
  }
  let armed = 0
  /** Timers follow the state. */
  const follow = () => {
    if (armed === kernel.generation) return
    armed = kernel.generation
    arm()
  }
  const { restore } = around
  if (restore !== undefined) {
    const remaining = restore.remaining === undefined ? undefined : Math.max(0, restore.remaining - Math.max(0, clock.wall() - restore.at))
    if (restore.state === 'OPEN') kernel.to('OPEN', clock.now(), remaining)
    else if (restore.state === 'HALF_OPEN') {
      kernel.to('OPEN', clock.now(), 0)
      kernel.to('HALF_OPEN', clock.now())
    } else if (restore.state !== 'CLOSED') kernel.to(restore.state, clock.now())
    kernel.attempts = restore.attempts
  }
  arm()
  armed = kernel.generation

  const silent = () => kernel.state === 'DISABLED' || kernel.state === 'FORCED_OPEN'
  const succeeded = (generation: number, result: unknown, ms: number, now: number) => {
    const { recordResult, slowCallDurationThreshold } = kernel.settings
    const failed = recordResult !== undefined && result !== null && result !== undefined && recordResult(result)
    if (events.listening > 0 && !silent())
      failed ? events.emit('error', { error: result, durationMs: ms }) : events.emit('success', { durationMs: ms })
    kernel.record(generation, failed, ms > slowCallDurationThreshold, now)
    follow()
  }
  const failedWith = (generation: number, error: unknown, ms: number, now: number) => {
    const { ignoreException, recordException, slowCallDurationThreshold } = kernel.settings
    if (ignoreException?.(error)) {
      if (events.listening > 0 && !silent()) events.emit('ignored', { error, durationMs: ms })
      return kernel.release(generation)
    }
    const failed = recordException === undefined || recordException(error)
    if (events.listening > 0 && !silent())
      failed ? events.emit('error', { error, durationMs: ms }) : events.emit('success', { durationMs: ms })
    kernel.record(generation, failed, ms > slowCallDurationThreshold, now)
    follow()
  }
  const acquire = (now: number): boolean => {
    const permitted = kernel.acquire(now)
    follow()
    if (!permitted && events.listening > 0 && kernel.state !== 'FORCED_OPEN') events.emit('notPermitted', { state: kernel.state })
    return permitted
  }
  const refuse = () => {
    const wait = kernel.state === 'OPEN' ? Math.max(0, kernel.until - clock.now()) : undefined
    return reject(
      CircuitOpenError,
      `circuit breaker${name === '' ? '' : ` ${name}`} is ${kernel.state} and does not permit further calls`,
      { policy: name, retryAfter: wait },
    )
  }

  const layer: Layer = next => call => {
    const start = clock.now()
    if (!acquire(start)) throw refuse()
    const { generation } = kernel
    const fail = (error: unknown) => {
      if (isRejection(error) || call.abortedByCaller) kernel.release(generation)
      else {
        const now = clock.now()
        failedWith(generation, error, now - start, now)
      }
    }
    let result: any
    try {
      result = next(call)
    } catch (error) {
      fail(error)
      throw error
    }
    if (!isPromiseLike(result)) {
      const now = clock.now()
      succeeded(generation, result, now - start, now)
      return result
    }
    return result.then(
      (value: any) => {
        const now = clock.now()
        succeeded(generation, value, now - start, now)
        return value
      },
      (error: unknown) => {
        fail(error)
        throw error
      },
    )
  }
  const by = (state: State, forMs?: number) => {
    kernel.to(state, clock.now(), forMs)
    follow()
  }
  const core = policy<R, never>('circuitBreaker', name, layer, () => ({ kind: 'circuitBreaker', name, options: { ...kernel.settings } }))
  return Object.defineProperties(
    Object.assign(core, {
      on: events.on.bind(events),
      tryAcquire(): Permit | undefined {
        const start = clock.now()
        if (!acquire(start)) return undefined
        const { generation } = kernel
        let settled = false
        const once = () => !settled && (settled = true)
        return {
          succeed(result?: unknown, durationMs?: number) {
            const now = clock.now()
            if (once()) succeeded(generation, result, durationMs ?? now - start, now)
          },
          fail(error: unknown, durationMs?: number) {
            const now = clock.now()
            if (once()) failedWith(generation, error, durationMs ?? now - start, now)
          },
          release() {
            if (once()) kernel.release(generation)
          },
        }
      },
      forceOpen: () => by('FORCED_OPEN'),
      disable: () => by('DISABLED'),
      metricsOnly: () => by('METRICS_ONLY'),
      open: (o?: { for?: Duration }) => by('OPEN', o?.for === undefined ? undefined : toMs(o.for, 'open.for')),
      close: () => by('CLOSED'),
      halfOpen: () => by('HALF_OPEN'),
      reset() {
        kernel.reset(clock.now())
        follow()
        events.emit('reset', { at: clock.wall() })
      },
      update(changed: CircuitBreakerOptions<R>) {
        given = { ...given, ...changed }
        kernel.update(readOptions(circuitBreakerFields, given, 'circuitBreaker'), clock.now())
      },
      toJSON: (): BreakerState => ({
        state: kernel.state,
        attempts: kernel.attempts,
        ...(kernel.until === Infinity ? {} : { remaining: Math.max(0, kernel.until - clock.now()) }),
        at: clock.wall(),
      }),
    }),
    { state: { get: () => kernel.state, enumerable: true }, metrics: { get: () => kernel.metrics(clock.now()), enumerable: true } },
  ) as unknown as CircuitBreaker<R>
}
