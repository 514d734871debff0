/** Counters of a cluster under Envoy's names, those of the router; the pool and the detector count their own. */

export class RouterStats {
  upstream_rq_total = 0
  upstream_rq_timeout = 0
  upstream_rq_per_try_timeout = 0
  upstream_rq_retry = 0
  upstream_rq_retry_success = 0
  upstream_rq_retry_overflow = 0
  upstream_rq_retry_limit_exceeded = 0
  upstream_rq_retry_backoff_exponential = 0
  /** Tries that the hedge block started beside a slow one, those that won, and those that the retry budget did not allow; Envoy counts such as retries. */
  upstream_rq_hedge = 0
  upstream_rq_hedge_success = 0
  upstream_rq_hedge_overflow = 0
  upstream_cx_none_healthy = 0
  retry_or_shadow_abandoned = 0
  upstream_rq_completed = 0
  upstream_rq_2xx = 0
  upstream_rq_3xx = 0
  upstream_rq_4xx = 0
  upstream_rq_5xx = 0

  /** Counts a response under its class. */
  answered(status: number): void {
    this.upstream_rq_completed++
    if (status >= 500) this.upstream_rq_5xx++
    else if (status >= 400) this.upstream_rq_4xx++
    else if (status >= 300) this.upstream_rq_3xx++
    else if (status >= 200) this.upstream_rq_2xx++
  }
}

/** Counters of the whole outbound side. */
export class ListenerStats {
  no_route = 0
  no_cluster = 0
  /** Redirects too: Envoy's router counts both here, and none under rq_redirect. */
  rq_direct_response = 0
  'fault.aborts_injected' = 0
  'fault.delays_injected' = 0
  'fault.active_faults' = 0
}
