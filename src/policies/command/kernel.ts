/**
 * The breaker of Hystrix 1.5.18 and the figures it reads. It decides when somebody asks: the health of the last whole snapshots may open it; when open, one
 * call in each sleep window may test the callee, and each test pushes the window on, so a test that is lost never leaves it stuck.
 * Other than Hystrix, only a test closes it: a call admitted before the trip says nothing about the callee of now (A1).
 */
import { ClosedBuckets } from '../../base/stats/closed-buckets.ts'
import { type CommandEventType, EVENT_TYPES } from './events.ts'

export interface BreakerSettings {
  readonly enabled: boolean
  readonly requestVolumeThreshold: number
  readonly errorThresholdPercentage: number
  readonly sleepWindowInMilliseconds: number
  readonly forceOpen: boolean
  readonly forceClosed: boolean
}

export interface Health {
  readonly totalRequests: number
  readonly errorCount: number
  /** Whole percent, cut off. */
  readonly errorPercentage: number
}

const CODE = /* @__PURE__ */ numbered(EVENT_TYPES)
const FAILURES: readonly CommandEventType[] = ['FAILURE', 'TIMEOUT', 'THREAD_POOL_REJECTED', 'SEMAPHORE_REJECTED']

function numbered<T extends string>(names: readonly T[]): Record<T, number> {
  return Object.fromEntries(names.map((name, i) => [name, i])) as Record<T, number>
}

/** Events over the last whole buckets. */
export class EventCounts {
  readonly #buckets: ClosedBuckets

  constructor(timeInMilliseconds: number, numBuckets: number, now: number) {
    this.#buckets = new ClosedBuckets(EVENT_TYPES.length, numBuckets, timeInMilliseconds / numBuckets, now)
  }

  add(type: CommandEventType, now: number): void {
    this.#buckets.add(CODE[type], now)
  }

  count(type: CommandEventType, now: number): number {
    return this.#buckets.sum(CODE[type], now)
  }

  health(now: number): Health {
    const errorCount = FAILURES.reduce((sum, type) => sum + this.#buckets.sum(CODE[type], now), 0)
    const totalRequests = errorCount + this.#buckets.sum(CODE.SUCCESS, now)
    return { totalRequests, errorCount, errorPercentage: totalRequests === 0 ? 0 : Math.floor((errorCount * 100) / totalRequests) }
  }

  reset(now: number): void {
    this.#buckets.reset(now)
  }
}

export class CommandBreaker {
  settings: BreakerSettings
  readonly #health: EventCounts
  /** Since somebody asked when the health was bad, until a test succeeds. */
  open = false
  /** When it opened, or when it last let a test through. */
  #openedOrLastTested = 0
  /** Goes up when it opens and when it closes. A call carries the number under which it was admitted. */
  generation = 0

  constructor(settings: BreakerSettings, health: EventCounts) {
    this.settings = settings
    this.#health = health
  }

  /** Whether a call may be made. */
  allows(now: number): boolean {
    const { enabled, forceOpen, forceClosed, sleepWindowInMilliseconds } = this.settings
    if (!enabled) return true
    if (forceOpen) return false
    const open = this.isOpen(now) // asked even when closed by force, so that the figures go on as without it
    if (forceClosed || !open) return true
    if (now <= this.#openedOrLastTested + sleepWindowInMilliseconds) return false
    this.#openedOrLastTested = now
    return true
  }

  /** Whether it is open; asking may open it. */
  isOpen(now: number): boolean {
    if (this.open) return true
    const { totalRequests, errorPercentage } = this.#health.health(now)
    const { requestVolumeThreshold, errorThresholdPercentage } = this.settings
    if (totalRequests < requestVolumeThreshold || errorPercentage < errorThresholdPercentage) return false
    this.open = true
    this.#openedOrLastTested = now
    this.generation++
    return true
  }

  /** A call admitted under that generation succeeded. A test closes the breaker, which then begins anew. */
  succeeded(generation: number, now: number): void {
    if (!this.open || generation !== this.generation) return
    this.open = false
    this.generation++
    this.#health.reset(now)
  }

  /** ms until the next test may be made; 0 when it may now. */
  retryAfter(now: number): number | undefined {
    if (this.settings.forceOpen) return undefined
    return Math.max(0, this.#openedOrLastTested + this.settings.sleepWindowInMilliseconds - now)
  }
}
