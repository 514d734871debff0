/**
 * One request from the door to its end, in the order of order.ts: which route, what its faults and its own answers are, how it is
 * rewritten and copied, and what the caller gets. Tries and retries are tries.ts'. It is a state machine on callbacks: a request that
 * meets no trouble makes one promise.
 */
import { getHeader, hasHeader, removeHeader, setHeader } from '../../base/formats/headers.ts'
import type { Timer } from '../../base/time/clock.ts'
import { TimeLimitError } from '../../core/errors.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { ResetReason, WireBody, WireRequest, WireResponse } from '../../core/transport.ts'
import type { CompiledRoute, Destination, Plan } from '../routing/compiled-route.ts'
import { normalizePath } from '../routing/normalize.ts'
import type { Outgoing } from '../routing/rewrite.ts'
import { type HashResult, hashOf } from '../upstream/hash.ts'
import { AnswerBody, type AnswerOwner } from './answer-body.ts'
import { BytesBody } from './bytes-body.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { Engine } from './engine.ts'
import type { MeshReply, MeshRequest } from './exchange.ts'
import { abortOf, delayOf } from './fault.ts'
import { isGrpc } from './grpc.ts'
import type { Fallback, Guard } from './guard.ts'
import { asGrpc, flagOf, type LocalReply, REPLIES, resetReply, statusText } from './local-reply.ts'
import { Mirror } from './mirror.ts'
import { announce, outgoing, portOf } from './outgoing.ts'
import { planOf } from './plan.ts'
import { RecordedBody, repeatable } from './recorded-body.ts'
import type { CacheCaller, ResponseCache } from './response-cache.ts'
import { Tries, type TriesOwner } from './tries.ts'

/** Starts a request. */
export function execute(engine: Engine, request: MeshRequest): Promise<MeshReply> {
  return new Promise((resolve, reject) => new Exchange(engine, request, resolve, reject).start())
}

class Exchange implements TriesOwner, AnswerOwner, Outgoing {
  readonly method: string
  readonly scheme: string
  readonly port: number
  readonly outcome: Outcome
  authority: string
  path: string
  headers: string[]
  body: WireBody | undefined
  /** Whether the caller has given the whole request; false only for a stream that still comes. */
  uploaded = true
  /** Of the answer, for header formatters. */
  status = 0
  responseHeaders: readonly string[] | undefined
  readonly #engine: Engine
  readonly #request: MeshRequest
  readonly #resolve: (reply: MeshReply) => void
  readonly #reject: (error: unknown) => void
  #startedAt: number
  #random: number
  #signal: AbortSignal | undefined
  #onAbort: (() => void) | undefined
  #routeTimer: Timer | undefined
  #delay: Timer | undefined
  #route: CompiledRoute | undefined
  #origin: string | undefined
  #destination: Destination | undefined
  #cluster: ClusterRuntime | undefined
  #guard: Guard | undefined
  /** Another cluster was asked instead; what would be said without its answer. */
  #instead: (() => void) | undefined
  /** The answer that waits for what the other cluster says has come to its end. */
  #received = false
  /** It is asked by another one, which has a fallback if there is one. */
  #inner = false
  /** Lets go of the answer that is held while another cluster is asked. */
  #dropHeld: (() => void) | undefined
  /** Takes it out of those who wait for an answer of the cache. */
  #leave: ((reason: unknown) => void) | undefined
  #hash: HashResult | undefined
  #plan: Plan | undefined
  #tries: Tries | undefined
  #answer: AnswerBody | undefined
  /** Whether time passed since it came in: a fault's delay, names that were looked up. */
  #waited = false
  #over = false

  constructor(engine: Engine, request: MeshRequest, resolve: (reply: MeshReply) => void, reject: (error: unknown) => void) {
    this.#engine = engine
    this.#request = request
    this.#signal = request.signal
    this.#resolve = resolve
    this.#reject = reject
    this.#startedAt = engine.clock.now()
    this.#random = engine.random()
    this.method = request.method
    this.scheme = request.scheme
    this.authority = request.authority
    this.port = portOf(request)
    this.path = request.path
    this.headers = request.headers
    this.body = request.body
    this.outcome = {
      flags: '',
      details: '',
      route: '',
      cluster: '',
      endpoint: '',
      attempts: 0,
      durations: { headers: 0, total: undefined },
      error: undefined,
    }
  }

