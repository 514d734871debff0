/** Envoy's limits of a cluster ("circuit breakers" in its configuration): counted per cluster, shared by the pools of its hosts, read live. */
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
  readonly retries: Resource
  readonly stats = {
    upstream_cx_total: 0,
    upstream_cx_overflow: 0,
    upstream_cx_connect_fail: 0,
    upstream_cx_connect_timeout: 0,
    upstream_cx_max_requests: 0,
    upstream_cx_idle_timeout: 0,
    upstream_rq_pending_total: 0,
    upstream_rq_pending_overflow: 0,
    upstream_rq_pending_failure_eject: 0,
  }

  constructor() {
    this.retries = new Resource(UNLIMITED)
  }

  update(thresholds: CircuitBreakerThresholds | undefined): void {
    this.connections.max = thresholds?.maxConnections ?? UNLIMITED
    this.pending.max = thresholds?.maxPendingRequests ?? UNLIMITED
    this.requests.max = thresholds?.maxRequests ?? UNLIMITED
    const budget = thresholds?.retryBudget
    this.#budget = budget === undefined ? undefined : { percent: budget.budgetPercent?.value ?? 20, min: budget.minRetryConcurrency ?? 3 }
    this.retries.max = thresholds?.maxRetries ?? UNLIMITED
  }

  #budget: { percent: number; min: number } | undefined

  /** Room for one more retry, under the budget when there is one. */
  takeRetry(): boolean {
    if (this.#budget !== undefined)
      this.retries.max = Math.max(Math.trunc((this.#budget.percent / 100) * (this.requests.used + this.pending.used)), this.#budget.min)
    return this.retries.tryTake()
  }

  /** Counters and gauges under Envoy's names. */
  snapshot(): { [name: string]: number } {
    const flag = (r: Resource) => (r.open ? 1 : 0)
    return {
      ...this.stats,
      upstream_cx_active: this.connections.used,
      upstream_rq_active: this.requests.used,
      upstream_rq_pending_active: this.pending.used,
      'circuit_breakers.default.cx_open': flag(this.connections),
      'circuit_breakers.default.rq_pending_open': flag(this.pending),
      'circuit_breakers.default.rq_open': flag(this.requests),
      'circuit_breakers.default.rq_retry_open': flag(this.retries),
    }
  }
}
