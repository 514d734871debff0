/**
 * One request from the door to its end, in the order of order.ts. It is a state machine on callbacks: a request that meets no trouble
 * makes one promise, and no closure that it does not need.
 */
import { getHeader, setHeader } from '../../base/formats/headers.ts'
import type { Timer } from '../../base/time/clock.ts'
import { parseDuration } from '../../base/time/duration.ts'
import { Call } from '../../core/call.ts'
import { NoHealthyEndpointError, OverflowError, reject, TimeLimitError } from '../../core/errors.ts'
import type { Next } from '../../core/layer.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { BodyReader, BodySource, ResetReason, WireBody, WireRequest, WireResponse } from '../../core/transport.ts'
import type { HttpFault } from '../../envoy/index.ts'
import { backoffInterval, shouldRetryReset, shouldRetryResponse } from '../../policies/retry/kernel.ts'
import type { CompiledRoute, Destination } from '../routing/compiled-route.ts'
import { selected } from '../routing/compiled-route.ts'
import { normalizePath } from '../routing/normalize.ts'
import type { RequestView } from '../routing/request-view.ts'
import { type HashResult, hashOf } from '../upstream/hash.ts'
import type { Host } from '../upstream/host.ts'
import { RetryPriorities } from '../upstream/retry-priorities.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { Engine } from './engine.ts'
import type { MeshReply, MeshRequest } from './exchange.ts'
import type { Fallback } from './guard.ts'
import { asGrpc, faultReply, flagOf, type LocalReply, policyReply, REPLIES, resetReply, statusText } from './local-reply.ts'
import { RecordedBody, repeatable } from './recorded-body.ts'

/** Starts a request. */
export function execute(engine: Engine, request: MeshRequest): Promise<MeshReply> {
  return new Promise((resolve, reject) => new Exchange(engine, request, resolve, reject).start())
}

/** The innermost place of a guarded try: what the cluster's policies stand around. */
export const guardedTry: Next<WireResponse> = call => (call.context as Exchange).tryUnder(call)

class Exchange implements AttemptOwner, BodySource, RequestView {
  readonly method: string
  readonly scheme: string
  readonly port: number
  authority: string
  path: string
  headers: string[]
  perTryTimeout = 0
  /** Of the answer, for header formatters. */
  status = 0
  readonly #engine: Engine
  readonly #request: MeshRequest
  readonly #resolve: (reply: MeshReply) => void
  readonly #reject: (error: unknown) => void
  readonly #startedAt: number
  readonly #random: number
  readonly #outcome: Outcome
  #body: WireBody | undefined
  #unlisten: (() => void) | undefined
  #routeTimer: Timer | undefined
  #waiting: Timer | undefined
  #routeDeadline = Infinity
  #route: CompiledRoute | undefined
  #cluster: ClusterRuntime | undefined
  #destination: Destination | undefined
  #hash: HashResult | undefined
  #attempt: Attempt | undefined
  /** How long the try may take, as the upstream is told. */
  #expected = Infinity
  #triesLeft = 0
  #hasRetrySlot = false
  #retriedBefore = false
  #tried: Host[] | undefined
  #retryPriorities: RetryPriorities | undefined
  #call: Call | undefined
  #guardAnswer: ((response: WireResponse) => void) | undefined
  #guardFail: ((error: unknown) => void) | undefined
  #over = false
  #responded = false
  #source: BodySource | undefined
  #reader: BodyReader | undefined
  #bodyError: Error | undefined

  constructor(engine: Engine, request: MeshRequest, resolve: (reply: MeshReply) => void, reject: (error: unknown) => void) {
    this.#engine = engine
    this.#request = request
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
    this.#body = request.body
    this.#outcome = {
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

  // ── match, destination ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    const signal = this.#request.signal
    if (signal !== undefined) {
      if (signal.aborted) return this.#reject(signal.reason)
      const listener = () => this.#abort(signal.reason)
      signal.addEventListener('abort', listener, { once: true })
      this.#unlisten = () => signal.removeEventListener('abort', listener)
    }
    const path = normalizePath(this.path)
    if (path === undefined) return this.#local(REPLIES.path_normalization_failed, false)
    this.path = path
    const engine = this.#engine
    if (!engine.table.has(this.port)) return this.#ungoverned()
    const found = engine.table.match(this)
    if (found === undefined) {
      engine.stats.no_route++
      return this.#local(REPLIES.route_not_found, false)
    }
    const route = found.route
    this.#route = route
    this.#outcome.route = route.name
    const fault = route.fault
    if (fault !== undefined && engine.faults) return this.#inject(fault)
    this.#answerOrRoute()
  }

