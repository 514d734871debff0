/**
 * From a request that is ready to go to one answer: what becomes of a try, and what follows when it fails. Decides as Envoy's router does
 * (wanted, allowed, affordable), counts, waits and tries again. How a try is sent is sending.ts'; several beside each other are beside.ts',
 * and when the hedge block starts one, hedges.ts'.
 */
import { NoHealthyEndpointError, OverflowError } from '../../core/errors.ts'
import type { ResetReason, WireResponse } from '../../core/transport.ts'
import { shouldRetryReset } from '../../policies/retry/kernel.ts'
import { Attempt, type Try } from './attempt.ts'
import { Beside } from './beside.ts'
import { isTimeLimit, ResetError } from './guarded-try.ts'
import { type LocalReply, policyReply, REPLIES } from './local-reply.ts'
import { isTooEarly, Retries, wantsAnother } from './retries.ts'
import { type Sender, Sending } from './sending.ts'

/** Who wants the answer. Exactly one of `answered`, `unanswered`, `reset` is called, unless it cancels first. */
export interface TriesOwner extends Sender {
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

export class Tries extends Sending<TriesOwner> {
  #retries: Retries | undefined
  /** Any try has gone out: then nothing is `reset-before-request` any more. */
  #sent = false
  #answered = false
  #over = false

  protected get awaiting(): boolean {
    return !this.#over && !this.#answered && this.#retries?.waiting !== true
  }

