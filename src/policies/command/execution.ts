/**
 * What happens to one call of a command, in Hystrix's order: breaker, semaphore or pool, time limit, work, fallback. Each step adds its event; the figures
 * take the whole list when the call is over.
 */
import type { Clock } from '../../base/time/clock.ts'
import { LONGEST_MS } from '../../base/time/duration.ts'
import type { CallOptions, CallView } from '../../core/call.ts'
import { BulkheadFullError, CircuitOpenError, reject, TimeLimitError } from '../../core/errors.ts'
import { askHook } from '../../core/hooks.ts'
import { pipeline } from '../../core/pipeline.ts'
import { type Bulkhead, bulkhead } from '../bulkhead/index.ts'
import { type TimeLimiter, timeLimiter } from '../time-limiter/index.ts'
import { CommandError, type CommandEventType, type FailureType, isBadRequestError } from './events.ts'
import { CommandBreaker, EventCounts } from './kernel.ts'
import type { CommandSettings } from './options.ts'

/** What a command asks of its user's code. */
export interface CommandHooks {
  getFallback?: ((error: unknown, args: readonly unknown[]) => unknown) | undefined
  isBadRequest?: ((error: unknown) => boolean) | undefined
  isNotWrapped?: ((error: unknown) => boolean) | undefined
  isUnrecoverable?: ((error: unknown) => boolean) | undefined
}

/** One call under way. */
export interface Execution {
  readonly work: (call: CallView) => unknown
  readonly args: readonly unknown[]
  readonly options: CallOptions | undefined
  /** In the order in which they happened. */
  readonly events: CommandEventType[]
  /** For listeners: happens now. */
  readonly happened: (type: CommandEventType, error?: unknown) => void
}

const WORDS = {
  COMMAND_EXCEPTION: 'failed',
  TIMEOUT: 'timed-out',
  SHORTCIRCUIT: 'short-circuited',
  REJECTED_THREAD_EXECUTION: 'could not be queued for execution',
  REJECTED_SEMAPHORE_EXECUTION: 'could not acquire a semaphore for execution',
} as const

export class CommandRunner {
  readonly name: string
  readonly breaker: CommandBreaker
  readonly health: EventCounts
  readonly rolling: EventCounts
  running = 0
  settings: CommandSettings
  readonly #clock: Clock
  readonly #hooks: CommandHooks
  readonly #pool: Bulkhead
  readonly #limit: TimeLimiter
  /** By these names limits that the work has of its own are told from ours. */
  readonly #limitName: string
  readonly #poolName: string
  #inSemaphore = 0
  #fallbacks = 0

  constructor(name: string, settings: CommandSettings, hooks: CommandHooks, clock: Clock) {
    const { rollingStats, healthSnapshot } = settings.metrics
    const span = rollingStats.timeInMilliseconds
    this.name = name
    this.settings = settings
    this.#hooks = hooks
    this.#clock = clock
    this.health = new EventCounts(span, span / healthSnapshot.intervalInMilliseconds, clock.now())
    this.rolling = new EventCounts(span, rollingStats.numBuckets, clock.now())
    this.breaker = new CommandBreaker(settings.circuitBreaker, this.health)
    this.#poolName = `pool of command ${name}`
    this.#pool = bulkhead(poolOptions(settings), { name: this.#poolName, clock })
    this.#limitName = `command ${name}`
    this.#limit = timeLimiter(limitOptions(settings), { name: this.#limitName, clock })
  }

  update(settings: CommandSettings): void {
    this.settings = settings
    this.breaker.settings = settings.circuitBreaker
    this.#pool.update(poolOptions(settings))
    this.#limit.update(limitOptions(settings))
  }

