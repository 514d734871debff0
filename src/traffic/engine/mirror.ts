/** A copy of a request for another cluster: sent once, outside all policies and without a retry; its answer is thrown away. */
import type { Timer } from '../../base/time/clock.ts'
import type { WireRequest, WireResponse } from '../../core/transport.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'

export class Mirror implements AttemptOwner {
  readonly perTryTimeout = 0
  readonly uploaded = true
  readonly tls: string | undefined
  readonly #request: WireRequest
  #timer: Timer | undefined

  /** `request` is the mirror's own; nobody else may change it. */
  constructor(request: WireRequest, tls: string | undefined) {
    this.#request = request
    this.tls = tls
  }

  /** `timeout`: the route's, ms; 0 for none. */
  start(cluster: ClusterRuntime, timeout: number): void {
    const host = cluster.choose(cluster.clock.now(), undefined, undefined, undefined)
    if (host === undefined) {
      cluster.stats.upstream_cx_none_healthy++
      return
    }
    const attempt = new Attempt(cluster, host, this)
    if (timeout > 0)
      this.#timer = cluster.clock.schedule(timeout, () => {
        cluster.stats.upstream_rq_timeout++
        attempt.cancel(true)
      })
    attempt.start()
  }

  wire(): WireRequest {
    return this.#request
  }

  answered(_attempt: Attempt, response: WireResponse): void {
    response.body.read(NOBODY)
  }

  failed(): void {
    this.#timer?.cancel()
  }

  timedOut(): void {}

  completed(): void {
    this.#timer?.cancel()
  }
}

/** Reads to the end, so that the connection can serve again. */
const NOBODY = { data() {}, end() {}, error() {} }
