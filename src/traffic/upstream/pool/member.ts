/** A connection in the pool. It is the lease of the request that uses it. */

import type { Timer } from '../../../base/time/clock.ts'
import { runInMicrotask } from '../../../base/time/event-loop.ts'
import { errorOf } from '../../../core/error-kinds.ts'
import type { Connection, ResetReason, Stream, StreamListener, WireRequest, WireResponse } from '../../../core/transport.ts'
import { asStream, responseFault } from './transport-shapes.ts'

/** The right to send one request on a connection. */
export interface Lease {
  send(request: WireRequest, listener: StreamListener): Stream
}

/** Who is told when a request on a member is over. */
export interface MemberOwner {
  /** `cut`: why it ended before its time; `local_reset`: we gave it up. */
  ended(member: Member, cut: ResetReason | undefined): void
  /** Tells a listener that its request, which had the connection for itself, was reset. */
  fail(listener: StreamListener, reason: ResetReason, error: Error): void
}

export class Member implements Lease {
  readonly connection: Connection
  readonly #owner: MemberOwner
  /** Many requests may run on it at once (HTTP/2): giving one up does not close it. */
  readonly isShared: boolean
  /** Streams that it was thought to take while it was connecting; 0 once it is connected. */
  promised: number
  active = 0
  served = 0
  /** Takes no more requests. */
  draining = false
  /** We were the ones who closed it. */
  closedByUs = false
  connectedAt = 0
  /** Ends it when connecting takes longer than it may be idle. */
  impatience: Timer | undefined
  idleSince = 0
  /** Neighbours in the list of the ready. */
  isReady = false
  newer: Member | undefined
  older: Member | undefined

  constructor(owner: MemberOwner, connection: Connection, promised: number, isShared: boolean) {
    this.#owner = owner
    this.connection = connection
    this.promised = promised
    this.isShared = isShared
  }

  send(request: WireRequest, listener: StreamListener): Stream {
    return new Exchanged(this.#owner, this, request, listener)
  }

  /** Closes it when its requests have ended, at once when there is none. */
  drain(): void {
    this.draining = true
    if (this.active > 0) return
    this.closedByUs = true
    this.connection.drain()
  }
}

/** One request on a member: sees to it that its permit ends exactly once. */
class Exchanged implements Stream, StreamListener {
  readonly #owner: MemberOwner
  readonly #member: Member
  readonly #listener: StreamListener
  readonly #stream: Stream
  #over = false
  /** Nothing follows the response headers. */
  #bare = false

  constructor(owner: MemberOwner, member: Member, request: WireRequest, listener: StreamListener) {
    this.#owner = owner
    this.#member = member
    this.#listener = listener
    this.#stream = this.#send(request)
  }

  /** A transport is perhaps code of the user: what one throws ends the request, and the connection, of which nothing is known. */
  #send(request: WireRequest): Stream {
    const { connection } = this.#member
    try {
      return asStream(connection.send(request, this))
    } catch (thrown) {
      runInMicrotask(() => {
        this.reset('local_reset', errorOf(thrown))
        connection.destroy()
      })
      return { cancel() {} }
    }
  }

  response(response: WireResponse): void {
    const fault = responseFault(response)
    if (fault !== undefined) return this.#refuse(fault)
    this.#bare = response.body.length === 0
    this.#listener.response(response)
  }

  #refuse(fault: Error): void {
    if (this.#over) return
    this.reset('protocol_error', fault)
    this.#stream.cancel(fault)
  }

  reset(reason: ResetReason, error: Error): void {
    if (this.#over) return
    this.#end(reason)
    if (this.#member.isShared) this.#listener.reset(reason, error)
    else this.#owner.fail(this.#listener, reason, error)
  }

  complete(): void {
    this.#end(undefined)
    this.#listener.complete()
  }

  unsent(): void {
    if (this.#listener.unsent === undefined)
      return this.reset('connection_termination', new Error('the connection was closed before the request was written'))
    this.#end(undefined)
    this.#listener.unsent()
  }

  cancel(error?: Error): void {
    if (!this.#over && !this.#member.isShared) this.#member.closedByUs = true
    this.#end(this.#bare ? undefined : 'local_reset')
    this.#stream.cancel(error)
  }

  #end(cut: ResetReason | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#owner.ended(this.#member, cut)
  }
}

/** The ready members, last come first: joining, leaving and taking the newest cost the same however many there are. */
export class ReadyList {
  newest: Member | undefined

  add(member: Member): void {
    if (member.isReady) return
    member.isReady = true
    member.older = this.newest
    if (this.newest !== undefined) this.newest.newer = member
    this.newest = member
  }

  remove(member: Member): void {
    if (!member.isReady) return
    member.isReady = false
    if (member.newer === undefined) this.newest = member.older
    else member.newer.older = member.older
    if (member.older !== undefined) member.older.newer = member.newer
    member.newer = member.older = undefined
  }
}