  async run(execution: Execution): Promise<unknown> {
    const { breaker } = this
    const now = this.#clock.now()
    if (!breaker.allows(now)) {
      const details = { policy: this.name, retryAfter: breaker.retryAfter(now) }
      const refusal = reject(CircuitOpenError, `circuit breaker of command ${this.name} is open and does not permit calls`, details)
      return this.#instead(execution, 'SHORT_CIRCUITED', 'SHORTCIRCUIT', refusal)
    }
    const { generation } = breaker
    const { strategy, semaphore } = this.settings.execution.isolation
    if (strategy === 'SEMAPHORE' && this.#inSemaphore >= semaphore.maxConcurrentRequests) {
      const message = `command ${this.name}: all ${semaphore.maxConcurrentRequests} places are taken`
      const refusal = reject(BulkheadFullError, message, { policy: this.name })
      return this.#instead(execution, 'SEMAPHORE_REJECTED', 'REJECTED_SEMAPHORE_EXECUTION', refusal)
    }
    let over = false
    const placed = (call: CallView) => {
      const leave = strategy === 'SEMAPHORE' ? this.#enterSemaphore() : this.#enterPool(call)
      if (typeof leave === 'function') return this.#inPlace(execution, call, leave)
      return leave.then(left => {
        if (!over && !call.signal.aborted) return this.#inPlace(execution, call, left)
        left() // its time was over, or its caller gone, before it was its turn
        throw call.signal.reason
      })
    }
    try {
      const { enabled } = this.settings.execution.timeout
      const value = await (enabled ? this.#limit : unlimited).execute(placed, execution.options)
      breaker.succeeded(generation, this.#clock.now())
      execution.happened('SUCCESS')
      return value
    } catch (error) {
      over = true
      if (execution.options?.signal?.aborted === true) {
        execution.happened('CANCELLED')
        throw error
      }
      if (error instanceof BulkheadFullError && error.policy === this.#poolName)
        return this.#instead(execution, 'THREAD_POOL_REJECTED', 'REJECTED_THREAD_EXECUTION', error)
      if (error instanceof TimeLimitError && error.policy === this.#limitName) return this.#instead(execution, 'TIMEOUT', 'TIMEOUT', error)
      return this.#failed(execution, error)
    }
  }

  #enterSemaphore(): () => void {
    this.#inSemaphore++
    return () => this.#inSemaphore--
  }

  #enterPool(call: CallView): (() => void) | Promise<() => void> {
    const slot = this.#pool.tryAcquire()
    if (slot !== undefined) return () => slot.release()
    return this.#pool.acquire({ signal: call.signal }).then(waited => () => waited.release())
  }

  /** Runs the work; its place is free when the work has really ended, which may be after its time. */
  async #inPlace(execution: Execution, call: CallView, leave: () => void): Promise<unknown> {
    this.running++
    try {
      return await execution.work(call)
    } finally {
      this.running--
      leave()
    }
  }

  #failed(execution: Execution, error: unknown): Promise<unknown> {
    const { isBadRequest = isBadRequestError, isNotWrapped, isUnrecoverable = isStackOverflow } = this.#hooks
    if (says(isBadRequest, error)) {
      execution.happened('BAD_REQUEST', error)
      throw error
    }
    if (isNotWrapped !== undefined && says(isNotWrapped, error)) {
      execution.happened('FAILURE', error)
      throw error
    }
    if (says(isUnrecoverable, error)) {
      execution.happened('FAILURE', error)
      throw this.#error(`${this.name} failed and encountered unrecoverable error.`, 'COMMAND_EXCEPTION', error)
    }
    return this.#instead(execution, 'FAILURE', 'COMMAND_EXCEPTION', error)
  }

  /** The fallback's answer, or an error that says why there was none. */
  async #instead(execution: Execution, type: CommandEventType, failureType: keyof typeof WORDS, cause: unknown): Promise<unknown> {
    execution.happened(type, cause)
    const { enabled, isolation } = this.settings.fallback
    const { getFallback } = this.#hooks
    const what = `${this.name} ${WORDS[failureType]}`
    if (!enabled) throw this.#error(`${what} and fallback disabled.`, failureType, cause)
    if (getFallback === undefined) {
      execution.happened('FALLBACK_MISSING', cause)
      throw this.#error(`${what} and no fallback available.`, failureType, cause)
    }
    if (this.#fallbacks >= isolation.semaphore.maxConcurrentRequests) {
      execution.happened('FALLBACK_REJECTION', cause)
      throw this.#error(`${this.name} fallback execution rejected.`, 'REJECTED_SEMAPHORE_FALLBACK', cause)
    }
    this.#fallbacks++
    try {
      const value = await getFallback(cause, execution.args)
      execution.happened('FALLBACK_SUCCESS')
      return value
    } catch (error) {
      execution.happened('FALLBACK_FAILURE', error)
      throw this.#error(`${what} and fallback failed.`, failureType, cause, error)
    } finally {
      this.#fallbacks--
    }
  }

  #error(message: string, failureType: FailureType, cause: unknown, fallbackError?: unknown): CommandError {
    return new CommandError(message, { command: this.name, failureType, cause, fallbackError })
  }
}

/** Runs without a time limit. */
const unlimited = /* @__PURE__ */ pipeline()

const poolOptions = ({ threadPool }: CommandSettings) => {
  const queueCapacity = Math.max(0, Math.min(threadPool.maxQueueSize, threadPool.queueSizeRejectionThreshold))
  return { maxConcurrentCalls: threadPool.coreSize, queueCapacity, maxWaitDuration: LONGEST_MS }
}

const limitOptions = ({ execution: { isolation } }: CommandSettings) => ({
  timeoutDuration: isolation.thread.timeoutInMilliseconds,
  cancelRunningFuture: isolation.thread.interruptOnTimeout,
})

/** A hook that throws is reported and says no. */
function says(hook: (error: unknown) => boolean, error: unknown): boolean {
  return Boolean(askHook(hook, false, error))
}

/** What Hystrix holds for unrecoverable in Java, as far as JavaScript has it. */
const isStackOverflow = (error: unknown) => error instanceof RangeError && /call stack/i.test(error.message)
