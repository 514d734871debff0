/**
 * A request that has its cluster, until its answer is read: rewritten, copied for mirrors, sent by tries.ts within the route's time, and
 * answered by the upstream, by us, or by what stands in for a failure. What may answer it before is executor.ts'.
 */
import { KEEP_ALIVE, type Timer } from '../../base/time/clock.ts'
import { waitFor } from '../../base/time/wait-for.ts'
import { TimeLimitError } from '../../core/errors.ts'
import { InvalidRequestError, requestFault } from '../../core/sendable.ts'
import type { BodySource, ResetReason, WireRequest, WireResponse } from '../../core/transport.ts'
import { common, type Trust } from '../../core/trust.ts'
import type { Plan } from '../routing/compiled-route.ts'
import { hashOf } from '../upstream/hash.ts'
import { AnswerBody, type AnswerOwner } from './answer-body.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { MeshReply, MeshRequest } from './exchange.ts'
import { type Failing, giveFallback, Instead } from './fallback.ts'
import type { Fallback } from './guard.ts'
import { flagOf, type LocalReply, REPLIES, resetReply } from './local-reply.ts'
import { mirrored } from './mirror.ts'
import { announce, nameOf, outgoing } from './outgoing.ts'
import { ONE_TRY, planOf, timeOfFirst } from './plan.ts'
import { kept } from './recorded-body.ts'
import { Routed } from './routed.ts'
import { Tries, type TriesOwner } from './tries.ts'

/** The cluster of hosts that no rule governs. */
export const PASSTHROUGH = 'PassthroughCluster'

export abstract class Forwarded extends Routed implements TriesOwner, AnswerOwner, Failing {
  /** Whether the caller has given the whole request; false only for a stream that still comes. */
  uploaded = true
  /** What bounds the endpoints that it may be sent to. */
  trust: Trust | undefined
  /** It is asked by another one, which has a fallback if there is one. */
  protected inner = false
  /** Takes it out of those who wait for an answer of the cache. */
  protected leave: ((reason: unknown) => void) | undefined
  /** Whether time passed since it came in: a fault's delay, names that were looked up. */
  protected waited = false
  #plan: Plan | undefined
  #tries: Tries | undefined
  #answer: AnswerBody | undefined
  /** The body of an answer that others read as well. */
  #reading: BodySource | undefined
  #instead: Instead | undefined
  #routeTimer: Timer | undefined
  /** When the route's time is up, ms of the clock. */
  #routeDeadline = Infinity

  // ── rewrite, mirror, route timeout ─────────────────────────────────────────────────────────────────────────────────────────────

  /** The cluster that takes the request, as soon as it knows its endpoints. */
  protected enter(chosen: ClusterRuntime): void {
    const { original } = chosen
    const trust = this.trustFor(chosen.name)
    this.trust = trust
    const cluster = original === undefined ? chosen : this.engine.passthrough(this.scheme, this.authority, this.port, original, trust)
    this.cluster = cluster
    this.outcome.cluster = cluster.name
    if (cluster.warming === undefined) this.#send(cluster)
    else this.#sendWhenWarm(cluster, cluster.warming)
  }

