/**
 * A try inside the cluster's policies (circuit breaker, rate limiter, time limiter, bulkhead). They speak of calls and promises, the
 * engine of callbacks: here the one becomes the other. Whatever ends the try settles the promise, so that no permit is left behind.
 */
import type { Clock } from '../../base/time/clock.ts'
import { Call } from '../../core/call.ts'
import { isMeshlessError, NoHealthyEndpointError, OverflowError, reject, TimeLimitError } from '../../core/errors.ts'
import type { Next } from '../../core/next.ts'
import type { ResetReason, WireRequest, WireResponse } from '../../core/transport.ts'
import type { Host } from '../upstream/host.ts'
import type { Attempt, AttemptOwner, Try } from './attempt.ts'

/** The innermost place of the chain: what the policies stand around. */
export const guardedTry: Next<WireResponse> = call => (call.context as GuardedTry).innermost(call)

/** What a guarded try needs of those it is made for. */
export interface GuardedOwner extends AttemptOwner {
  send(owner: AttemptOwner & { noHealthy(): void }, now: number): void
  refused(from: Try, error: unknown): void
}

export class GuardedTry implements Try, AttemptOwner {
  attempt: Attempt | undefined
  readonly perTryTimeout: number
  /** Which try of its request it is. */
  readonly nth: number
  readonly #owner: GuardedOwner
  readonly #cluster: string
  readonly #clock: Clock
  #call: Call | undefined
  #resolve: ((response: WireResponse) => void) | undefined
  #reject: ((error: unknown) => void) | undefined
  #delivered = false
  /** Says that the work has ended: what the policies hold for it comes back. */
  #ended: (() => void) | undefined
  /** The body's end, when it came while the response was still on its way through the policies. */
  #afterwards: (() => void) | undefined
  #over = false

  constructor(owner: GuardedOwner, cluster: string, clock: Clock, nth: number) {
    this.nth = nth
    this.#owner = owner
    this.#clock = clock
    this.#cluster = cluster
    this.perTryTimeout = owner.perTryTimeout
  }

  get host(): Host | undefined {
    return this.attempt?.host
  }

  start(chain: Next, options: { method: string; host: string; deadline: number }): void {
    const call = new Call(options)
    call.attempt = this.nth
    call.context = this
    this.#call = call
    let result: WireResponse | PromiseLike<WireResponse>
    try {
      result = chain(call)
    } catch (error) {
      return this.#failedInside(error)
    }
    Promise.resolve(result).then(
      response => {
        if (this.#over) return
        call.end()
        this.#delivered = true
        this.#owner.answered(this, response)
        this.#afterwards?.()
      },
      error => this.#failedInside(error),
    )
  }

  /** The policies let it through. */
  innermost(call: Call): Promise<WireResponse> {
    return new Promise((resolve, rejectWith) => {
      this.#resolve = resolve
      this.#reject = rejectWith
      call.onAbort(reason => {
        this.attempt?.cancel(isTimeLimit(reason))
        this.#fail(reason)
      })
      this.#owner.send(this, this.#clock.now())
    })
  }

  #fail(error: unknown): void {
    const fail = this.#reject
    this.#resolve = this.#reject = undefined
    fail?.(error)
  }

  #failedInside(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#call?.end()
    // A policy may have given up on a try that had its answer.
    this.attempt?.cancel(isTimeLimit(error))
    this.#end()
    this.#owner.refused(this, error)
  }

  // What the attempt says.

  get tls(): string | undefined {
    return this.#owner.tls
  }

  get uploaded(): boolean {
    return this.#owner.uploaded
  }

  bodySent(): void {
    this.attempt?.bodySent()
  }

  wire(nth: number): WireRequest {
    return this.#owner.wire(nth)
  }

  answered(_attempt: Try, response: WireResponse): void {
    this.#reject = undefined
    this.#ended = this.#call?.leftRunning() // a slot is held to the end of the body
    this.#resolve?.(response)
  }

  #end(): void {
    const ended = this.#ended
    this.#ended = undefined
    ended?.()
  }

  failed(_attempt: Try, reason: ResetReason, error: Error, sent: boolean): void {
    this.#end()
    if (this.#reject === undefined) return this.#after(() => this.#owner.failed(this, reason, error, sent))
    this.#fail(
      reason === 'overflow'
        ? reject(OverflowError, `${this.#cluster}: ${error.message}`, { cause: error })
        : new ResetError(reason, error, sent),
    )
  }

  timedOut(attempt: Try): void {
    attempt.cancel(true)
    this.#fail(new ResetError('per_try_timeout', new Error(`no answer within ${this.perTryTimeout} ms`), true))
  }

  completed(): void {
    this.#end()
    this.#after(() => this.#owner.completed(this))
  }

  #after(end: () => void): void {
    if (this.#delivered) end()
    else this.#afterwards = end
  }

  noHealthy(): void {
    this.#fail(reject(NoHealthyEndpointError, `no healthy endpoint in ${this.#cluster}`))
  }

  /** From outside: the route's time is up (then the policies count a failure), or nobody wants the answer any more. */
  cancel(timeout: boolean): void {
    if (this.#over) return
    this.#over = true
    this.attempt?.cancel(timeout)
    this.#end()
    this.#call?.abort(timeout ? new TimeLimitError(`${this.#cluster}: the route timeout passed`) : new Error('given up'))
    this.#call?.end()
  }
}

/** A try that ended before its answer, on its way through the policies. */
export class ResetError extends Error {
  readonly reason: ResetReason | 'per_try_timeout'
  readonly sent: boolean
  constructor(reason: ResetReason | 'per_try_timeout', cause: Error, sent: boolean) {
    super(reason, { cause })
    this.reason = reason
    this.sent = sent
  }
}

export const isTimeLimit = (error: unknown): boolean => isMeshlessError(error) && error.code === 'ERR_TIME_LIMIT'