  header(name: string): string | undefined {
    return getHeader(this.headers, name)
  }

  startTime(): number {
    const { clock } = this.#engine
    return clock.wall() - (clock.now() - this.#startedAt)
  }

  // ── match ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    if (!this.#listen()) return
    const path = normalizePath(this.path)
    if (path === undefined) return this.#local(REPLIES.path_normalization_failed)
    this.path = path
    const engine = this.#engine
    if (!engine.table.has(this.port)) return this.#ungoverned()
    const route = engine.table.match(this)
    if (route === undefined) {
      engine.stats.no_route++
      return this.#local(REPLIES.route_not_found)
    }
    this.#route = route
    this.outcome.route = route.name
    this.#choose()
    const cache = this.#guard?.cache
    this.#leave = cache?.ask(this.#caller(cache))
    if (this.#leave === undefined) this.#inside(route)
  }

  /** What stands behind the cache. */
  #inside(route: CompiledRoute): void {
    if (route.fault !== undefined && this.#engine.faults) this.#inject()
    else this.#ownAnswer()
  }

  /** False: the caller has gone before it began. */
  #listen(): boolean {
    this.#engine.load.open++
    const signal = this.#signal
    if (signal === undefined) return true
    if (signal.aborted) {
      this.#end()
      this.#reject(signal.reason)
      return false
    }
    this.#onAbort = () => this.#abort(signal.reason)
    signal.addEventListener('abort', this.#onAbort, { once: true })
    return true
  }

  // ── cache: others may have the answer, or ask for it ───────────────────────────────────────────────────────────────────────────

  #caller(cache: ResponseCache): CacheCaller {
    const { method, scheme, authority, path, headers } = this.#request
    const route = this.#route!
    const origin = route.cors === undefined ? '' : ` ${this.header('origin') ?? ''}`
    const { outcome } = this
    return {
      method,
      identity: `${scheme}://${authority}${path} ${outcome.cluster}${origin}`,
      header: name => getHeader(headers, name),
      fetch: (resolve, reject) => {
        const asked = new Exchange(this.#engine, { ...this.#request, signal: undefined, deadline: undefined }, resolve, reject)
        asked.#startBehind(this)
        return { cancel: reason => asked.#abort(reason), follow: signal => asked.#follow(signal) }
      },
      given: (stored, joined) => {
        const { status, statusText } = stored
        const headers = stored.headers.slice()
        if (!joined) setHeader(headers, 'age', String(cache.age(stored)))
        outcome.details = joined ? 'meshless_coalesced' : 'meshless_cache_hit'
        this.#over || this.#deliver({ status, statusText, headers, body: new BytesBody(stored.chunks), text: undefined, outcome })
      },
      got: (reply, fetch) => {
        const deliver = () => {
          fetch.follow(this.#request.signal)
          this.#deliver(reply)
        }
        if (reply.status < 500 || this.#fallback === undefined) return deliver()
        this.flag(reply.outcome.flags)
        outcome.attempts = reply.outcome.attempts
        this.#fallBack(this.#fallback, deliver, () => reply.body?.cancel())
      },
      told: (reply, first) => {
        const { flags, details, error, endpoint, attempts, cluster } = reply.outcome
        this.flag(flags)
        Object.assign(outcome, { error, endpoint, cluster, attempts: first ? attempts : 0 })
        const finish = () => {
          outcome.details = details
          this.#finish(reply.status, reply.headers.slice(), reply.text ?? '')
        }
        if (reply.status < 500 || this.#fallback === undefined) finish()
        else this.#fallBack(this.#fallback, finish)
      },
      alone: () => this.#inside(route),
      failed: error => {
        this.#end()
        this.#reject(error)
      },
    }
  }

  #deliver(reply: MeshReply): void {
    this.outcome.durations.headers = this.#engine.clock.now() - this.#startedAt
    this.#end()
    this.#resolve(reply)
  }

  /** Begins where the other one stands, for more than that one. */
  #startBehind(front: Exchange): void {
    this.#listen()
    this.#inner = true
    this.#random = front.#random
    this.#startedAt = this.#engine.clock.now()
    this.#waited = true
    this.path = front.path
    this.#route = front.#route
    this.#destination = front.#destination
    this.#hash = front.#hash
    this.#guard = front.#guard
    this.outcome.route = front.outcome.route
    this.outcome.cluster = front.outcome.cluster
    this.#inside(front.#route!)
  }

  /** From now on this is the signal of who asks. */
  #follow(signal: AbortSignal | undefined): void {
    if (this.#over || signal === undefined) return
    this.#signal = signal
    this.#onAbort = () => this.#abort(signal.reason)
    if (signal.aborted) this.#onAbort()
    else signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** A port that no rule speaks of. */
  #ungoverned(): void {
    if (!this.#engine.allowAny) return this.#local(REPLIES.blocked)
    this.#enter(this.#engine.passthrough(this.#request.scheme, this.authority, this.port))
  }

  // ── fault ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #inject(): void {
    const { stats, clock, random } = this.#engine
    const delay = delayOf(this.#route!.fault!, random())
    if (delay === 0) return this.#abortOrGo()
    stats['fault.delays_injected']++
    stats['fault.active_faults']++
    this.flag('DI')
    const passed = () => {
      this.#delay = undefined
      this.#waited = true
      stats['fault.active_faults']--
      this.#abortOrGo()
    }
    this.#delay = clock.schedule(delay, passed, { keepAlive: true })
  }

  #abortOrGo(): void {
    const reply = abortOf(this.#route!.fault!, this.#engine.random())
    if (reply === undefined) return this.#ownAnswer()
    this.#engine.stats['fault.aborts_injected']++
    this.#failing(reply)
  }

  // ── answers of the route's own: CORS, redirect, direct response ────────────────────────────────────────────────────────────────

  #ownAnswer(): void {
    const route = this.#route!
    const { stats } = this.#engine
    if (route.cors !== undefined) {
      this.#origin = route.cors.allowed(this)
      const preflight = route.cors.preflight(this, this.#origin)
      if (preflight !== undefined) {
        this.outcome.details = 'cors_response'
        return this.#finish(200, preflight, '')
      }
    }
    if (route.redirect !== undefined) {
      stats.rq_redirect++
      const to = route.redirect(this)
      return this.#local({ status: to.status, headers: ['location', to.location], body: '', flag: '', details: 'direct_response' })
    }
    if (route.directResponse !== undefined) {
      stats.rq_direct_response++
      const { status, body } = route.directResponse
      return this.#local({ status, headers: body === '' ? [] : TEXT, body, flag: '', details: 'direct_response' })
    }
    const { cluster: name } = this.#destination!
    if (name === PASSTHROUGH) return this.#enter(this.#engine.passthrough(this.#request.scheme, this.authority, this.port))
    const cluster = this.#engine.clusters.get(name)
    if (cluster !== undefined) return this.#enter(cluster)
    stats.no_cluster++
    this.outcome.cluster = ''
    this.#local(REPLIES.cluster_not_found)
  }

  /** The weighted destination: once per request, with the number that mirrors are chosen by as well. */
  #choose(): void {
    const route = this.#route!
    if (route.clusterFor === undefined || this.#destination !== undefined) return
    if (route.splitsByHash) this.#hash = hashOf(route.hashPolicies!, this, this.#engine.clientAddress)
    this.#destination = route.clusterFor(this.#random, this, this.#hash?.hash)
    const { cluster } = this.#destination
    this.outcome.cluster = cluster
    this.#guard = this.#engine.clusters.get(cluster)?.guardOf(route.policies)
  }

  // ── rewrite, mirror, route timeout ─────────────────────────────────────────────────────────────────────────────────────────────

  #enter(cluster: ClusterRuntime): void {
    this.#cluster = cluster
    this.outcome.cluster = cluster.name
    if (cluster.warming === undefined) return this.#send(cluster)
    this.#waited = true
    const go = () => {
      if (!this.#over) this.#send(cluster)
    }
    cluster.warming.then(go, go)
  }

  #send(cluster: ClusterRuntime): void {
    const route = this.#route
    const engine = this.#engine
    const now = this.#waited ? engine.clock.now() : this.#startedAt
    let deadline = Infinity
    if (route !== undefined) {
      if (route.hashPolicies !== undefined) this.#hash ??= hashOf(route.hashPolicies, this, engine.clientAddress)
      const left = this.#request.deadline === undefined ? Infinity : this.#request.deadline - now
      const plan = planOf(route, this.headers, engine.requestOverrides, left)
      this.#plan = plan
      this.headers = outgoing(this.headers)
      route.applyRequest(this, this.#destination)
      this.#keepBody(cluster)
      if (plan.timeout > 0 && this.uploaded) {
        deadline = now + plan.timeout
        this.#armRouteTimer(plan.timeout)
      }
    } else if (this.#plan !== undefined) {
      this.headers = outgoing(this.headers)
      const { timeout } = this.#plan
      if (timeout > 0) {
        deadline = now + timeout
        this.#armRouteTimer(timeout)
      }
    }
    const tries = new Tries(engine, cluster, this.#guard, this.#plan, this, this.#hash?.hash, deadline)
    this.#tries = tries
    tries.start(now)
    // When nobody was there for the request itself, nobody else gets it either.
    if (route?.mirrors !== undefined && this.outcome.details !== REPLIES.no_healthy_upstream.details) this.#mirror(route)
  }

  /** A stream is kept while it is sent, for the next try; the upstream's time begins when it has the whole request. */
  #keepBody(cluster: ClusterRuntime): void {
    const { body } = this
    if (body === undefined) return
    const again = this.#plan?.retry !== undefined || this.#guard?.fallback?.cluster !== undefined
    const limit = this.#engine.retryBufferLimit
    const abandoned = () => {
      if (again) cluster.stats.retry_or_shadow_abandoned++
    }
    if (body.bytes === undefined && body.reopens !== true) {
      this.uploaded = this.#request.deadline !== undefined // a deadline from outside does not wait
      this.body = new RecordedBody(body, again ? limit : 0, abandoned, () => this.#bodySent())
    } else if (!repeatable(body, limit)) abandoned()
  }

  #bodySent(): void {
    if (this.#over || this.uploaded) return
    this.uploaded = true
    const timeout = this.#plan?.timeout ?? 0
    if (timeout > 0) this.#armRouteTimer(timeout)
    this.#tries?.bodySent(timeout > 0 ? this.#engine.clock.now() + timeout : Infinity)
  }

  #armRouteTimer(timeout: number): void {
    this.#routeTimer = this.#engine.clock.schedule(timeout, () => this.#routeTimeout(), { keepAlive: true })
  }

  #mirror(route: CompiledRoute): void {
    const timeout = this.#plan?.timeout ?? 0
    for (const mirror of route.mirrors!) {
      if (!mirror.selects(this.#random)) continue
      const cluster = this.#engine.clusters.get(mirror.cluster)
      if (cluster === undefined) continue
      const { body } = this
      if (body !== undefined && (body.bytes === undefined || !repeatable(body, this.#engine.retryBufferLimit))) {
        this.#cluster!.stats.retry_or_shadow_abandoned++
        continue
      }
      const { method, path, authority, scheme } = this
      const headers = this.headers.slice()
      announce(headers, 1, timeout > 0 ? timeout : Infinity, this.#plan)
      new Mirror({ method, path, authority, scheme, headers, body }, this.tls).start(cluster, timeout)
    }
  }

  #routeTimeout(): void {
    this.#routeTimer = undefined
    // While another cluster is asked, it has its own time.
    if (this.#over || this.#instead !== undefined) return
    this.flag('UT')
    if (this.#answer !== undefined) {
      this.outcome.details = 'response_timeout'
      return this.#cutBody(new TimeLimitError('route timeout: the response body took too long', { policy: this.outcome.route }), true)
    }
    this.#tries!.cancel(true)
    this.unanswered(REPLIES.response_timeout)
  }

  // ── what the tries ask and say ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** The name under which TLS is spoken when the URL itself asks for it. */
  get tls(): string | undefined {
    return this.scheme === 'https' ? this.#request.authority.replace(/:\d+$/, '') : undefined
  }

  wire(expected: number): WireRequest {
    if (this.#plan !== undefined) announce(this.headers, this.outcome.attempts, expected, this.#plan)
    return { method: this.method, path: this.path, authority: this.authority, scheme: this.scheme, headers: this.headers, body: this.body }
  }

  answered(response: WireResponse): void {
    const fallback = this.#fallback
    if (fallback !== undefined && response.status >= 500) return this.#fallBack(fallback, () => this.#pass(response))
    this.#pass(response)
  }

  #pass(response: WireResponse): void {
    const { outcome } = this
    outcome.details = 'via_upstream'
    outcome.error = undefined
    outcome.durations.headers = this.#engine.clock.now() - this.#startedAt
    this.status = response.status
    const headers = response.headers as string[]
    this.#answerRules(headers)
    this.#answer = new AnswerBody(response.body, this)
    this.#resolve({ status: response.status, statusText: response.statusText, headers, body: this.#answer, text: undefined, outcome })
    if (this.#received) this.#end()
  }

  unanswered(reply: LocalReply): void {
    const status = reply.status === 504 ? this.#plan?.timeoutStatus : undefined
    this.#failing(status === undefined || status === 504 ? reply : { ...reply, status })
  }

  reset(reason: ResetReason, error: Error): void {
    // The caller's own body broke, or no rule governs the host: it fails as it would without us.
    if (reason === 'local_reset' || this.#cluster!.name === PASSTHROUGH) {
      this.#end()
      return this.#reject(new TypeError('fetch failed', { cause: error }))
    }
    this.unanswered(resetReply(reason, error, this.outcome.attempts > 1))
  }

  completed(): void {
    if (this.#instead !== undefined) this.#received = true
    else this.#end()
  }

  broken(reason: ResetReason, error: Error): void {
    this.flag(flagOf(reason))
    this.outcome.details = `upstream_reset_after_response_started{${reason}}`
    this.outcome.error = error
    this.completed()
  }

  flag(flag: string): void {
    if (flag === '') return
    const { flags } = this.outcome
    if (flags === '') this.outcome.flags = flag
    else if (!flags.split(',').includes(flag)) this.outcome.flags = `${flags},${flag}`
  }

  // ── the answer, and the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  #answerRules(headers: string[]): void {
    const route = this.#route
    if (route === undefined) return
    this.responseHeaders = headers
    route.applyResponse(headers, this.#destination, this)
    if (this.#hash?.setCookie !== undefined && this.#cluster !== undefined) headers.push('set-cookie', this.#hash.setCookie)
    if (this.#origin !== undefined) route.cors!.decorate(headers, this.#origin)
  }

  #local(reply: LocalReply): void {
    this.flag(reply.flag)
    this.outcome.details = reply.details
    this.status = reply.status
    // Envoy's rules meet an answer without content type: what they add is kept, what they remove comes back.
    const headers = reply.headers.filter((_, i) => reply.headers[i - (i % 2)] !== CONTENT_TYPE)
    this.#answerRules(headers)
    if (!isGrpc(this.headers)) {
      if (reply.body === '') removeHeader(headers, CONTENT_TYPE)
      else if (!hasHeader(headers, CONTENT_TYPE)) headers.push(...TEXT)
      return this.#finish(reply.status, headers, reply.body)
    }
    this.#finish(200, asGrpc(reply, headers), '')
  }

  /** An answer of ours for which the destination may have a better one. */
  #failing(reply: LocalReply): void {
    const fallback = this.#fallback
    if (fallback === undefined || reply.status < 500) return this.#local(reply)
    this.flag(reply.flag)
    this.#fallBack(fallback, () => this.#local(reply))
  }

  get #fallback(): Fallback | undefined {
    return this.#inner ? undefined : this.#guard?.fallback
  }

  /** `otherwise`: what is said when the fallback fails as well. */
  #fallBack(fallback: Fallback, otherwise: () => void, drop = () => this.#tries?.cancel(false)): void {
    if (fallback.cluster !== undefined) return this.#askInstead(fallback.cluster, otherwise, drop)
    drop()
    const { status, body, bytes } = fallback
    if (bytes !== undefined && !isGrpc(this.headers)) return this.#bytes(status, bytes)
    this.#local({ status, headers: body === '' ? [] : TEXT, body, flag: '', details: 'meshless_fallback' })
  }

  #bytes(status: number, bytes: Uint8Array): void {
    const { outcome } = this
    const headers: string[] = []
    this.status = status
    outcome.details = 'meshless_fallback'
    outcome.durations.headers = this.#engine.clock.now() - this.#startedAt
    this.#answerRules(headers)
    this.#end()
    this.#resolve({ status, statusText: statusText(status), headers, body: new BytesBody([bytes]), text: undefined, outcome })
  }

  /** Asks another cluster, once and under its own policies: a request of its own, as it came in, with the time of the route for itself. */
  #askInstead(name: string, otherwise: () => void, drop: () => void): void {
    const cluster = this.#engine.clusters.get(name)
    const body = this.body ?? this.#request.body
    if (cluster === undefined || !repeatable(body, this.#engine.retryBufferLimit)) return otherwise()
    this.#instead = otherwise
    this.#dropHeld = drop
    const adopt = (reply: MeshReply) => {
      if (this.#over) return reply.body?.cancel()
      this.#instead = undefined
      if (reply.status >= 500 || reply.outcome.details !== 'via_upstream') {
        reply.body?.cancel()
        return otherwise()
      }
      drop()
      const { outcome } = this
      this.status = reply.status
      this.#answerRules(reply.headers)
      this.#end(false) // the body is the other's now
      const { cluster, endpoint, attempts, durations } = reply.outcome
      Object.assign(outcome, { details: 'meshless_fallback', cluster, endpoint, attempts: outcome.attempts + attempts, durations })
      this.#resolve({ ...reply, outcome })
    }
    const failed = () => {
      this.#instead = undefined
      if (!this.#over) otherwise()
    }
    const asked = new Exchange(this.#engine, { ...this.#request, body }, adopt, failed)
    asked.#startAt(cluster, this.#plan?.timeout ?? this.#route?.plan.timeout ?? 0, this.#startedAt)
  }

  /** Begins behind the route, at a cluster: one try. */
  #startAt(cluster: ClusterRuntime, timeout: number, since: number): void {
    if (!this.#listen()) return
    this.#startedAt = since
    this.#waited = true
    this.#guard = cluster.guardOf(undefined)
    this.#plan = {
      timeout,
      perTryTimeout: 0,
      retry: undefined,
      hedge: false,
      timeoutStatus: 504,
      maxGrpcTimeout: undefined,
      tellsGrpc: false,
    }
    this.#inner = true
    this.#enter(cluster)
  }

  #finish(status: number, headers: string[], text: string): void {
    if (this.#over) return
    this.outcome.durations.headers = this.#engine.clock.now() - this.#startedAt
    this.#end()
    this.#resolve({ status, statusText: statusText(status), headers, body: undefined, text, outcome: this.outcome })
  }

  #abort(reason: unknown): void {
    if (this.#over) return
    this.flag('DC')
    this.outcome.details = 'downstream_remote_disconnect'
    if (this.#answer !== undefined) return this.#cutBody(reason as Error, false)
    this.#tries?.cancel(false)
    this.#end()
    this.#leave?.(reason)
    this.#dropHeld?.()
    this.#reject(reason)
  }

  /** The caller wants no more of the body. */
  dropped(): void {
    if (this.#over) return
    this.#tries!.cancel(false)
    this.#end()
  }

  #cutBody(error: Error, timeout: boolean): void {
    this.outcome.error = error
    this.#tries!.cancel(timeout)
    this.#end()
    this.#answer!.fail(error)
  }

  /** Nothing of this request may stay behind. */
  #end(closing = true): void {
    if (this.#over) return
    this.#over = true
    this.#engine.load.open--
    this.#tries?.end()
    this.#routeTimer?.cancel()
    if (this.#delay !== undefined) {
      this.#delay.cancel()
      this.#engine.stats['fault.active_faults']--
    }
    if (this.#onAbort !== undefined) this.#signal!.removeEventListener('abort', this.#onAbort)
    if (closing) this.body?.close?.()
    this.outcome.durations.total = this.#engine.clock.now() - this.#startedAt
  }
}

const PASSTHROUGH = 'PassthroughCluster'
const CONTENT_TYPE = 'content-type'
const TEXT = [CONTENT_TYPE, 'text/plain']