  /** A port that no rule speaks of. */
  #ungoverned(): void {
    if (!this.#engine.allowAny) return this.#local(REPLIES.blocked, false)
    this.#enter(this.#engine.passthrough(this.#request.scheme, this.authority, this.port))
  }

  #inject(fault: HttpFault): void {
    const engine = this.#engine
    const stats = engine.stats
    const delay =
      fault.delay !== undefined && selected(fault.delay.percentage, engine.random())
        ? (parseDuration(fault.delay.fixedDelay ?? '0s') ?? 0)
        : 0
    if (this.#route!.clusterFor !== undefined) this.#destination = this.#route!.clusterFor(this.#random)
    this.#outcome.cluster = this.#destination?.cluster ?? ''
    const then = () => {
      const { abort } = fault
      if (abort === undefined || !selected(abort.percentage, engine.random())) return this.#answerOrRoute()
      stats['fault.aborts_injected']++
      this.#local(faultReply(abort.httpStatus, abort.grpcStatus), true)
    }
    if (delay === 0) return then()
    stats['fault.delays_injected']++
    stats['fault.active_faults']++
    this.#flag('DI')
    this.#waiting = engine.clock.schedule(
      delay,
      () => {
        this.#waiting = undefined
        stats['fault.active_faults']--
        then()
      },
      { keepAlive: true },
    )
  }

  #answerOrRoute(): void {
    const route = this.#route!
    if (route.redirect !== undefined) {
      this.#engine.stats.rq_redirect++
      const to = route.redirect(this)
      return this.#reply(to.status, ['location', to.location], '', 'direct_response', '', true)
    }
    if (route.directResponse !== undefined) {
      this.#engine.stats.rq_direct_response++
      const { status, body } = route.directResponse
      return this.#reply(status, body === '' ? [] : ['content-type', 'text/plain'], body, 'direct_response', '', true)
    }
    this.#destination ??= route.clusterFor!(this.#random)
    const name = this.#destination.cluster
    if (name === PASSTHROUGH) return this.#enter(this.#engine.passthrough(this.#request.scheme, this.authority, this.port))
    const cluster = this.#engine.clusters.get(name)
    if (cluster === undefined) {
      this.#engine.stats.no_cluster++
      this.#outcome.cluster = ''
      return this.#local(REPLIES.cluster_not_found, true)
    }
    this.#enter(cluster)
  }

  // ── rewrite, mirror, route timeout ─────────────────────────────────────────────────────────────────────────────────────────────

  #enter(cluster: ClusterRuntime): void {
    this.#cluster = cluster
    this.#outcome.cluster = cluster.name
    if (cluster.warming !== undefined) {
      const go = () => {
        if (!this.#over) this.#send()
      }
      cluster.warming.then(go, go)
    } else this.#send()
  }

  #send(): void {
    const route = this.#route
    const cluster = this.#cluster!
    if (route !== undefined) {
      if (route.hashPolicies !== undefined) {
        this.#hash = hashOf(route.hashPolicies, this, this.#engine.clientAddress)
      }
      const headers = this.headers.slice()
      this.headers = headers
      route.applyRequest(this, this.#destination)
      if (route.mirrors !== undefined) this.#mirror(route)
      if (route.timeout > 0) {
        this.#routeDeadline = this.#engine.clock.now() + route.timeout
        this.#routeTimer = this.#engine.clock.schedule(route.timeout, () => this.#routeTimeout(), { keepAlive: true })
      }
      const retry = route.retry
      if (retry !== undefined) {
        this.#body = recorded(this.#body, this.#engine.retryBufferLimit, cluster.stats)
        if (repeatable(this.#body, this.#engine.retryBufferLimit)) this.#triesLeft = retry.numRetries
        else cluster.stats.retry_or_shadow_abandoned++
        this.perTryTimeout = route.timeout > 0 && retry.perTryTimeout >= route.timeout ? 0 : retry.perTryTimeout
      }
    }
    this.#try()
  }

  #mirror(route: CompiledRoute): void {
    for (const mirror of route.mirrors!) {
      if (!mirror.selects(this.#random)) continue
      const cluster = this.#engine.clusters.get(mirror.cluster)
      if (cluster === undefined) continue
      if (this.#body !== undefined && (this.#body.bytes === undefined || !repeatable(this.#body, this.#engine.retryBufferLimit))) {
        this.#cluster!.stats.retry_or_shadow_abandoned++
        continue
      }
      const request = { ...this.#request, headers: this.headers.slice(), authority: this.authority, path: this.path, signal: undefined }
      const shadow = new Exchange(this.#engine, request, reply => reply.body?.cancel(), ignore)
      shadow.shadow(cluster, route.timeout)
    }
  }

  /** Runs as a mirror: one try, its answer is thrown away. */
  shadow(cluster: ClusterRuntime, timeout: number): void {
    this.#cluster = cluster
    this.#outcome.cluster = cluster.name
    if (timeout > 0) this.#routeTimer = this.#engine.clock.schedule(timeout, () => this.#routeTimeout())
    this.#try()
  }

  #routeTimeout(): void {
    this.#routeTimer = undefined
    if (this.#over) return
    this.#cluster!.stats.upstream_rq_timeout++
    this.#flag('UT')
    if (this.#responded) {
      this.#outcome.details = 'response_timeout'
      return this.#failBody(new TimeLimitError('route timeout: the response body took too long', { policy: this.#outcome.route }), true)
    }
    this.#cancelTry(true)
    this.#local(REPLIES.response_timeout, true)
  }

  // ── tries ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #try(): void {
    this.#outcome.attempts++
    this.#expected = this.perTryTimeout > 0 ? this.perTryTimeout : Infinity
    if (this.#routeDeadline !== Infinity)
      this.#expected = Math.min(this.#expected, Math.max(1, Math.ceil(this.#routeDeadline - this.#engine.clock.now())))
    const guarded = this.#cluster!.guarded
    if (guarded === undefined) {
      this.#start()
      return
    }
    const call = new Call({ method: this.method, host: this.#request.authority, deadline: this.#routeDeadline })
    call.attempt = this.#outcome.attempts
    call.context = this
    this.#call = call
    let result: PromiseLike<WireResponse> | WireResponse
    try {
      result = guarded(call)
    } catch (error) {
      return this.#refused(call, error)
    }
    Promise.resolve(result).then(
      response => {
        if (!this.#over && this.#call === call) this.#onAnswer(response)
      },
      error => this.#refused(call, error),
    )
  }

  /** One try inside the cluster's policies. */
  tryUnder(call: Call): Promise<WireResponse> {
    return new Promise((resolve, reject) => {
      this.#guardAnswer = resolve
      this.#guardFail = reject
      call.onAbort(() => this.#cancelTry(true))
      this.#start()
    })
  }

  /** A policy said no, or the try failed inside of it. */
  #refused(call: Call, error: unknown): void {
    call.end()
    if (this.#over || this.#call !== call) return
    if (error instanceof ResetError) return this.#onReset(error.reason, error.cause as Error, error.sent)
    if (error instanceof NoHealthyEndpointError) return this.#noHealthy()
    if (error instanceof OverflowError) return this.#onReset('overflow', error.cause as Error, false)
    this.#outcome.error = error
    this.#endRetry()
    this.#local(policyReply(error), true)
  }

  #start(): void {
    const cluster = this.#cluster!
    const retry = this.#route?.retry
    const host = cluster.choose(this.#hash?.hash, retry?.previousHosts === true ? this.#tried : undefined, this.#retryPriorities)
    if (host === undefined) {
      if (this.#guardFail !== undefined) {
        const fail = this.#guardFail
        this.#guardFail = this.#guardAnswer = undefined
        return fail(reject(NoHealthyEndpointError, `no healthy endpoint in ${cluster.name}`))
      }
      return this.#noHealthy()
    }
    this.#outcome.endpoint = host.address
    if (retry !== undefined) {
      this.#tried ??= []
      this.#tried.push(host)
      if (retry.previousPriorities > 0) {
        this.#retryPriorities ??= new RetryPriorities(retry.previousPriorities)
        this.#retryPriorities.attempted(host)
      }
    }
    const attempt = new Attempt(cluster, host, this)
    this.#attempt = attempt
    attempt.start()
  }

  #noHealthy(): void {
    this.#cluster!.stats.upstream_cx_none_healthy++
    this.#endRetry()
    this.#local(REPLIES.no_healthy_upstream, true)
  }

  wire(): WireRequest {
    const headers = this.headers
    const timeout = this.#expected
    if (this.#route !== undefined) {
      setHeader(headers, 'x-envoy-attempt-count', String(this.#outcome.attempts))
      if (timeout !== Infinity) setHeader(headers, 'x-envoy-expected-rq-timeout-ms', String(Math.floor(timeout)))
    }
    return { method: this.method, path: this.path, authority: this.authority, scheme: this.scheme, headers, body: this.#body }
  }

  get tls(): string | undefined {
    return this.scheme === 'https' ? this.#request.authority.replace(/:\d+$/, '') : undefined
  }

  answered(_attempt: Attempt, response: WireResponse): void {
    const answer = this.#guardAnswer
    if (answer !== undefined) {
      this.#guardFail = this.#guardAnswer = undefined
      answer(response)
    } else this.#onAnswer(response)
  }

  failed(attempt: Attempt, reason: ResetReason, error: Error): void {
    if (this.#over) return
    if (this.#responded) {
      this.#flag(flagOf(reason))
      this.#outcome.details = `upstream_reset_after_response_started{${reason}}`
      this.#outcome.error = error
      return this.#end()
    }
    const fail = this.#guardFail
    if (fail !== undefined) {
      this.#guardFail = this.#guardAnswer = undefined
      fail(
        reason === 'overflow'
          ? reject(OverflowError, `${this.#cluster!.name}: ${error.message}`, { cause: error })
          : new ResetError(reason, error, attempt.sent),
      )
    } else this.#onReset(reason, error, attempt.sent)
  }

  timedOut(): void {
    this.#cluster!.stats.upstream_rq_per_try_timeout++
    this.#cancelTry(true)
    const retry = this.#route?.retry
    if (retry !== undefined && this.#mayRetry(shouldRetryReset(retry.retryOn, 'per_try_timeout', true))) return this.#retryLater()
    this.#flag('UT')
    this.#local(REPLIES.upstream_per_try_timeout, true)
  }

  completed(): void {
    if (this.#responded) this.#end()
  }

  #onAnswer(response: WireResponse): void {
    const retry = this.#route?.retry
    const { status } = response
    if (retry !== undefined) {
      if (this.#mayRetry(shouldRetryResponse(retry.retryOn, status, name => getHeader(response.headers, name)))) {
        this.#attempt?.cancel(false)
        return this.#retryLater()
      }
      this.#endRetry()
    }
    this.#cluster!.stats.answered(status)
    const fallback = this.#cluster!.fallback
    if (fallback !== undefined && status >= 500) {
      this.#attempt?.cancel(false)
      return this.#fallBack(fallback)
    }
    this.#deliver(response)
  }

  #onReset(reason: ResetReason, error: Error, sent: boolean): void {
    this.#outcome.error = error
    const retry = this.#route?.retry
    if (retry !== undefined && reason !== 'overflow' && this.#mayRetry(shouldRetryReset(retry.retryOn, reason, sent)))
      return this.#retryLater()
    this.#endRetry()
    // The caller's own body broke: that is between him and us, as in fetch.
    if (reason === 'local_reset' || this.#cluster!.name === PASSTHROUGH) return this.#networkError(error)
    this.#flag(flagOf(reason))
    this.#local(resetReply(reason, error, this.#outcome.attempts > 1), true)
  }

  /** A host that no rule governs fails as it would without us. */
  #networkError(error: Error): void {
    this.#end()
    this.#reject(new TypeError('fetch failed', { cause: error }))
  }

  // ── retry ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Envoy's decision: wanted, allowed, affordable. */
  #mayRetry(wanted: boolean): boolean {
    const { stats, limits } = this.#cluster!
    if (this.#retriedBefore && !wanted) stats.upstream_rq_retry_success++
    this.#endRetry()
    if (!wanted || this.#over) return false
    if (!repeatable(this.#body, this.#engine.retryBufferLimit)) return false
    if (this.#triesLeft === 0) {
      stats.upstream_rq_retry_limit_exceeded++
      this.#flag('URX')
      return false
    }
    this.#triesLeft--
    if (!limits.takeRetry()) {
      stats.upstream_rq_retry_overflow++
      this.#flag('UO')
      return false
    }
    this.#hasRetrySlot = true
    this.#retriedBefore = true
    stats.upstream_rq_retry++
    stats.upstream_rq_retry_backoff_exponential++
    return true
  }

  #endRetry(): void {
    if (!this.#hasRetrySlot) return
    this.#hasRetrySlot = false
    this.#cluster!.limits.retries.give()
  }

  #retryLater(): void {
    const retry = this.#route!.retry!
    const wait = Math.floor(this.#engine.random() * backoffInterval(this.#outcome.attempts, retry.baseInterval, retry.maxInterval))
    this.#attempt = undefined
    this.#waiting = this.#engine.clock.schedule(
      wait,
      () => {
        this.#waiting = undefined
        this.#try()
      },
      { keepAlive: true },
    )
  }

  #cancelTry(timeout: boolean): void {
    const attempt = this.#attempt
    this.#attempt = undefined
    this.#guardAnswer = this.#guardFail = undefined
    attempt?.cancel(timeout)
  }

  // ── the answer ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #deliver(response: WireResponse): void {
    this.#responded = true
    this.#source = response.body
    const outcome = this.#outcome
    outcome.details = 'via_upstream'
    outcome.error = undefined
    outcome.durations.headers = this.#engine.clock.now() - this.#startedAt
    const headers = response.headers as string[]
    this.status = response.status
    this.#finishHeaders(headers)
    this.#resolve({ status: response.status, statusText: response.statusText, headers, body: this, text: undefined, outcome })
  }

  #finishHeaders(headers: string[]): void {
    this.#route?.applyResponse(headers, this.#destination, this)
    if (this.#hash?.setCookie !== undefined) headers.push('set-cookie', this.#hash.setCookie)
  }

  #local(reply: LocalReply, withHeaderRules: boolean): void {
    const fallback = this.#cluster?.fallback
    if (reply.flag !== '') this.#flag(reply.flag)
    if (fallback !== undefined && reply.status >= 500) return this.#fallBack(fallback)
    const made = this.header('content-type')?.startsWith('application/grpc') ? asGrpc(reply) : reply
    this.#reply(made.status, [...made.headers], made.body, reply.details, '', withHeaderRules)
  }

  #fallBack(fallback: Fallback): void {
    this.#reply(fallback.status, fallback.body === '' ? [] : ['content-type', 'text/plain'], fallback.body, 'meshless_fallback', '', true)
  }

  #reply(status: number, headers: string[], text: string, details: string, flag: string, withHeaderRules: boolean): void {
    if (this.#over) return
    if (flag !== '') this.#flag(flag)
    const outcome = this.#outcome
    outcome.details = details
    outcome.durations.headers = this.#engine.clock.now() - this.#startedAt
    this.status = status
    if (withHeaderRules) this.#finishHeaders(headers)
    this.#end()
    this.#resolve({ status, statusText: statusText(status), headers, body: undefined, text, outcome })
  }

  #abort(reason: unknown): void {
    if (this.#over) return
    this.#flag('DC')
    this.#outcome.details = 'downstream_remote_disconnect'
    if (this.#responded) return this.#failBody(reason as Error, false)
    this.#cancelTry(false)
    this.#end()
    this.#call?.abort(reason)
    this.#reject(reason)
  }

  #failBody(error: Error, timeout: boolean): void {
    this.#bodyError = error
    const reader = this.#reader
    this.#cancelTry(timeout)
    this.#end()
    reader?.error(error)
  }

  /** Nothing of this request may stay behind. */
  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#endRetry()
    this.#routeTimer?.cancel()
    this.#waiting?.cancel()
    this.#unlisten?.()
    this.#call?.end()
    this.#outcome.durations.total = this.#engine.clock.now() - this.#startedAt
  }

  #flag(flag: string): void {
    const flags = this.#outcome.flags
    if (flags === '') this.#outcome.flags = flag
    else if (!flags.split(',').includes(flag)) this.#outcome.flags = `${flags},${flag}`
  }

  // ── the body, as its reader sees it ────────────────────────────────────────────────────────────────────────────────────────────

  get length(): number | undefined {
    return this.#source!.length
  }

  read(reader: BodyReader): void {
    if (this.#bodyError !== undefined) return reader.error(this.#bodyError)
    this.#reader = reader
    this.#source!.read(reader)
  }

  pause(): void {
    this.#source!.pause()
  }

  resume(): void {
    this.#source!.resume()
  }

  cancel(): void {
    if (this.#over) return
    this.#source!.cancel()
  }
}

/** A try that ended before its time, on its way through the cluster's policies. */
class ResetError extends Error {
  readonly reason: ResetReason
  readonly sent: boolean
  constructor(reason: ResetReason, cause: Error, sent: boolean) {
    super(reason, { cause })
    this.reason = reason
    this.sent = sent
  }
}

const PASSTHROUGH = 'PassthroughCluster'

const ignore = () => {}

function portOf(request: MeshRequest): number {
  const at = /:(\d+)$/.exec(request.authority)
  return at === null ? (request.scheme === 'https' ? 443 : 80) : Number(at[1])
}

/** A stream is kept while it is sent, for the next try. */
function recorded(body: WireBody | undefined, limit: number, stats: { retry_or_shadow_abandoned: number }): WireBody | undefined {
  if (body === undefined || body.bytes !== undefined) return body
  return new RecordedBody(body, limit, () => stats.retry_or_shadow_abandoned++)
}
