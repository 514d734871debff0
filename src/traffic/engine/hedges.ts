/** The hedge block at work on one request: when another try is started beside those that run, and what that may cost. */
import { KEEP_ALIVE, type Timer } from '../../base/time/clock.ts'
import type { WireBody } from '../../core/transport.ts'
import type { Hedging } from '../../policies/hedge/layer.ts'
import type { Host } from '../upstream/host.ts'
import type { Begun } from './beside.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import { repeatable } from './recorded-body.ts'

/** Whether two may send the request at once: it is safe to repeat, and its body is at hand. */
export function mayHedge({ settings }: Hedging, method: string, body: WireBody | undefined, limit: number): boolean {
  return settings.methods.has(method) && (body === undefined || body.bytes !== undefined) && repeatable(body, limit)
}

export class Hedges {
  readonly #hedging: Hedging
  readonly #cluster: ClusterRuntime
  readonly #start: () => void
  #left: number
  #hedged = false
  #starting = false
  #timer: Timer | undefined

  /** `start`: sends another try. */
  constructor(hedging: Hedging, cluster: ClusterRuntime, start: () => void) {
    this.#hedging = hedging
    this.#cluster = cluster
    this.#start = start
    this.#left = hedging.settings.maxHedgedRequests
    hedging.counts.calls++
  }

  /** A try has been sent: unless there is an answer in time, another one follows. */
  arm(now: number): void {
    this.#timer?.cancel()
    const delay = this.#left === 0 ? undefined : this.#hedging.delay(now)
    this.#timer = delay === undefined ? undefined : this.#cluster.clock.schedule(delay, () => this.#due(), KEEP_ALIVE)
  }

  disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Whether the try that begins just now is one of these. */
  get starting(): boolean {
    return this.#starting
  }

  #due(): void {
    this.#timer = undefined
    const { counts } = this.#hedging
    const { stats, limits } = this.#cluster
    if (!limits.takeRetry()) {
      counts.refused++
      stats.upstream_rq_hedge_overflow++
      return
    }
    this.#left--
    counts.hedges++
    stats.upstream_rq_hedge++
    if (!this.#hedged) counts.hedgedCalls++
    this.#hedged = true
    this.#starting = true
    this.#start()
    this.#starting = false
  }

  /** A good answer came, from this try. */
  answered(begun: Begun | undefined, now: number): void {
    if (begun === undefined) return
    this.#hedging.timed(now - begun.at, now)
    if (!begun.hedge) return
    this.#hedging.counts.wonByHedge++
    this.#cluster.stats.upstream_rq_hedge_success++
  }

  failed(): void {
    this.#hedging.counts.failedCalls++
  }
}

/** So often it is looked again for a host that was not asked yet; a balancer leaves one out only a few times. */
const LOOKS = 4

/** A host that was not asked yet, as far as there is one. */
export function elsewhere(tried: readonly Host[], choose: () => Host | undefined): Host | undefined {
  let host = choose()
  for (let i = 1; i < LOOKS && host !== undefined && tried.includes(host); i++) host = choose()
  return host
}
