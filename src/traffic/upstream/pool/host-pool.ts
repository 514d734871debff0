/**
 * The connections of one host, as Envoy's conn_pool_base keeps them: a ready one is used at once (the last used first); otherwise the
 * request waits in line while connections are made, as far as the cluster's limits allow.
 */

import { type Clock, KEEP_ALIVE } from '../../../base/time/clock.ts'
import { runInMicrotask } from '../../../base/time/event-loop.ts'
import { errorOf } from '../../../core/error-kinds.ts'
import type { Connection, ConnectionListener, ConnectTarget, ResetReason, StreamListener, Transport } from '../../../core/transport.ts'
import { type KeepSettings, KeepTime } from './keep-time.ts'
import type { ClusterLimits } from './limits.ts'
import { Member, ReadyList } from './member.ts'
import { asConnection } from './transport-shapes.ts'
import { type PoolListener, type PoolTicket, Waiter } from './waiter.ts'

export interface PoolSettings extends KeepSettings {
  /** 0 for no bound. */
  readonly maxRequestsPerConnection: number
}

/** Connections begun at most for one event, so that a host that comes back is not stormed. */
const MOST_AT_ONCE = 3
/** Streams expected of an HTTP/2 connection before its peer has said how many it takes. */
const EXPECTED_STREAMS = 1024

export class HostPool implements ConnectionListener {
  readonly #transport: Transport
  readonly #target: () => ConnectTarget
  readonly #limits: ClusterLimits
  readonly #clock: Clock
  #settings: PoolSettings
  readonly #ready = new ReadyList()
  readonly #members = new Map<Connection, Member>()
  readonly #line = new Set<Waiter>()
  /** Streams that the connections on their way are expected to take. */
  #promised = 0
  readonly #keep: KeepTime
  #closed = false
  #cut: Error | undefined

  constructor(transport: Transport, target: () => ConnectTarget, limits: ClusterLimits, clock: Clock, settings: PoolSettings) {
    this.#transport = transport
    this.#target = target
    this.#limits = limits
    this.#clock = clock
    this.#settings = settings
    this.#keep = new KeepTime(settings, this.#members, clock, limits.stats, member => this.#retire(member))
  }

  /** Whether any connection or waiter is left. */
  get busy(): boolean {
    return this.#members.size > 0 || this.#line.size > 0
  }

  /** New settings; they hold for the connections there are, too. */
  update(settings: PoolSettings): void {
    this.#settings = settings
    this.#keep.settings = settings
    this.#keep.watch()
    this.#grow()
  }

  /** A limit was raised: who waits may go on. */
  raised(): void {
    this.#grow()
  }