  #sendWhenWarm(cluster: ClusterRuntime, warming: Promise<unknown>): void {
    this.waited = true
    const { route, engine } = this
    const now = engine.clock.now()
    if (route !== undefined) this.#plan = planOf(route, this.headers, engine.requestOverrides, this.#timeLeft(now))
    const timeout = this.#plan?.timeout ?? 0
    // The time of a request that is complete begins before its endpoints are known; that of a stream must at least bound the wait for them.
    if (timeout > 0) this.#armRouteTimer(timeout, now)
    const go = () => {
      if (!this.over) this.#send(cluster, engine.clock.now() - now)
    }
    waitFor(warming, this.engine.clock).then(go, go)
  }

  /** ms until a deadline that came in from outside. */
  #timeLeft(now: number): number {
    return this.request.deadline === undefined ? Infinity : this.request.deadline - now
  }

  /** `waited`: ms for which its endpoints were looked up. */
  #send(cluster: ClusterRuntime, waited = 0): void {
    const route = this.route
    const { engine } = this
    const now = this.waited ? engine.clock.now() : this.startedAt
    if (route !== undefined) {
      this.#plan = planOf(route, this.headers, engine.requestOverrides, this.#timeLeft(now))
      this.#announceFirst(this.#plan, waited)
      route.applyRequest(this, this.destination)
      // As in Envoy the hash sees what the rules made of the request.
      if (route.hashPolicies !== undefined && cluster.hashes)
        this.hash = hashOf(route.hashPolicies, this, engine.clientAddress, this.request.headers)
      this.#keepBody(cluster)
    } else if (this.#plan !== undefined) this.#announceFirst(this.#plan, waited)
    const timeout = this.#plan?.timeout ?? 0
    if (timeout === 0 || !this.uploaded) this.#disarmRouteTimer()
    else if (this.#routeTimer === undefined) this.#armRouteTimer(timeout, now)
    const tries = new Tries(engine, cluster, this.guard, this.#plan, this, this.hash?.hash, this.#routeDeadline)
    this.#tries = tries
    tries.start(now)
    // When nobody was there for the request itself, nobody else gets it either.
    if (route?.mirrors !== undefined && this.outcome.details !== REPLIES.no_healthy_upstream.details)
      mirrored(route.mirrors, this, cluster, this.#plan!)
  }

  /** Rules see what the upstream is told about the first try. */
  #announceFirst(plan: Plan, waited: number): void {
    if (this.engine.requestOverrides) this.headers = outgoing(this.headers)
    const time = timeOfFirst(plan, this.body)
    const left = waited > 0 && plan.timeout > 0 ? Math.max(1, Math.ceil(plan.timeout - waited)) : Infinity
    announce(this.headers, 1, Math.min(time, left), plan)
  }

  /** A stream is kept while it is sent, for the next try; the upstream's time begins when it has the whole request. */
  #keepBody(cluster: ClusterRuntime): void {
    const { body } = this
    if (body === undefined) return
    const again = this.#plan?.retry !== undefined || this.guard?.fallback?.cluster !== undefined
    const abandoned = () => {
      if (again) cluster.stats.retry_or_shadow_abandoned++
    }
    const streamed = body.bytes === undefined && body.reopens !== true
    if (streamed) this.uploaded = this.request.deadline !== undefined // a deadline from outside does not wait
    this.body = kept(body, again, this.engine.retryBufferLimit, abandoned, () => this.#bodySent())
  }

  #bodySent(): void {
    if (this.over || this.uploaded) return
    this.uploaded = true
    const timeout = this.#plan?.timeout ?? 0
    if (timeout === 0) return this.#tries?.bodySent(Infinity)
    const now = this.engine.clock.now()
    this.#armRouteTimer(timeout, now)
    this.#tries?.bodySent(now + timeout)
  }

  #armRouteTimer(timeout: number, now: number): void {
    this.#routeDeadline = now + timeout
    this.#routeTimer = this.engine.clock.schedule(timeout, () => this.#routeTimeout(), KEEP_ALIVE, now)
  }

  #disarmRouteTimer(): void {
    if (this.#routeTimer === undefined) return
    this.#routeTimer.cancel()
    this.#routeTimer = undefined
    this.#routeDeadline = Infinity
  }

  #routeTimeout(): void {
    this.#routeTimer = undefined
    // While another cluster is asked, it has its own time.
    if (this.over || this.#instead?.asking) return
    this.flag('UT')
    if (this.#answer !== undefined) {
      this.outcome.details = 'response_timeout'
      return this.#cutBody(new TimeLimitError('route timeout: the response body took too long', { policy: this.outcome.route }), true)
    }
    this.#tries?.cancel(true)
    this.unanswered(REPLIES.response_timeout)
  }

  // ── what the tries ask and say ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** The name under which TLS is spoken: the URL's host under https, else that of the Host header where the rules leave it open. */
  get tls(): string | undefined {
    if (this.scheme === 'https') return nameOf(this.request.authority)
    return this.cluster!.autoSni ? nameOf(this.authority) : undefined
  }

  wire(nth: number, expected: number): WireRequest {
    if (this.#plan !== undefined && this.outcome.attempts > 1) announce(this.headers, nth, expected, this.#plan)
    return { method: this.method, path: this.path, authority: this.authority, scheme: this.scheme, headers: this.headers, body: this.body }
  }

  answered(response: WireResponse): void {
    const { fallback } = this
    const { status } = response
    // A host that no rule governs answers as it likes.
    if ((status < 200 || status > 599) && this.cluster!.name !== PASSTHROUGH) return this.#notUnderstood(status)
    if (fallback !== undefined && response.status >= 500) return this.fallBack(fallback, () => this.#pass(response))
    this.#pass(response)
  }

  #notUnderstood(status: number): void {
    this.#tries!.cancel(false)
    const error = new Error(`the upstream answered with status ${status}`)
    this.outcome.error = error
    this.unanswered(resetReply('protocol_error', error, this.outcome.attempts > 1))
  }

  #pass(response: WireResponse): void {
    const { outcome } = this
    outcome.details = 'via_upstream'
    outcome.error = undefined
    this.headersAreHere()
    this.status = response.status
    const headers = response.headers as string[]
    this.giveCookies(headers)
    this.answerRules(headers)
    this.#answer = new AnswerBody(response.body, this)
    this.give({ status: response.status, statusText: response.statusText, headers, body: this.#answer, text: undefined, outcome })
    if (this.#instead?.received) this.end()
  }

  reads(reply: MeshReply, read: (ended: () => void) => BodySource): void {
    this.#reading = read(() => this.end())
    this.#answer = new AnswerBody(this.#reading, this)
    this.headersAreHere()
    this.give({ ...reply, headers: reply.headers.slice(), body: this.#answer, outcome: this.outcome })
  }

  unanswered(reply: LocalReply): void {
    // A host that no rule governs fails as it would without us.
    if (reply === REPLIES.no_healthy_upstream && this.#isUngoverned)
      return this.fail(new TypeError('fetch failed', { cause: this.outcome.error }))
    const status = reply.status === 504 ? this.#plan?.timeoutStatus : undefined
    this.failing(status === undefined || status === 504 ? reply : { ...reply, status })
  }

  reset(reason: ResetReason, error: Error): void {
    // The caller's own request broke, or no rule governs the host: it fails as it would without us.
    if (this.#isUngoverned || (reason === 'local_reset' && !this.#isFaultOfRules(error)))
      return this.fail(new TypeError('fetch failed', { cause: error }))
    this.unanswered(resetReply(reason, error, this.outcome.attempts > 1))
  }

  get #isUngoverned(): boolean {
    return this.cluster!.name === PASSTHROUGH && this.fallback === undefined
  }

  /** HTTP cannot carry the request, though it could carry what the caller asked for. */
  #isFaultOfRules(error: Error): boolean {
    return error instanceof InvalidRequestError && requestFault(this.request) === undefined
  }

  completed(): void {
    if (this.#instead?.asking) this.#instead.received = true
    else this.end()
  }

  broken(reason: ResetReason, error: Error): void {
    this.flag(flagOf(reason))
    this.outcome.details = `upstream_reset_after_response_started{${reason}}`
    this.outcome.error = error
    this.completed()
  }

  // ── what stands in for a failure ───────────────────────────────────────────────────────────────────────

  /** An answer of ours for which the destination may have a better one. */
  protected failing(reply: LocalReply): void {
    const { fallback } = this
    if (fallback === undefined || reply.status < 500) return this.local(reply)
    this.flag(reply.flag)
    this.fallBack(fallback, () => this.local(reply))
  }

  get fallback(): Fallback | undefined {
    return this.inner ? undefined : (this.guard?.fallback ?? this.standIn)
  }

  fallBack(fallback: Fallback, otherwise: () => void, drop: () => void = () => this.#tries?.cancel(false)): void {
    if (fallback.cluster !== undefined) {
      this.#instead = new Instead(this, otherwise, drop)
      return this.#instead.ask(fallback.cluster, fallback.trust)
    }
    drop()
    giveFallback(this, fallback)
  }

  /** A request like this one, for somebody else. */
  protected abstract another(request: MeshRequest, resolve: (reply: MeshReply) => void, reject: (error: unknown) => void): Forwarded

  elsewhere(
    cluster: ClusterRuntime,
    trust: Trust | undefined,
    resolve: (reply: MeshReply) => void,
    reject: (error: unknown) => void,
  ): void {
    const asked = this.another({ ...this.request, body: this.body, trust: common(this.request.trust, trust) }, resolve, reject)
    if (!asked.listen()) return
    asked.startedAt = this.startedAt
    asked.waited = true
    asked.inner = true
    asked.guard = cluster.guardOf(undefined)
    const { timeout, perTryTimeout } = this.#plan ?? this.route?.plan ?? ONE_TRY
    asked.#plan = { ...ONE_TRY, timeout, perTryTimeout }
    asked.enter(cluster)
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  abort(reason: unknown): void {
    if (this.over) return
    this.flag('DC')
    this.outcome.details = 'downstream_remote_disconnect'
    if (this.#answer !== undefined) return this.#cutBody(reason as Error, false)
    this.#tries?.cancel(false)
    this.fail(reason)
    this.leave?.(reason)
    this.#instead?.drop()
  }

  /** The caller wants no more of the body. */
  dropped(): void {
    if (this.over) return
    this.#tries?.cancel(false)
    this.end()
    this.#reading?.cancel()
  }

  #cutBody(error: Error, timeout: boolean): void {
    this.outcome.error = error
    this.#tries?.cancel(timeout)
    this.end()
    this.#reading?.cancel()
    this.#answer!.fail(error)
  }

  protected letGo(): void {
    this.#tries?.end()
    this.#routeTimer?.cancel()
  }
}