  answered(from: Try, response: WireResponse): void {
    if (this.#over) return
    this.#sent = true
    const retry = this.plan?.retry
    const wanted = retry !== undefined && wantsAnother(retry, response)
    if ((wanted || this.beside !== undefined) && !this.#decides(from, response, wanted)) return
    if (wanted || this.beside?.isLate(from) === true) this.#retries?.giveSlot()
    else this.#retries?.may(false)
    this.#deliver(from, response)
  }

  /** Whether this response is passed on, bad as it is or one of several; otherwise another try runs or will, or the held one decides. */
  #decides(from: Try, response: WireResponse, wanted: boolean): boolean {
    const bad = wanted || response.status >= 500
    const drop = () => from.cancel(false)
    if (this.hedges !== undefined) {
      if (!bad) this.hedges.answered(this.beside!.remove(from), this.engine.clock.now())
      else if (this.#waits(from, () => this.#deliver(from, response), drop)) return false
    }
    if (wanted && this.beside?.isLate(from) !== true && this.#again.may(true)) {
      drop()
      this.beside?.remove(from)
      this.#later(isTooEarly(this.plan!.retry!, response))
      return false
    }
    if (wanted && this.#waits(from)) {
      drop()
      return false
    }
    if (this.hedges === undefined || !bad) return true
    this.hedges.failed()
    if (!this.beside!.isHeld) return true
    drop()
    this.beside!.tellHeld()
    return false
  }

  #deliver(from: Try, response: WireResponse): void {
    this.cluster.stats.answered(response.status)
    this.#answered = true
    if (this.beside !== undefined) {
      this.owner.outcome.endpoint = from.host?.address ?? ''
      this.hedges?.disarm()
      this.#retries?.stopWaiting()
      this.beside.keepOnly(from)
    }
    this.running = from
    this.owner.answered(response)
  }

  failed(from: Try, reason: ResetReason, error: Error, sent: boolean): void {
    if (this.#over || this.beside?.ends(from, () => this.owner.broken(reason, error)) === true) return
    if (this.#answered) return this.owner.broken(reason, error)
    this.owner.outcome.error = error
    this.#sent ||= sent
    const tell = () => this.owner.reset(reason, error)
    if (this.#waits(from, tell)) return
    const retry = this.plan?.retry
    if (
      retry !== undefined &&
      reason !== 'local_reset' &&
      this.#again.may(reason !== 'overflow' && shouldRetryReset(retry.retryOn, reason, this.#sent))
    )
      return this.#later()
    this.#lost(tell)
  }

  timedOut(from: Try): void {
    if (this.#over) return
    this.cluster.stats.upstream_rq_per_try_timeout++
    this.#sent = true
    const retry = this.plan?.retry
    if (this.goesOnLate) {
      if (from instanceof Attempt) from.charge()
      if (!this.#again.may(true)) return
      this.beside ??= new Beside(this.cluster)
      this.beside.late(from)
      return this.#later()
    }
    from.cancel(true)
    const tell = () => {
      this.owner.flag('UT')
      this.owner.unanswered(REPLIES.upstream_per_try_timeout)
    }
    if (this.#waits(from, tell)) return
    if (this.#again.may(retry !== undefined && shouldRetryReset(retry.retryOn, 'per_try_timeout', true))) return this.#later()
    this.#lost(tell)
  }

  completed(from: Try): void {
    if (this.#answered) this.owner.completed()
    else this.beside?.ends(from, () => this.owner.completed())
  }

  noHealthy(from?: Try): void {
    this.cluster.stats.upstream_cx_none_healthy++
    const tell = () => this.owner.unanswered(REPLIES.no_healthy_upstream)
    if (!this.#waits(from, tell)) this.#lost(tell)
  }

  /** A policy said no, or what it let through has failed. */
  refused(from: Try, error: unknown): void {
    if (this.#over) return
    if (error instanceof ResetError)
      return error.reason === 'per_try_timeout' ? this.timedOut(from) : this.failed(from, error.reason, error.cause as Error, error.sent)
    if (error instanceof NoHealthyEndpointError) return this.noHealthy(from)
    if (error instanceof OverflowError) return this.failed(from, 'overflow', error.cause as Error, false)
    if (from.host === undefined) this.owner.outcome.attempts-- // nothing was sent
    const tell = () => {
      this.owner.outcome.error = error
      this.owner.unanswered(policyReply(error))
    }
    if (this.#waits(from, tell)) return
    const retry = this.plan?.retry
    if (isTimeLimit(error) && retry !== undefined && this.#again.may(shouldRetryReset(retry.retryOn, 'per_try_timeout', true)))
      return this.#later()
    this.#lost(tell)
  }

  /**
   * A try has failed. True: others still run, so nothing is decided yet. With the hedge block what the first try came to is held: `tell`
   * says it when no other one does better, `drop` lets go of it.
   */
  #waits(from: Try | undefined, tell: () => void = nothing, drop: () => void = nothing): boolean {
    const beside = this.beside
    if (beside === undefined) return false
    const begun = from === undefined ? undefined : beside.remove(from)
    if (this.running === from) this.running = undefined
    if (beside.size === 0 && this.#retries?.waiting !== true) return false
    if (this.hedges !== undefined) beside.hold(begun, from, tell, drop)
    return true
  }

  /** The last try has failed: the request ends as its first one did. */
  #lost(tell: () => void): void {
    this.#retries?.giveSlot()
    this.hedges?.failed()
    if (this.beside?.isHeld === true) this.beside.tellHeld()
    else tell()
  }

  /** Made when the first try fails. */
  get #again(): Retries {
    this.#retries ??= new Retries(this.engine, this.cluster, this.plan?.retry, this.owner)
    return this.#retries
  }

  #later(atOnce = false): void {
    this.running = undefined
    this.hedges?.disarm()
    this.beside?.dropHeld()
    this.#again.wait(() => this.start(this.engine.clock.now()), atOnce)
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives everything up; the owner hears nothing more. `timeout`: the endpoints that owe an answer are charged with it. */
  cancel(timeout: boolean): void {
    if (this.#over) return
    const running = this.running
    const others = this.beside?.takeAll()
    this.end()
    this.running = undefined
    if (running !== undefined) this.#giveUp(running, timeout)
    if (others !== undefined) for (const other of others) if (other !== running) this.#giveUp(other, timeout)
  }

  #giveUp(one: Try, timeout: boolean): void {
    if (timeout) this.cluster.stats.upstream_rq_timeout++
    one.cancel(timeout)
  }

  /** Nothing of it may stay behind. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#retries?.end()
    this.hedges?.disarm()
  }
}

const nothing = () => {}
