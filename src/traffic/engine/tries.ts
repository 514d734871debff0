/**
 * From a request that is ready to go to one answer: a try, perhaps under the cluster's policies, and what follows when it fails. It
 * decides as Envoy's router does (wanted, allowed, affordable), counts, waits and tries again; usually one try runs at a time, with
 * hedging several. Redirects, faults, headers and the body are nothing to it.
 */
import { getHeader } from '../../base/formats/headers.ts'
import type { Timer } from '../../base/time/clock.ts'
import { NoHealthyEndpointError, OverflowError } from '../../core/errors.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { ResetReason, WireBody, WireRequest, WireResponse } from '../../core/transport.ts'
import { backoffInterval, shouldRetryReset, shouldRetryResponse } from '../../policies/retry/kernel.ts'
import type { CompiledRetry, Plan } from '../routing/compiled-route.ts'
import type { Host } from '../upstream/host.ts'
import { RetryPriorities } from '../upstream/retry-priorities.ts'
import { Attempt, type AttemptOwner, type Try } from './attempt.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { Engine } from './engine.ts'
import type { Guard } from './guard.ts'
import { GuardedTry, isTimeLimit, ResetError } from './guarded-try.ts'
import { type LocalReply, policyReply, REPLIES } from './local-reply.ts'
import { repeatable } from './recorded-body.ts'

/** Who wants the answer. Exactly one of `answered`, `unanswered`, `reset` is called, unless it cancels first. */
export interface TriesOwner {
  readonly outcome: Outcome
  readonly method: string
  readonly body: WireBody | undefined
  readonly uploaded: boolean
  readonly tls: string | undefined
  /** The request as it shall be sent; `expected`: ms that the upstream is told it has, `Infinity` for no limit. */
  wire(expected: number): WireRequest
  flag(flag: string): void
  /** An upstream's response headers are there. Then either `completed` or `broken`. */
  answered(response: WireResponse): void
  /** The answer is one of ours. */
  unanswered(reply: LocalReply): void
  /** The last try ended before its answer. */
  reset(reason: ResetReason, error: Error): void
  completed(): void
  /** The answer's body ended before its time. */
  broken(reason: ResetReason, error: Error): void
}

export class Tries implements AttemptOwner {
  perTryTimeout: number
  readonly #engine: Engine
  readonly #cluster: ClusterRuntime
  readonly #guard: Guard | undefined
  readonly #plan: Plan | undefined
  readonly #owner: TriesOwner
  readonly #hash: bigint | undefined
  /** When the route's time is up, ms of the clock. */
  #deadline: number
  #left: number
  #expected = Infinity
  #running: Try | undefined
  /** Tries that ran into the per-try timeout and may still answer. */
  #hedged: Try[] | undefined
  #waiting: Timer | undefined
  #tried: Host[] | undefined
  #priorities: RetryPriorities | undefined
  #hasSlot = false
  #retriedBefore = false
  #answered = false
  #over = false

  constructor(
    engine: Engine,
    cluster: ClusterRuntime,
    guard: Guard | undefined,
    plan: Plan | undefined,
    owner: TriesOwner,
    hash: bigint | undefined,
    deadline: number,
  ) {
    this.#engine = engine
    this.#cluster = cluster
    this.#guard = guard
    this.#plan = plan
    this.#owner = owner
    this.#hash = hash
    this.#deadline = deadline
    this.#left = plan?.retry?.numRetries ?? 0
    this.perTryTimeout = plan?.perTryTimeout ?? 0
  }

