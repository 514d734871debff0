/**
 * A request on its way to endpoints. Each try is told how long it has, goes through the cluster's policies and to an endpoint chosen for it; several
 * may run beside each other. What becomes of a try, and whether another one follows, is judged by tries.ts.
 */
import type { Outcome } from '../../core/outcome.ts'
import type { ResetReason, WireBody, WireRequest, WireResponse } from '../../core/transport.ts'
import type { Trust } from '../../core/trust.ts'
import type { Hedging } from '../../policies/hedge/layer.ts'
import type { CompiledRetry, Plan } from '../routing/compiled-route.ts'
import type { Host } from '../upstream/host.ts'
import { isOutOfReach, outOfReach } from '../upstream/reach.ts'
import { RetryPriorities } from '../upstream/retry-priorities.ts'
import { Attempt, type AttemptOwner, type Try } from './attempt.ts'
import { Beside } from './beside.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { Engine } from './engine.ts'
import type { Guard } from './guard.ts'
import { type GuardedOwner, GuardedTry } from './guarded-try.ts'
import { elsewhere, Hedges, mayHedge } from './hedges.ts'
import { goesOn } from './plan.ts'

/** Whose request it is. */
export interface Sender {
  readonly outcome: Outcome
  readonly method: string
  readonly body: WireBody | undefined
  readonly uploaded: boolean
  readonly tls: string | undefined
  /** What bounds the endpoints that it may be sent to. */
  readonly trust: Trust | undefined
  /** The request as it shall be sent by the try with this number; `expected`: ms that the upstream is told it has, `Infinity` for no limit. */
  wire(nth: number, expected: number): WireRequest
}

export abstract class Sending<Owner extends Sender> implements AttemptOwner, GuardedOwner {
  perTryTimeout: number
  protected readonly engine: Engine
  protected readonly cluster: ClusterRuntime
  protected readonly plan: Plan | undefined
  protected readonly owner: Owner
  /** The latest try. */
  protected running: Try | undefined
  /** All that run, when there may be several. */
  protected beside: Beside | undefined
  /** The hedge block, when it applies to this request. */
  protected hedges: Hedges | undefined
  readonly #guard: Guard | undefined
  readonly #hash: bigint | undefined
  /** When the route's time is up, ms of the clock. */
  #deadline: number
  #expected = Infinity
  #tried: Host[] | undefined
  #priorities: RetryPriorities | undefined

  constructor(
    engine: Engine,
    cluster: ClusterRuntime,
    guard: Guard | undefined,
    plan: Plan | undefined,
    owner: Owner,
    hash: bigint | undefined,
    deadline: number,
  ) {
    this.engine = engine
    this.cluster = cluster
    this.plan = plan
    this.owner = owner
    this.#guard = guard
    this.#hash = hash
    this.#deadline = deadline
    this.perTryTimeout = plan?.perTryTimeout ?? 0
    const hedging = guard?.hedge
    if (hedging !== undefined && mayHedge(hedging, owner.method, owner.body, engine.retryBufferLimit)) this.#hedge(hedging)
  }

  /** Apart from where every request comes by, as it makes closures. */
  #hedge(hedging: Hedging): void {
    this.beside = new Beside(this.cluster)
    this.hedges = new Hedges(hedging, this.cluster, () => this.start(this.engine.clock.now()))
  }

  /** Sends a try. */
  start(now: number): void {
    const { outcome } = this.owner
    outcome.attempts++
    this.running = undefined
    this.#expected = this.#timeOfTry(now)
    const guarded = this.#guard?.next
    if (guarded === undefined) this.send(this, now)
    else {
      const guard = new GuardedTry(this, this.cluster.name, this.engine.clock, outcome.attempts)
      this.#begun(guard, now)
      guard.start(guarded, { method: this.owner.method, host: this.cluster.name, deadline: this.#deadline })
    }
    if (this.hedges !== undefined && this.awaiting) this.hedges.arm(now)
  }

  /** ms until somebody stops waiting for the try that begins now. */
  #timeOfTry(now: number): number {
    let time = this.perTryTimeout > 0 && !this.goesOnLate ? this.perTryTimeout : Infinity
    const timeout = this.plan?.timeout ?? 0
    if (!this.uploaded && timeout > 0 && timeout < time) time = timeout
    if (this.#deadline === Infinity) return time
    // A clock with fractions makes 500.0000001 of 500.
    const left = Math.max(1, Math.ceil(this.#deadline - now - 0.001))
    return left < time ? left : time
  }

  #begun(one: Try, now: number): void {
    this.running = one
    this.beside?.add(one, now, this.hedges?.starting === true)
  }

  /** Chooses an endpoint and sends; whatever becomes of it is told to `owner`. */
  send(owner: AttemptOwner<any> & { noHealthy(): void }, now: number): void {
    const retry = this.plan?.retry
    const host = this.#choose(now, retry)
    if (host === undefined || isOutOfReach(host, this.owner.trust)) return this.#noHealthy(owner, host)
    this.owner.outcome.endpoint = host.address
    if (retry !== undefined || this.hedges !== undefined) {
      if (this.#tried === undefined) this.#tried = [host]
      else this.#tried.push(host)
      if (retry !== undefined && retry.previousPriorities > 0) {
        this.#priorities ??= new RetryPriorities(retry.previousPriorities)
        this.#priorities.attempted(host)
      }
    }
    const attempt = new Attempt(this.cluster, host, owner, owner === this ? this.owner.outcome.attempts : (owner as GuardedTry).nth)
    if (owner === this) this.#begun(attempt, now)
    else (owner as GuardedTry).attempt = attempt
    attempt.start()
  }

  /** `host`: one that may not be asked. */
  #noHealthy(owner: { noHealthy(): void }, host: Host | undefined): void {
    const error = host === undefined ? this.cluster.leftOut : outOfReach(host.address, this.owner.trust!)
    if (error !== undefined) this.owner.outcome.error = error
    owner.noHealthy()
  }

  #choose(now: number, retry: CompiledRetry | undefined): Host | undefined {
    const tried = this.#tried
    if (this.hedges !== undefined && tried !== undefined) return this.#chooseElsewhere(now, tried)
    return this.cluster.choose(now, this.#hash, retry?.previousHosts === true ? tried : undefined, this.#priorities)
  }

  #chooseElsewhere(now: number, tried: readonly Host[]): Host | undefined {
    return elsewhere(tried, () => this.cluster.choose(now, this.#hash, tried, this.#priorities))
  }

  /** Whether a try that reaches its time goes on beside the next one, as Envoy hedges. A stream cannot be sent by two at once. */
  protected get goesOnLate(): boolean {
    return this.hedges === undefined && goesOn(this.plan, this.owner.body)
  }

  // ── what a try asks ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get uploaded(): boolean {
    return this.owner.uploaded
  }

  get tls(): string | undefined {
    return this.owner.tls
  }

  wire(nth: number): WireRequest {
    return this.owner.wire(nth, this.#expected)
  }

  /** The request is complete: its times begin. */
  bodySent(deadline: number): void {
    this.#deadline = deadline
    this.running?.bodySent()
  }

  // ── how a try goes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether an answer is still to come from what has been sent. */
  protected abstract get awaiting(): boolean
  abstract answered(from: Try, response: WireResponse): void
  abstract failed(from: Try, reason: ResetReason, error: Error, sent: boolean): void
  abstract timedOut(from: Try): void
  abstract completed(from: Try): void
  abstract noHealthy(from?: Try): void
  abstract refused(from: Try, error: unknown): void
}