  acquire(listener: PoolListener): PoolTicket {
    const member = this.#usable()
    if (member !== undefined) {
      this.#attach(member, listener)
      return GONE
    }
    if (this.#cut !== undefined) {
      listener.rejected('local_reset', this.#cut)
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

  /** A waiter gave up. The connection begun for it stays: the next one will be glad of it. */
  left(waiter: Waiter): void {
    if (!this.#line.delete(waiter)) return
    this.#limits.pending.give()
    this.#limits.stats.upstream_rq_cancelled++
  }

  /** Connects while more wait than the connections on their way will take. A host without any connection always gets one. */
  #grow(): void {
    const { connections, stats } = this.#limits
    for (let i = 0; i < MOST_AT_ONCE && this.#line.size > this.#promised; i++) {
      const free = connections.tryTake()
      if (!free) {
        stats.upstream_cx_overflow++
        if (this.#members.size > 0) return
        connections.take()
      }
      this.#connect()
      if (!free) return
    }
  }

  #connect(): void {
    const { stats } = this.#limits
    const target = this.#target()
    const { maxRequestsPerConnection, idleTimeout } = this.#settings
    const streams = target.protocol === 'http2' ? (target.maxConcurrentStreams ?? EXPECTED_STREAMS) : 1
    const promised = maxRequestsPerConnection > 0 ? Math.min(streams, maxRequestsPerConnection) : streams
    stats.upstream_cx_total++
    if (target.protocol === 'http2') stats.upstream_cx_http2_total++
    else stats.upstream_cx_http1_total++
    const connection = this.#begin(target)
    const member = new Member(this, connection, promised, target.protocol === 'http2')
    this.#members.set(connection, member)
    // As in Envoy, whose codec_client is idle from its making on.
    if (idleTimeout > 0 && idleTimeout < target.connectTimeout)
      member.impatience = this.#clock.schedule(idleTimeout, () => this.#tooLong(member, idleTimeout), KEEP_ALIVE)
    this.#promised += promised
  }

  /** A transport is perhaps code of the user: one that throws could not connect. */
  #begin(target: ConnectTarget): Connection {
    try {
      return asConnection(this.#transport.connect(target, this))
    } catch (thrown) {
      const connection: Connection = { concurrency: 0, send: () => GONE, drain() {}, destroy() {} }
      runInMicrotask(() => this.failed(connection, 'connection_failure', errorOf(thrown)))
      return connection
    }
  }

  connected(connection: Connection): void {
    const member = this.#members.get(connection)
    if (member === undefined) return
    this.#keepPromise(member)
    member.connectedAt = member.idleSince = this.#clock.now()
    this.#ready.add(member)
    this.#serve()
    if (this.#closed) this.#retire(member)
    else this.#keep.watch()
  }

  /** As in Envoy every attempt is counted, though they end in one connection. */
  another(): void {
    this.#limits.stats.upstream_cx_total++
  }

  #tooLong({ connection }: Member, idleTimeout: number): void {
    this.#limits.stats.upstream_cx_idle_timeout++
    this.#ended(connection, 'local_connection_failure', new Error(`no connection within the idle timeout of ${idleTimeout} ms`))
    connection.destroy()
  }

  failed(connection: Connection, reason: 'connection_failure' | 'connection_timeout', error: Error): void {
    this.#ended(connection, reason, error)
  }

  #ended(connection: Connection, reason: 'connection_failure' | 'connection_timeout' | 'local_connection_failure', error: Error): void {
    const member = this.#members.get(connection)
    if (member === undefined) return
    this.#members.delete(connection)
    this.#keepPromise(member)
    const { stats, connections, pending } = this.#limits
    connections.give()
    stats.upstream_cx_connect_fail++
    if (reason === 'connection_timeout') stats.upstream_cx_connect_timeout++
    stats.destroyed(reason !== 'connection_failure', false)
    // All who wait here fail together, who came last first, as Envoy has them; the line is emptied before, so that a retry re-enters a clean pool.
    const waiting = [...this.#line]
    this.#line.clear()
    for (const _waiter of waiting) {
      pending.give()
      stats.upstream_rq_pending_failure_eject++
    }
    this.#limits.failing += waiting.length
    for (const waiter of waiting.reverse()) {
      waiter.listener.rejected(reason, error)
      this.#limits.failing--
    }
  }

  available(connection: Connection): void {
    const member = this.#members.get(connection)
    if (member === undefined || member.draining) return
    if (member.active < connection.concurrency) this.#ready.add(member)
    this.#serve()
    this.#keep.watch()
  }

  /** Requests that run on it may end. Waiting ones get another connection when this one is closed. */
  leaving(connection: Connection): void {
    const member = this.#members.get(connection)
    if (member === undefined) return
    this.#limits.stats.upstream_cx_close_notify++
    member.draining = true
    this.#ready.remove(member)
  }

  closed(connection: Connection, byUs = false): void {
    const member = this.#members.get(connection)
    if (member === undefined) return
    this.#members.delete(connection)
    this.#keepPromise(member)
    this.#limits.connections.give()
    this.#limits.stats.destroyed(member.closedByUs || byUs, member.active > 0)
    this.#ready.remove(member)
    this.#grow()
  }

  #keepPromise(member: Member): void {
    member.impatience?.cancel()
    this.#promised -= member.promised
    member.promised = 0
  }

  #serve(): void {
    while (this.#line.size > 0) {
      const member = this.#usable()
      if (member === undefined) return this.#grow()
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
    const { maxRequestsPerConnection } = this.#settings
    if (maxRequestsPerConnection > 0 && member.served >= maxRequestsPerConnection) {
      stats.upstream_cx_max_requests++
      member.draining = true
    }
    if (member.draining || member.active >= member.connection.concurrency) this.#ready.remove(member)
    listener.ready(member)
  }

  /** A request on this member is over. */
  ended(member: Member, cut: ResetReason | undefined): void {
    member.active--
    this.#limits.requests.give()
    if (cut !== undefined && member.isShared) this.#limits.stats.streamCut(cut)
    if (member.active > 0) return
    if (member.draining) member.drain()
    else member.idleSince = this.#clock.now()
  }

  /** Says that a request is over which Envoy counts until that is said: one that has its connection for itself. */
  fail(listener: StreamListener, reason: ResetReason, error: Error): void {
    this.#limits.failing++
    listener.reset(reason, error)
    this.#limits.failing--
  }

  /** The connection used last, if it can still take a request: one whose peer has just left, or that takes no more, steps aside. */
  #usable(): Member | undefined {
    for (;;) {
      const member = this.#ready.newest
      if (member === undefined || member.active < member.connection.concurrency) return member
      this.#ready.remove(member)
    }
  }

  #retire(member: Member): void {
    this.#ready.remove(member)
    member.drain()
  }

  /** Nothing may go on: running requests are reset, and who waits or comes is refused. */
  cut(error: Error): void {
    this.#cut = error
    const waiting = [...this.#line]
    this.#line.clear()
    for (const _waiter of waiting) this.#limits.pending.give()
    for (const member of [...this.#members.values()]) {
      this.#ready.remove(member)
      member.closedByUs = true
      member.connection.destroy(error)
    }
    for (const waiter of waiting) waiter.listener.rejected('local_reset', error)
  }

  /** The host is gone: idle connections close, running requests end first, and who waits is still served. */
  close(): void {
    this.#closed = true
    this.#keep.stop()
    for (const member of [...this.#members.values()]) {
      if (member.promised === 0) this.#retire(member)
      else if (this.#line.size === 0) {
        member.closedByUs = true
        member.connection.destroy()
      }
    }
  }
}

const GONE: PoolTicket = { cancel() {} }

function overflow(what: string, limit: number): Error {
  return Object.assign(new Error(`overflow: the limit of ${limit} ${what} is reached`), { limit })
}
