/** A copy of a request for another cluster: sent once, outside all policies and without a retry; its answer is thrown away. */
import type { Timer } from '../../base/time/clock.ts'
import { type BodyCare, drain } from '../../core/body.ts'
import type { WireBody, WireRequest, WireResponse } from '../../core/transport.ts'
import type { Trust } from '../../core/trust.ts'
import type { CompiledMirror, Plan } from '../routing/compiled-route.ts'
import { isOutOfReach } from '../upstream/reach.ts'
import { AnswerBody, type AnswerOwner } from './answer-body.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { Engine } from './engine.ts'
import { announceTime, nameOf } from './outgoing.ts'
import { repeatable } from './recorded-body.ts'

/** The request that is copied: as it goes to its own upstream. */
export interface Mirrored {
  readonly engine: Engine
  readonly method: string
  readonly path: string
  readonly authority: string
  readonly scheme: 'http' | 'https'
  readonly port: number
  readonly headers: readonly string[]
  readonly body: WireBody | undefined
  readonly tls: string | undefined
  readonly share: number
  /** As it came in: where it wanted to go, whatever the rules made of its authority. */
  readonly request: { readonly authority: string }
  /** What bounds the endpoints of a cluster that it is copied to. */
  trustFor(cluster: string): Trust | undefined
}

/** Sends the copies that a route asks for; none of a body that is not at hand, or is more than is kept for another try. `cluster`: where the request itself goes. */
export function mirrored(mirrors: readonly CompiledMirror[], of: Mirrored, cluster: ClusterRuntime, plan: Plan): void {
  const { engine, method, path, authority, scheme, body, tls } = of
  const chosen = mirrors.filter(mirror => mirror.selects(of.share))
  if (chosen.length > 0 && body !== undefined && (body.bytes === undefined || !repeatable(body, engine.retryBufferLimit))) {
    // Envoy counts a body that is too much once, be it for retries or for mirrors.
    if (body.bytes === undefined || plan.retry === undefined) cluster.stats.retry_or_shadow_abandoned++
    return
  }
  for (const mirror of chosen) {
    const named = engine.clusters.get(mirror.cluster)
    if (named === undefined) continue
    const trust = of.trustFor(mirror.cluster)
    const to = named.original === undefined ? named : engine.passthrough(scheme, of.request.authority, of.port, named.original, trust)
    const headers = of.headers.slice()
    if (plan.timeout > 0) announceTime(headers, plan.timeout)
    const name = scheme === 'https' ? tls : to.autoSni ? nameOf(authority) : undefined
    new Mirror({ method, path, authority, scheme, headers, body }, name, engine).start(to, plan.timeout, trust)
  }
}

class Mirror implements AttemptOwner, AnswerOwner {
  readonly perTryTimeout = 0
  readonly uploaded = true
  readonly tls: string | undefined
  readonly #request: WireRequest
  readonly #care: BodyCare
  #timer: Timer | undefined
  #attempt: Attempt | undefined

  /** `request` is the mirror's own; nobody else may change it. */
  constructor(request: WireRequest, tls: string | undefined, care: BodyCare) {
    this.#request = request
    this.#care = care
    this.tls = tls
  }

  /** `timeout`: the route's, ms; 0 for none. */
  start(cluster: ClusterRuntime, timeout: number, trust: Trust | undefined): void {
    const host = cluster.choose(cluster.clock.now(), undefined, undefined, undefined)
    if (host === undefined || isOutOfReach(host, trust)) {
      cluster.stats.upstream_cx_none_healthy++
      return
    }
    const attempt = new Attempt(cluster, host, this, 1)
    this.#attempt = attempt
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
    // To its end, however long, so that the connection can serve again.
    drain(new AnswerBody(response.body, this), this.#care, Infinity)
  }

  dropped(): void {
    this.#timer?.cancel()
    this.#attempt?.cancel(false)
  }

  failed(): void {
    this.#timer?.cancel()
  }

  timedOut(): void {}

  completed(): void {
    this.#timer?.cancel()
  }
}
