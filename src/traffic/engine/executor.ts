/**
 * One request from the door to its end, in the order of order.ts: which route, what its faults and its own answers are, and which cluster
 * has to answer. From there on it is forwarded.ts'. A state machine on callbacks: a request that meets no trouble makes one promise.
 */
import type { HttpFault } from '../../envoy/index.ts'
import { normalizePath } from '../routing/normalize.ts'
import { CacheJoin, type InFront } from './cache-join.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { Engine } from './engine.ts'
import type { MeshReply, MeshRequest } from './exchange.ts'
import { abortOf, delayOf, waitOut } from './fault.ts'
import { Forwarded, PASSTHROUGH } from './forwarded.ts'
import { directReply, REPLIES, redirectReply } from './local-reply.ts'
import type { Fetch } from './response-cache.ts'

/** Starts a request. */
export function execute(engine: Engine, request: MeshRequest): Promise<MeshReply> {
  return new Promise((resolve, reject) => new Exchange(engine, request, resolve, reject).start())
}

class Exchange extends Forwarded implements InFront {
  #delay: { cancel(): void } | undefined

  // ── match, destination, cache ──────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    if (!this.listen()) return
    const path = normalizePath(this.path)
    if (path === undefined) return this.local(REPLIES.path_normalization_failed)
    this.path = path
    const { engine } = this
    if (engine.table.has(this.port)) {
      const route = engine.table.match(this)
      if (route === undefined) {
        engine.stats.no_route++
        return this.local(REPLIES.route_not_found)
      }
      this.choose(route)
    } else if (!engine.allowAny) return this.local(REPLIES.blocked)
    if (this.route === undefined || this.destination?.cluster === PASSTHROUGH) this.#unnamed()
    const cache = this.guard?.cache
    if (cache !== undefined) {
      const origin = this.route?.cors === undefined ? '' : ` ${this.header('origin') ?? ''}`
      this.leave = cache.ask(new CacheJoin(this, cache, origin + this.#bounds))
      if (this.leave !== undefined) return
    }
    this.inside()
  }

  /** What others were given, a request that is led there by bounded rules might not have got. */
  get #bounds(): string {
    const trust = this.trustFor(this.outcome.cluster)
    return trust === undefined ? '' : ` ${JSON.stringify(trust)}`
  }

  behind(resolve: (reply: MeshReply) => void, reject: (error: unknown) => void): Fetch {
    const asked = this.another({ ...this.request, signal: undefined, deadline: undefined }, resolve, reject)
    asked.#startBehind(this)
    return { cancel: reason => asked.abort(reason), follow: signal => asked.follow(signal) }
  }

  #startBehind(front: Exchange): void {
    this.listen()
    this.inner = true
    this.waited = true
    this.chooseAs(front)
    this.inside()
  }

  // ── fault, and answers of the route's own: CORS, redirect, direct response ─────────────────────────────────────────────────────

  inside(): void {
    const fault = this.route?.fault
    if (fault === undefined || !this.engine.faults) return this.#ownAnswer()
    const delay = delayOf(fault, this.engine.random())
    if (delay === 0) return this.#abortOrGo(fault)
    this.flag('DI')
    this.#delay = waitOut(this.engine, delay, () => {
      this.#delay = undefined
      this.waited = true
      this.#abortOrGo(fault)
    })
  }

  #abortOrGo(fault: HttpFault): void {
    const reply = abortOf(fault, this.engine.random())
    if (reply === undefined) return this.#ownAnswer()
    this.engine.stats['fault.aborts_injected']++
    this.failing(reply)
  }

  #ownAnswer(): void {
    const { route } = this
    if (route === undefined) {
      this.headers = this.request.headers // no rule, no change
      return this.enter(this.#unnamed())
    }
    const { stats, clusters } = this.engine
    if (route.cors !== undefined) {
      this.origin = route.cors.allowed(this)
      const preflight = route.cors.preflight(this, this.origin)
      if (preflight !== undefined) {
        this.outcome.details = 'cors_response'
        return this.finish(200, preflight, '')
      }
    }
    if (route.redirect !== undefined) {
      stats.rq_direct_response++
      return this.local(redirectReply(route.redirect(this)))
    }
    if (route.directResponse !== undefined) {
      stats.rq_direct_response++
      return this.local(directReply(route.directResponse))
    }
    const { cluster: name } = this.destination!
    if (name === PASSTHROUGH) return this.enter(this.#unnamed())
    const cluster = clusters.get(name)
    if (cluster !== undefined) return this.enter(cluster)
    stats.no_cluster++
    this.outcome.cluster = ''
    this.failing(REPLIES.cluster_not_found)
  }

  /** The cluster of a host that no rule names, and what stands in front of it. */
  #unnamed(): ClusterRuntime {
    const trust = this.trustFor(PASSTHROUGH)
    const cluster = this.engine.passthrough(this.request.scheme, this.authority, this.port, undefined, trust)
    this.guard = cluster.guardOf(undefined)
    this.outcome.cluster = cluster.name
    return cluster
  }

  protected another(request: MeshRequest, resolve: (reply: MeshReply) => void, reject: (error: unknown) => void): Exchange {
    return new Exchange(this.engine, request, resolve, reject)
  }

  protected override letGo(): void {
    super.letGo()
    this.#delay?.cancel()
  }
}
