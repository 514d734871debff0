/**
 * The connections of one host, as Envoy's conn_pool_base keeps them: a ready one is used at once (the last used first); otherwise the
 * request waits in line while connections are made, as far as the cluster's limits allow.
 */
import type { Clock, Timer } from '../../../base/time/clock.ts'
import type {
  Connection,
  ConnectionListener,
  ConnectTarget,
  ResetReason,
  Stream,
  StreamListener,
  Transport,
  WireRequest,
  WireResponse,
} from '../../../core/transport.ts'
import type { ClusterLimits } from './limits.ts'

/** Somebody who wants a connection. Exactly one of these is called, `ready` perhaps at once. */
export interface PoolListener {
  ready(lease: Lease): void
  rejected(reason: ResetReason, error: Error): void
}

/** The right to send one request on a connection. */
export interface Lease {
  send(request: WireRequest, listener: StreamListener): Stream
}

/** A place in the line. */
export interface PoolTicket {
  cancel(): void
}

export interface PoolSettings {
  /** ms that a ready connection is kept; `Infinity` for ever. */
  idleTimeout: number
  /** 0 for no bound. */
  maxRequestsPerConnection: number
  /** ms; 0 for no bound. */
  maxConnectionDuration: number
}

export class HostPool implements ConnectionListener {
  readonly #transport: Transport
  readonly #target: () => ConnectTarget
  readonly #limits: ClusterLimits
  readonly #clock: Clock
  readonly settings: PoolSettings
  readonly #ready: Member[] = []
  readonly #members = new Map<Connection, Member>()
  readonly #line = new Set<Waiter>()
  #connecting = 0
  #idleTimer: Timer | undefined
  #closed = false

  constructor(transport: Transport, target: () => ConnectTarget, limits: ClusterLimits, clock: Clock, settings: PoolSettings) {
    this.#transport = transport
    this.#target = target
    this.#limits = limits
    this.#clock = clock
    this.settings = settings
  }

  /** Whether any connection or waiter is left. */
  get busy(): boolean {
    return this.#members.size > 0 || this.#line.size > 0
  }

  acquire(listener: PoolListener): PoolTicket {
    const member = this.#ready.at(-1)
    if (member !== undefined) {
      this.#attach(member, listener)
      return GONE
    }
    const { pending, stats } = this.#limits
    if (!pending.tryTake()) {
      stats.upstream_rq_pending_overflow++
      listener.rejected('overflow', overflow('pending requests', pending.max))
      return GONE
    }
    stats.upstream_rq_pending_total++
    const waiter = new Waiter(this, listener)
    this.#line.add(waiter)
    this.#grow()
    return waiter
  }

