/** One try of a request on one endpoint: from the pool's queue to the last byte. It reports to the outlier detector and to its exchange, each exactly once. */
import { KEEP_ALIVE, type Timer } from '../../base/time/clock.ts'
import { runInMicrotask } from '../../base/time/event-loop.ts'
import type { ResetReason, Stream, StreamListener, WireRequest, WireResponse } from '../../core/transport.ts'
import type { Host } from '../upstream/host.ts'
import type { Lease } from '../upstream/pool/member.ts'
import type { PoolListener, PoolTicket } from '../upstream/pool/waiter.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import { isGrpc } from './grpc.ts'

/** A try that is under way. */
export interface Try {
  /** Where it went; `undefined` before that is chosen. */
  readonly host: Host | undefined
  /** The request is complete: the per-try timeout begins. */
  bodySent(): void
  /** Gives the try up; nobody hears of it any more. `timeout`: the endpoint is charged with it. */
  cancel(timeout: boolean): void
}

/** Who is told how the try goes. */
export interface AttemptOwner<T extends Try = Try> {
  /** The request as it shall be sent now, by the try with this number. */
  wire(nth: number): WireRequest
  /** The name under which TLS is spoken when the request itself says it. */
  readonly tls: string | undefined
  /** ms that the try may take once it has its connection and the request is complete; 0 for no limit. */
  readonly perTryTimeout: number
  /** Whether the request is complete. */
  readonly uploaded: boolean
  /** Response headers are there; the body waits. */
  answered(attempt: T, response: WireResponse): void
  /** It ended before its time, before or after the headers. `sent`: the request had gone out. */
  failed(attempt: T, reason: ResetReason, error: Error, sent: boolean): void
  /** No answer within the per-try timeout; the try still runs. */
  timedOut(attempt: T): void
  /** Everything was received. */
  completed(attempt: T): void
}

export class Attempt implements Try, PoolListener, StreamListener {
  readonly host: Host
  /** Whether the request went out (a connection was ready). */
  sent = false
  readonly #nth: number
  readonly #cluster: ClusterRuntime
  readonly #owner: AttemptOwner<Attempt>
  #ticket: PoolTicket | undefined
  #stream: Stream | undefined
  #timer: Timer | undefined
  #over = false
  #charged = false
  #grpc = false
  #answered = false

  /** `nth`: which try of its request it is; 1 for the first. */
  constructor(cluster: ClusterRuntime, host: Host, owner: AttemptOwner<Attempt>, nth: number) {
    this.#nth = nth
    this.#cluster = cluster
    this.host = host
    this.#owner = owner
  }

  start(): void {
    const ticket = this.#cluster.pool(this.host, this.#owner.tls).acquire(this)
    if (!this.sent && !this.#over) this.#ticket = ticket
  }

  // What the pool says.

  ready(lease: Lease): void {
    this.#ticket = undefined
    this.sent = true
    this.host.active++
    this.#cluster.stats.upstream_rq_total++
    this.#cluster.report(this.host, 'connected')
    this.bodySent()
    const request = this.#owner.wire(this.#nth)
    this.#grpc = isGrpc(request.headers)
    this.#stream = lease.send(request, this)
  }

  rejected(reason: ResetReason, error: Error): void {
    this.#ticket = undefined
    if (this.#over) return
    this.#over = true
    if (reason !== 'overflow') this.#cluster.report(this.host, 'connect-failure')
    this.#owner.failed(this, reason, error, false)
  }

  // What the stream says.

  response(response: WireResponse): void {
    if (this.#over) return
    this.#answered = true
    this.#timer?.cancel()
    this.#cluster.reportResponse(this.host, response, this.#grpc)
    this.#owner.answered(this, response)
  }

  /** The connection was gone before anything was written: the attempt waits for another one, as if it had never had this one. */
  unsent(): void {
    if (this.#over) return
    this.#timer?.cancel()
    this.#timer = this.#stream = undefined
    this.sent = false
    this.host.active--
    this.#cluster.stats.upstream_rq_total--
    // The pool hears of the closed connection first.
    runInMicrotask(() => {
      if (!this.#over) this.start()
    })
  }

  reset(reason: ResetReason, error: Error): void {
    if (!this.#finish()) return
    // What we gave up ourselves, or could not send, is not the endpoint's fault.
    if (reason !== 'local_reset') this.#cluster.report(this.host, 'reset')
    this.#owner.failed(this, reason, error, true)
  }

  complete(): void {
    if (this.#finish()) this.#owner.completed(this)
  }

  bodySent(): void {
    const { perTryTimeout, uploaded } = this.#owner
    if (perTryTimeout === 0 || !uploaded || !this.sent || this.#over || this.#answered || this.#timer !== undefined) return
    this.#timer = this.#cluster.clock.schedule(perTryTimeout, () => this.#owner.timedOut(this), KEEP_ALIVE)
  }

  cancel(timeout: boolean): void {
    if (this.#over) return
    const ticket = this.#ticket
    if (ticket !== undefined) {
      this.#over = true
      ticket.cancel()
      return
    }
    const stream = this.#stream
    if (!this.#finish()) return
    stream?.cancel()
    if (timeout) this.charge()
  }

  /** Reports a timeout to the detector, once, and not after response headers; the try may go on (a hedge). */
  charge(): void {
    if (this.#charged || this.#answered || !this.sent) return
    this.#charged = true
    this.#cluster.report(this.host, 'timeout')
  }

  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#timer?.cancel()
    if (this.sent) this.host.active--
    this.#stream = undefined
    return true
  }
}
