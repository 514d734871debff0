/**
 * Whether a failed try is followed by another one, as Envoy's retry state decides: wanted, allowed, affordable; and the wait before it.
 * A request that meets no trouble has none of this.
 */
import { getHeader } from '../../base/formats/headers.ts'
import { KEEP_ALIVE, type Timer } from '../../base/time/clock.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { WireBody, WireResponse } from '../../core/transport.ts'
import { backoffInterval, shouldRetryResponse } from '../../policies/retry/kernel.ts'
import type { CompiledRetry } from '../routing/compiled-route.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { Engine } from './engine.ts'
import { repeatable } from './recorded-body.ts'

/** Whose tries they are. */
interface Retried {
  readonly outcome: Outcome
  readonly body: WireBody | undefined
  flag(flag: string): void
}

/** Whether the route wants another try after this response. */
export function wantsAnother({ retryOn, retriableHeaders }: CompiledRetry, response: WireResponse): boolean {
  const header = (name: string) => getHeader(response.headers, name)
  if (shouldRetryResponse(retryOn, response.status, header)) return true
  return (
    retriableHeaders !== undefined && retryOn.tokens.has('retriable-headers') && retriableHeaders.some(name => header(name) !== undefined)
  )
}

/** Envoy waits for nothing after a 425 that its list names: the next try is a plain request, not an early one. */
export function isTooEarly({ retryOn }: CompiledRetry, { status }: WireResponse): boolean {
  return status === 425 && retryOn.codes.has(status)
}

export class Retries {
  readonly #engine: Engine
  readonly #cluster: ClusterRuntime
  readonly #retry: CompiledRetry | undefined
  readonly #of: Retried
  #left: number
  #hasSlot = false
  #before = false
  #timer: Timer | undefined

  constructor(engine: Engine, cluster: ClusterRuntime, retry: CompiledRetry | undefined, of: Retried) {
    this.#engine = engine
    this.#cluster = cluster
    this.#retry = retry
    this.#of = of
    this.#left = retry?.numRetries ?? 0
  }

  /** A slot that the last retry held is given back first. */
  may(wanted: boolean): boolean {
    const { stats, limits } = this.#cluster
    if (this.#before && !wanted) stats.upstream_rq_retry_success++
    this.giveSlot()
    if (!wanted || !repeatable(this.#of.body, this.#engine.retryBufferLimit)) return false
    if (this.#left === 0) {
      stats.upstream_rq_retry_limit_exceeded++
      this.#of.flag('URX')
      return false
    }
    this.#left--
    if (!limits.takeRetry()) {
      stats.upstream_rq_retry_overflow++
      this.#of.flag('UO')
      return false
    }
    this.#hasSlot = true
    this.#before = true
    stats.upstream_rq_retry++
    return true
  }

  /** Between two tries. */
  get waiting(): boolean {
    return this.#timer !== undefined
  }

  /** `atOnce`: without the back-off. */
  wait(again: () => void, atOnce: boolean): void {
    const { clock } = this.#engine
    const wait = atOnce ? 0 : this.#backOff()
    const passed = () => {
      this.#timer = undefined
      again()
    }
    this.#timer = clock.schedule(wait, passed, KEEP_ALIVE)
  }

  #backOff(): number {
    const { baseInterval, maxInterval } = this.#retry!
    this.#cluster.stats.upstream_rq_retry_backoff_exponential++
    return Math.floor(this.#engine.random() * backoffInterval(this.#of.outcome.attempts, baseInterval, maxInterval))
  }

  stopWaiting(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  giveSlot(): void {
    if (!this.#hasSlot) return
    this.#hasSlot = false
    this.#cluster.limits.retries.give()
  }

  end(): void {
    this.giveSlot()
    this.stopWaiting()
  }
}
