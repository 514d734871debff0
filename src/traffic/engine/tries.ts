/**
 * From a request that is ready to go to one answer: a try, perhaps under the cluster's policies, and what follows when it fails. It
 * decides as Envoy's router does (wanted, allowed, affordable), counts, waits and tries again. Usually one try runs at a time; several
 * that run beside each other are beside.ts', and when the hedge block starts one, hedges.ts'. Redirects, faults, headers and the body are nothing to it.
 */
import { NoHealthyEndpointError, OverflowError } from '../../core/errors.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { ResetReason, WireBody, WireRequest, WireResponse } from '../../core/transport.ts'
import type { Hedging } from '../../policies/hedge/layer.ts'
import { shouldRetryReset } from '../../policies/retry/kernel.ts'
import type { CompiledRetry, Plan } from '../routing/compiled-route.ts'
import type { Host } from '../upstream/host.ts'
import { RetryPriorities } from '../upstream/retry-priorities.ts'
import { Attempt, type AttemptOwner, type Try } from './attempt.ts'
import { Beside } from './beside.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { Engine } from './engine.ts'
import type { Guard } from './guard.ts'
import { GuardedTry, isTimeLimit, ResetError } from './guarded-try.ts'
import { elsewhere, Hedges, mayHedge } from './hedges.ts'
import { type LocalReply, policyReply, REPLIES } from './local-reply.ts'
import { goesOn } from './plan.ts'
import { isTooEarly, Retries, wantsAnother } from './retries.ts'

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
  #expected = Infinity
  /** The latest try. */
  #running: Try | undefined
  /** All that run, when there may be several. */
  #beside: Beside | undefined
  /** The hedge block, when it applies to this request. */
  #hedges: Hedges | undefined
  #retries: Retries | undefined
  #tried: Host[] | undefined
  #priorities: RetryPriorities | undefined
  /** Any try has gone out: then nothing is `reset-before-request` any more. */
  #sent = false
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
    this.perTryTimeout = plan?.perTryTimeout ?? 0
    const hedging = guard?.hedge
    if (hedging !== undefined && mayHedge(hedging, owner.method, owner.body, engine.retryBufferLimit)) this.#hedge(hedging)
  }

  /** Apart from where every request comes by, as it makes closures. */
  #hedge(hedging: Hedging): void {
    this.#beside = new Beside(this.#cluster)
    this.#hedges = new Hedges(hedging, this.#cluster, () => this.start(this.#engine.clock.now()))
  }

  /** Sends a try. */
  start(now: number): void {
    const { outcome } = this.#owner
    outcome.attempts++
    this.#running = undefined
    this.#expected = this.perTryTimeout > 0 && !this.#goesOnLate ? this.perTryTimeout : Infinity
    const timeout = this.#plan?.timeout ?? 0
    if (!this.uploaded && timeout > 0 && timeout < this.#expected) this.#expected = timeout
    if (this.#deadline !== Infinity) {
      // A clock with fractions makes 500.0000001 of 500.
      const left = Math.max(1, Math.ceil(this.#deadline - now - 0.001))
      if (left < this.#expected) this.#expected = left
    }
    const guarded = this.#guard?.next
    if (guarded === undefined) this.send(this, now)
    else {
      const guard = new GuardedTry(this, this.#cluster.name, this.#engine.clock)
      this.#begun(guard, now)
      guard.start(guarded, { method: this.#owner.method, host: this.#cluster.name, deadline: this.#deadline, attempt: outcome.attempts })
    }
    if (this.#hedges !== undefined && !this.#over && !this.#answered && this.#retries?.waiting !== true) this.#hedges.arm(now)
  }

  #begun(one: Try, now: number): void {
    this.#running = one
    this.#beside?.add(one, now, this.#hedges?.starting === true)
  }

  /** Chooses an endpoint and sends; whatever becomes of it is told to `owner`. */
  send(owner: AttemptOwner<any> & { noHealthy(): void }, now: number): void {
    const retry = this.#plan?.retry
    const host = this.#choose(now, retry)
    if (host === undefined) return owner.noHealthy()
    this.#owner.outcome.endpoint = host.address
    if (retry !== undefined || this.#hedges !== undefined) {
      if (this.#tried === undefined) this.#tried = [host]
      else this.#tried.push(host)
      if (retry !== undefined && retry.previousPriorities > 0) {
        this.#priorities ??= new RetryPriorities(retry.previousPriorities)
        this.#priorities.attempted(host)
      }
    }
    const attempt = new Attempt(this.#cluster, host, owner)
    if (owner === this) this.#begun(attempt, now)
    else (owner as GuardedTry).attempt = attempt
    attempt.start()
  }

  #choose(now: number, retry: CompiledRetry | undefined): Host | undefined {
    const tried = this.#tried
    if (this.#hedges !== undefined && tried !== undefined) return this.#chooseElsewhere(now, tried)
    return this.#cluster.choose(now, this.#hash, retry?.previousHosts === true ? tried : undefined, this.#priorities)
  }

  #chooseElsewhere(now: number, tried: readonly Host[]): Host | undefined {
    return elsewhere(tried, () => this.#cluster.choose(now, this.#hash, tried, this.#priorities))
  }

  /** Whether a try that reaches its time goes on beside the next one, as Envoy hedges. A stream cannot be sent by two at once. */
  get #goesOnLate(): boolean {
    return this.#hedges === undefined && goesOn(this.#plan, this.#owner.body)
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
    this.#sent = true
    const retry = this.#plan?.retry
    const wanted = retry !== undefined && wantsAnother(retry, response)
    if ((wanted || this.#beside !== undefined) && !this.#decides(from, response, wanted)) return
    if (wanted || this.#beside?.isLate(from) === true) this.#retries?.giveSlot()
    else this.#retries?.may(false)
    this.#deliver(from, response)
  }

  /** Whether this response is passed on, bad as it is or one of several; otherwise another try runs or will, or the held one decides. */
  #decides(from: Try, response: WireResponse, wanted: boolean): boolean {
    const bad = wanted || response.status >= 500
    const drop = () => from.cancel(false)
    if (this.#hedges !== undefined) {
      if (!bad) this.#hedges.answered(this.#beside!.remove(from), this.#engine.clock.now())
      else if (this.#waits(from, () => this.#deliver(from, response), drop)) return false
    }
    if (wanted && this.#beside?.isLate(from) !== true && this.#again.may(true)) {
      drop()
      this.#beside?.remove(from)
      this.#later(isTooEarly(this.#plan!.retry!, response))
      return false
    }
    if (wanted && this.#waits(from)) {
      drop()
      return false
    }
    if (this.#hedges === undefined || !bad) return true
    this.#hedges.failed()
    if (!this.#beside!.isHeld) return true
    drop()
    this.#beside!.tellHeld()
    return false
  }

  #deliver(from: Try, response: WireResponse): void {
    this.#cluster.stats.answered(response.status)
    this.#answered = true
    if (this.#beside !== undefined) {
      this.#owner.outcome.endpoint = from.host?.address ?? ''
      this.#hedges?.disarm()
      this.#retries?.stopWaiting()
      this.#beside.keepOnly(from)
    }
    this.#running = from
    this.#owner.answered(response)
  }

  failed(from: Try, reason: ResetReason, error: Error, sent: boolean): void {
    if (this.#over || this.#beside?.ends(from, () => this.#owner.broken(reason, error)) === true) return
    if (this.#answered) return this.#owner.broken(reason, error)
    this.#owner.outcome.error = error
    this.#sent ||= sent
    const tell = () => this.#owner.reset(reason, error)
    if (this.#waits(from, tell)) return
    const retry = this.#plan?.retry
    if (retry !== undefined && reason !== 'overflow' && this.#again.may(shouldRetryReset(retry.retryOn, reason, this.#sent)))
      return this.#later()
    this.#lost(tell)
  }

  timedOut(from: Try): void {
    if (this.#over) return
    this.#cluster.stats.upstream_rq_per_try_timeout++
    this.#sent = true
    const retry = this.#plan?.retry
    if (this.#goesOnLate) {
      if (from instanceof Attempt) from.charge()
      if (!this.#again.may(true)) return
      this.#beside ??= new Beside(this.#cluster)
      this.#beside.late(from)
      return this.#later()
    }
    from.cancel(true)
    const tell = () => {
      this.#owner.flag('UT')
      this.#owner.unanswered(REPLIES.upstream_per_try_timeout)
    }
    if (this.#waits(from, tell)) return
    if (this.#again.may(retry !== undefined && shouldRetryReset(retry.retryOn, 'per_try_timeout', true))) return this.#later()
    this.#lost(tell)
  }

  completed(from: Try): void {
    if (this.#answered) this.#owner.completed()
    else this.#beside?.ends(from, () => this.#owner.completed())
  }

  noHealthy(from?: Try): void {
    this.#cluster.stats.upstream_cx_none_healthy++
    const tell = () => this.#owner.unanswered(REPLIES.no_healthy_upstream)
    if (!this.#waits(from, tell)) this.#lost(tell)
  }

  /** A policy said no, or what it let through has failed. */
  refused(from: Try, error: unknown): void {
    if (this.#over) return
    if (error instanceof ResetError)
      return error.reason === 'per_try_timeout' ? this.timedOut(from) : this.failed(from, error.reason, error.cause as Error, error.sent)
    if (error instanceof NoHealthyEndpointError) return this.noHealthy(from)
    if (error instanceof OverflowError) return this.failed(from, 'overflow', error.cause as Error, false)
    if (from.host === undefined) this.#owner.outcome.attempts-- // nothing was sent
    const tell = () => {
      this.#owner.outcome.error = error
      this.#owner.unanswered(policyReply(error))
    }
    if (this.#waits(from, tell)) return
    const retry = this.#plan?.retry
    if (isTimeLimit(error) && retry !== undefined && this.#again.may(shouldRetryReset(retry.retryOn, 'per_try_timeout', true)))
      return this.#later()
    this.#lost(tell)
  }

  /**
   * A try has failed. True: others still run, so nothing is decided yet. With the hedge block what the first try came to is held: `tell`
   * says it when no other one does better, `drop` lets go of it.
   */
  #waits(from: Try | undefined, tell: () => void = nothing, drop: () => void = nothing): boolean {
    const beside = this.#beside
    if (beside === undefined) return false
    const begun = from === undefined ? undefined : beside.remove(from)
    if (this.#running === from) this.#running = undefined
    if (beside.size === 0 && this.#retries?.waiting !== true) return false
    if (this.#hedges !== undefined) beside.hold(begun, from, tell, drop)
    return true
  }

  /** The last try has failed: the request ends as its first one did. */
  #lost(tell: () => void): void {
    this.#retries?.giveSlot()
    this.#hedges?.failed()
    if (this.#beside?.isHeld === true) this.#beside.tellHeld()
    else tell()
  }

  /** Made when the first try fails. */
  get #again(): Retries {
    this.#retries ??= new Retries(this.#engine, this.#cluster, this.#plan?.retry, this.#owner)
    return this.#retries
  }

  #later(atOnce = false): void {
    this.#running = undefined
    this.#hedges?.disarm()
    this.#beside?.dropHeld()
    this.#again.wait(() => this.start(this.#engine.clock.now()), atOnce)
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives everything up; the owner hears nothing more. `timeout`: the endpoints that owe an answer are charged with it. */
  cancel(timeout: boolean): void {
    if (this.#over) return
    const running = this.#running
    const others = this.#beside?.takeAll()
    this.end()
    this.#running = undefined
    if (running !== undefined) this.#giveUp(running, timeout)
    if (others !== undefined) for (const other of others) if (other !== running) this.#giveUp(other, timeout)
  }

  #giveUp(one: Try, timeout: boolean): void {
    if (timeout) this.#cluster.stats.upstream_rq_timeout++
    one.cancel(timeout)
  }

  /** Nothing of it may stay behind. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#retries?.end()
    this.#hedges?.disarm()
  }
}

const nothing = () => {}
