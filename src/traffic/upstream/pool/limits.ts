/** Envoy's limits of a cluster ("circuit breakers" in its configuration): counted per cluster, shared by the pools of its hosts, read live. */
import type { ResetReason } from '../../../core/transport.ts'
import type { CircuitBreakerThresholds } from '../../../envoy/index.ts'

/** One limit and its use. */
export class Resource {
  used = 0
  max: number

  constructor(max: number) {
    this.max = max
  }

  get open(): boolean {
    return this.used >= this.max
  }

  tryTake(): boolean {
    if (this.used >= this.max) return false
    this.used++
    return true
  }

  /** Takes even beyond the limit: the one connection that a host without any may always have. */
  take(): void {
    this.used++
  }

  give(): void {
    this.used--
  }
}

/** What a limit is under Istio when nobody set it. */
const UNLIMITED = 4_294_967_295

export class ClusterLimits {
  readonly connections = new Resource(UNLIMITED)
  readonly pending = new Resource(UNLIMITED)
  readonly requests = new Resource(UNLIMITED)
  readonly retries = new Resource(UNLIMITED)
  readonly stats = new PoolStats()
  /** Requests that have failed and are being judged: Envoy lets go of them afterwards, so that a budget of retries still counts them. */
  failing = 0
  #budget: { percent: number; min: number } | undefined
  #tracksRemaining = false

  update(thresholds: CircuitBreakerThresholds | undefined): void {
    this.connections.max = thresholds?.maxConnections ?? UNLIMITED
    this.pending.max = thresholds?.maxPendingRequests ?? UNLIMITED
    this.requests.max = thresholds?.maxRequests ?? UNLIMITED
    this.retries.max = thresholds?.maxRetries ?? UNLIMITED
    const budget = thresholds?.retryBudget
    this.#budget = budget === undefined ? undefined : { percent: budget.budgetPercent?.value ?? 20, min: budget.minRetryConcurrency ?? 3 }
    this.#tracksRemaining = thresholds?.trackRemaining === true
  }

  /** How many retries may run now: a share of what runs and waits when there is a budget, else the limit. */
  get mostRetries(): number {
    const budget = this.#budget
    if (budget === undefined) return this.retries.max
    return Math.max(Math.trunc((budget.percent / 100) * (this.requests.used + this.pending.used + this.failing)), budget.min)
  }

  /** Room for one more retry. */
  takeRetry(): boolean {
    if (this.retries.used >= this.mostRetries) return false
    this.retries.take()
    return true
  }

  /** Counters and gauges under Envoy's names. */
  snapshot(): { [name: string]: number } {
    const gauges: { [name: string]: number } = {
      ...this.stats,
      upstream_cx_active: this.connections.used,
      upstream_rq_active: this.requests.used,
      upstream_rq_pending_active: this.pending.used,
    }
    // A retry budget moves no gauge: Envoy's compares with the limit beside it, and shows nothing as remaining.
    const limits = [
      ['cx', 'cx', this.connections],
      ['rq_pending', 'pending', this.pending],
      ['rq', 'rq', this.requests],
      ['rq_retry', 'retries', this.retries],
    ] as const
    for (const [name, remaining, { used, max }] of limits) {
      gauges[`circuit_breakers.default.${name}_open`] = used >= max ? 1 : 0
      if (this.#tracksRemaining)
        gauges[`circuit_breakers.default.remaining_${remaining}`] =
          name === 'rq_retry' && this.#budget !== undefined ? 0 : Math.max(0, max - used)
    }
    return gauges
  }
}

/** What the pools of a cluster count, under Envoy's names. */
export class PoolStats {
  upstream_cx_total = 0
  upstream_cx_http1_total = 0
  upstream_cx_http2_total = 0
  upstream_cx_overflow = 0
  upstream_cx_connect_fail = 0
  upstream_cx_connect_timeout = 0
  upstream_cx_max_requests = 0
  upstream_cx_close_notify = 0
  upstream_cx_max_duration_reached = 0
  upstream_cx_idle_timeout = 0
  upstream_cx_destroy = 0
  upstream_cx_destroy_local = 0
  upstream_cx_destroy_remote = 0
  upstream_cx_destroy_with_active_rq = 0
  upstream_cx_destroy_local_with_active_rq = 0
  upstream_cx_destroy_remote_with_active_rq = 0
  upstream_rq_pending_total = 0
  upstream_rq_pending_overflow = 0
  upstream_rq_pending_failure_eject = 0
  upstream_rq_cancelled = 0
  upstream_rq_rx_reset = 0
  upstream_rq_tx_reset = 0

  /** A stream of a connection that carries several ended before its time; Envoy counts none of this for HTTP/1.1. */
  streamCut(reason: ResetReason): void {
    if (reason === 'remote_reset') this.upstream_rq_rx_reset++
    else if (reason === 'local_reset' || reason === 'protocol_error') this.upstream_rq_tx_reset++
    else if (reason === 'connection_termination') this.upstream_rq_pending_failure_eject++
  }

  /** A connection is gone. */
  destroyed(locally: boolean, withRequests: boolean): void {
    this.upstream_cx_destroy++
    if (locally) this.upstream_cx_destroy_local++
    else this.upstream_cx_destroy_remote++
    if (!withRequests) return
    this.upstream_cx_destroy_with_active_rq++
    if (locally) this.upstream_cx_destroy_local_with_active_rq++
    else this.upstream_cx_destroy_remote_with_active_rq++
  }
}