  /** Sends a try. */
  start(now: number): void {
    const { outcome } = this.#owner
    outcome.attempts++
    this.#expected = this.perTryTimeout > 0 && !this.#hedges ? this.perTryTimeout : Infinity
    const timeout = this.#plan?.timeout ?? 0
    if (!this.uploaded && timeout > 0 && timeout < this.#expected) this.#expected = timeout
    if (this.#deadline !== Infinity) {
      // A clock with fractions makes 500.0000001 of 500.
      const left = Math.max(1, Math.ceil(this.#deadline - now - 0.001))
      if (left < this.#expected) this.#expected = left
    }
    const guarded = this.#guard?.next
    if (guarded === undefined) return this.send(this, now)
    const guard = new GuardedTry(this, this.#cluster.name, this.#engine.clock)
    this.#running = guard
    guard.start(guarded, { method: this.#owner.method, host: this.#cluster.name, deadline: this.#deadline, attempt: outcome.attempts })
  }

  /** Chooses an endpoint and sends; whatever becomes of it is told to `owner`. */
  send(owner: AttemptOwner<any> & { noHealthy(): void }, now: number): void {
    const retry = this.#plan?.retry
    const host = this.#cluster.choose(now, this.#hash, retry?.previousHosts === true ? this.#tried : undefined, this.#priorities)
    if (host === undefined) return owner.noHealthy()
    this.#owner.outcome.endpoint = host.address
    if (retry !== undefined) {
      if (this.#tried === undefined) this.#tried = [host]
      else this.#tried.push(host)
      if (retry.previousPriorities > 0) {
        this.#priorities ??= new RetryPriorities(retry.previousPriorities)
        this.#priorities.attempted(host)
      }
    }
    const attempt = new Attempt(this.#cluster, host, owner)
    if (owner === this) this.#running = attempt
    else (owner as GuardedTry).attempt = attempt
    attempt.start()
  }

  /** A stream cannot be sent by two at once. */
  get #hedges(): boolean {
    const { body } = this.#owner
    return this.#plan?.hedge === true && (body === undefined || body.bytes !== undefined)
  }

  get uploaded(): boolean {
    return this.#owner.uploaded
  }

  /** The request is complete: its times begin. */
  bodySent(deadline: number): void {
    this.#deadline = deadline
    this.#running?.bodySent()
  }

  get tls(): string | undefined {
    return this.#owner.tls
  }

  wire(): WireRequest {
    return this.#owner.wire(this.#expected)
  }

  // ── how a try goes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  answered(from: Try, response: WireResponse): void {
    if (this.#over) return
    const retry = this.#plan?.retry
    if (retry !== undefined && !this.#isAnswer(from, response, retry)) return
    this.#cluster.stats.answered(response.status)
    this.#answered = true
    if (this.#hedged !== undefined || this.#waiting !== undefined) this.#dropOthers(from)
    this.#running = from
    this.#owner.answered(response)
  }

  /** Whether this response is passed on; otherwise the try is dropped and another one runs or will. */
  #isAnswer(from: Try, response: WireResponse, retry: CompiledRetry): boolean {
    const header = (name: string) => getHeader(response.headers, name)
    const wanted =
      shouldRetryResponse(retry.retryOn, response.status, header) ||
      (retry.retriableHeaders !== undefined &&
        retry.retryOn.tokens.has('retriable-headers') &&
        retry.retriableHeaders.some(name => header(name) !== undefined))
    const triedAgain = this.#hedged?.includes(from) === true
    if (!triedAgain && this.#mayRetry(wanted)) {
      from.cancel(false)
      this.#later()
      return false
    }
    if (wanted && this.#othersRun(from)) {
      from.cancel(false)
      return false
    }
    this.#giveSlot()
    return true
  }

  failed(from: Try, reason: ResetReason, error: Error, sent: boolean): void {
    if (this.#over) return
    if (this.#answered) return this.#owner.broken(reason, error)
    this.#owner.outcome.error = error
    if (this.#hedged !== undefined && this.#othersRun(from)) return
    const retry = this.#plan?.retry
    if (retry !== undefined && reason !== 'overflow' && this.#mayRetry(shouldRetryReset(retry.retryOn, reason, sent))) return this.#later()
    this.#giveSlot()
    this.#owner.reset(reason, error)
  }

  timedOut(from: Try): void {
    if (this.#over) return
    this.#cluster.stats.upstream_rq_per_try_timeout++
    const retry = this.#plan?.retry
    const wanted = retry !== undefined && shouldRetryReset(retry.retryOn, 'per_try_timeout', true)
    if (this.#hedges) {
      if (from instanceof Attempt) from.charge()
      if (!this.#mayRetry(true)) return
      if (this.#hedged === undefined) this.#hedged = [from]
      else this.#hedged.push(from)
      return this.#later()
    }
    from.cancel(true)
    if (this.#mayRetry(wanted)) return this.#later()
    this.#owner.flag('UT')
    this.#owner.unanswered(REPLIES.upstream_per_try_timeout)
  }

  completed(): void {
    if (this.#answered) this.#owner.completed()
  }

  noHealthy(): void {
    this.#cluster.stats.upstream_cx_none_healthy++
    this.#giveSlot()
    this.#owner.unanswered(REPLIES.no_healthy_upstream)
  }

  /** A policy said no, or what it let through has failed. */
  refused(from: Try, error: unknown): void {
    if (this.#over) return
    if (error instanceof ResetError)
      return error.reason === 'per_try_timeout' ? this.timedOut(from) : this.failed(from, error.reason, error.cause as Error, error.sent)
    if (error instanceof NoHealthyEndpointError) return this.noHealthy()
    if (error instanceof OverflowError) return this.failed(from, 'overflow', error.cause as Error, false)
    this.#owner.outcome.error = error
    const retry = this.#plan?.retry
    if (isTimeLimit(error) && retry !== undefined && this.#mayRetry(shouldRetryReset(retry.retryOn, 'per_try_timeout', true)))
      return this.#later()
    this.#giveSlot()
    this.#owner.unanswered(policyReply(error))
  }

  // ── another try? ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Envoy's decision: wanted, allowed, affordable. A slot that the last retry held is given back first. */
  #mayRetry(wanted: boolean): boolean {
    const { stats, limits } = this.#cluster
    if (this.#retriedBefore && !wanted) stats.upstream_rq_retry_success++
    this.#giveSlot()
    if (!wanted || !repeatable(this.#owner.body, this.#engine.retryBufferLimit)) return false
    if (this.#left === 0) {
      stats.upstream_rq_retry_limit_exceeded++
      this.#owner.flag('URX')
      return false
    }
    this.#left--
    if (!limits.takeRetry()) {
      stats.upstream_rq_retry_overflow++
      this.#owner.flag('UO')
      return false
    }
    this.#hasSlot = true
    this.#retriedBefore = true
    stats.upstream_rq_retry++
    stats.upstream_rq_retry_backoff_exponential++
    return true
  }

  #later(): void {
    const retry = this.#plan!.retry!
    const wait = Math.floor(this.#engine.random() * backoffInterval(this.#owner.outcome.attempts, retry.baseInterval, retry.maxInterval))
    this.#running = undefined
    const again = () => {
      this.#waiting = undefined
      this.start(this.#engine.clock.now())
    }
    this.#waiting = this.#engine.clock.schedule(wait, again, { keepAlive: true })
  }

  #giveSlot(): void {
    if (!this.#hasSlot) return
    this.#hasSlot = false
    this.#cluster.limits.retries.give()
  }

  // ── several at once, and the end ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes a try off; whether another one may still answer. */
  #othersRun(without: Try): boolean {
    if (this.#hedged === undefined) return false
    const at = this.#hedged.indexOf(without)
    if (at >= 0) this.#hedged.splice(at, 1)
    if (this.#running === without) this.#running = undefined
    return this.#running !== undefined || this.#waiting !== undefined || this.#hedged.length > 0
  }

  /** This one answers; the rest is not wanted any more. */
  #dropOthers(one: Try): void {
    this.#waiting?.cancel()
    this.#waiting = undefined
    const hedged = this.#hedged
    const running = this.#running
    this.#hedged = undefined
    if (running !== one) running?.cancel(false)
    if (hedged !== undefined) for (const other of hedged) if (other !== one) other.cancel(false)
  }

  /** Gives everything up; the owner hears nothing more. `timeout`: the endpoints that owe an answer are charged with it. */
  cancel(timeout: boolean): void {
    if (this.#over) return
    this.end()
    const running = this.#running
    const hedged = this.#hedged
    this.#running = this.#hedged = undefined
    if (running !== undefined) this.#giveUp(running, timeout)
    if (hedged !== undefined) for (const other of hedged) this.#giveUp(other, timeout)
  }

  #giveUp(one: Try, timeout: boolean): void {
    if (timeout) this.#cluster.stats.upstream_rq_timeout++
    one.cancel(timeout)
  }

  /** Nothing of it may stay behind. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#giveSlot()
    this.#waiting?.cancel()
  }
}