  /** A waiter gave up. */
  left(waiter: Waiter): void {
    if (this.#line.delete(waiter)) this.#limits.pending.give()
  }

  /** Connects while more wait than connections are on their way. */
  #grow(): void {
    const { connections, stats } = this.#limits
    while (this.#line.size > this.#connecting) {
      if (!connections.tryTake()) {
        stats.upstream_cx_overflow++
        if (this.#members.size > 0) return
        connections.take()
      }
      stats.upstream_cx_total++
      this.#connecting++
      const target = this.#target()
      const connection = this.#transport.connect(target, this)
      this.#members.set(connection, new Member(this, connection))
    }
  }

  connected(connection: Connection): void {
    const member = this.#members.get(connection)
    if (member === undefined) return
    this.#connecting = Math.max(0, this.#connecting - 1)
    member.since = member.idleSince = this.#clock.now()
    this.#ready.push(member)
    this.#serve()
    this.#watchIdle()
  }

  failed(connection: Connection, reason: 'connection_failure' | 'connection_timeout', error: Error): void {
    if (!this.#members.delete(connection)) return
    const { stats, connections, pending } = this.#limits
    this.#connecting = Math.max(0, this.#connecting - 1)
    connections.give()
    stats.upstream_cx_connect_fail++
    if (reason === 'connection_timeout') stats.upstream_cx_connect_timeout++
    // All who wait here fail together; the line is emptied first, so that a retry re-enters a clean pool.
    const waiting = [...this.#line]
    this.#line.clear()
    for (const _waiter of waiting) {
      pending.give()
      stats.upstream_rq_pending_failure_eject++
    }
    for (const waiter of waiting) waiter.listener.rejected(reason, error)
  }

  available(connection: Connection): void {
    const member = this.#members.get(connection)
    if (member === undefined || member.draining) return
    member.idleSince = this.#clock.now()
    if (!this.#ready.includes(member) && member.active < connection.concurrency) this.#ready.push(member)
    this.#serve()
    this.#watchIdle()
  }

  closed(connection: Connection): void {
    const member = this.#members.get(connection)
    if (member === undefined) return
    this.#members.delete(connection)
    this.#limits.connections.give()
    this.#unready(member)
    if (!this.#closed) this.#grow()
  }

  #serve(): void {
    while (this.#line.size > 0) {
      const member = this.#ready.at(-1)
      if (member === undefined) return
      const waiter = this.#line.values().next().value!
      this.#line.delete(waiter)
      this.#limits.pending.give()
      this.#attach(member, waiter.listener)
    }
  }

  #attach(member: Member, listener: PoolListener): void {
    const { requests, stats } = this.#limits
    if (!requests.tryTake()) {
      stats.upstream_rq_pending_overflow++
      return listener.rejected('overflow', overflow('requests', requests.max))
    }
    member.active++
    member.served++
    const { maxRequestsPerConnection, maxConnectionDuration } = this.settings
    const last = maxRequestsPerConnection > 0 && member.served >= maxRequestsPerConnection
    const old = maxConnectionDuration > 0 && this.#clock.now() - member.since >= maxConnectionDuration
    if (last || old || member.active >= member.connection.concurrency) this.#unready(member)
    if (last) stats.upstream_cx_max_requests++
    member.draining = member.draining || last || old
    listener.ready(member)
  }

  /** A request on this member is over. */
  ended(member: Member): void {
    member.active--
    this.#limits.requests.give()
    if (member.draining && member.active === 0) member.connection.drain()
  }

  #unready(member: Member): void {
    const at = this.#ready.indexOf(member)
    if (at >= 0) this.#ready.splice(at, 1)
  }

  /** One timer for the pool: it looks at the connection that has been idle longest. */
  #watchIdle(): void {
    if (
      this.#idleTimer !== undefined ||
      this.settings.idleTimeout === Infinity ||
      this.settings.idleTimeout <= 0 ||
      this.#ready.length === 0
    )
      return
    this.#idleTimer = this.#clock.schedule(this.settings.idleTimeout, () => {
      this.#idleTimer = undefined
      const now = this.#clock.now()
      for (const member of [...this.#ready])
        if (member.active === 0 && now - member.idleSince >= this.settings.idleTimeout) {
          this.#limits.stats.upstream_cx_idle_timeout++
          this.#unready(member)
          member.draining = true
          member.connection.drain()
        }
      this.#watchIdle()
    })
  }

  /** No new connections; idle ones close, running requests end first. */
  close(): void {
    this.#closed = true
    this.#idleTimer?.cancel()
    this.#ready.length = 0
    for (const member of this.#members.values()) {
      member.draining = true
      if (member.active === 0) member.connection.drain()
    }
  }
}

class Waiter implements PoolTicket {
  readonly listener: PoolListener
  readonly #pool: HostPool
  constructor(pool: HostPool, listener: PoolListener) {
    this.#pool = pool
    this.listener = listener
  }
  cancel(): void {
    this.#pool.left(this)
  }
}

const GONE: PoolTicket = { cancel() {} }

/** A connection in the pool. It is the lease of the request that uses it. */
class Member implements Lease {
  readonly connection: Connection
  readonly #pool: HostPool
  active = 0
  served = 0
  draining = false
  since = 0
  idleSince = 0

  constructor(pool: HostPool, connection: Connection) {
    this.#pool = pool
    this.connection = connection
  }

  send(request: WireRequest, listener: StreamListener): Stream {
    return new Exchanged(this.#pool, this, request, listener)
  }
}

/** One request on a member: sees to it that its permit ends exactly once. */
class Exchanged implements Stream, StreamListener {
  readonly #pool: HostPool
  readonly #member: Member
  readonly #listener: StreamListener
  readonly #stream: Stream
  #over = false

  constructor(pool: HostPool, member: Member, request: WireRequest, listener: StreamListener) {
    this.#pool = pool
    this.#member = member
    this.#listener = listener
    this.#stream = member.connection.send(request, this)
  }

  response(response: WireResponse): void {
    this.#listener.response(response)
  }

  reset(reason: ResetReason, error: Error): void {
    this.#end()
    this.#listener.reset(reason, error)
  }

  complete(): void {
    this.#end()
    this.#listener.complete()
  }

  cancel(error?: Error): void {
    this.#end()
    this.#stream.cancel(error)
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#pool.ended(this.#member)
  }
}

function overflow(what: string, limit: number): Error {
  return Object.assign(new Error(`overflow: the limit of ${limit} ${what} is reached`), { limit })
}
