/**
 * An HTTP/1.1 connection of ours. node:http writes requests and reads responses on a socket that we give it, so that a request that waits
 * for a connection holds no object of node:http, and how many connections there are is our decision.
 */
import type net from 'node:net'
import { systemClock, type Timer } from '../../base/time/clock.ts'
import { runAfter, runInMicrotask } from '../../base/time/event-loop.ts'
import type { Connection, ConnectionListener, ConnectTarget, Stream, StreamListener, WireRequest } from '../../core/transport.ts'
import { CLOSE_WAIT_MS, type KeptConnections } from './kept-connections.ts'
import { RequestWriter } from './node-http1-request.ts'
import { type Http1Owner, Http1Stream } from './node-http1-stream.ts'
import { dial } from './node-socket.ts'
import { currentTurn, writeLater } from './write-batching.ts'

export class Http1Connection implements Connection, Http1Owner {
  readonly #listener: ConnectionListener
  /** Once it is connected. */
  #socket: net.Socket | undefined
  #writer: RequestWriter | undefined
  readonly #address: string
  readonly #kept: KeptConnections
  readonly #giveUp: () => void
  readonly #background: boolean
  #gone = false
  #draining = false
  #stream: Http1Stream | undefined
  /** node:http has given the socket back. */
  #free = false
  /** The turn of the event loop in which it became free last; -1 while it has served no request. */
  #freedIn = -1
  /** The peer has kept it for a second request. */
  #isKept = false
  /** ms that the peer keeps an idle connection, by its own word. */
  #keepAlive = Infinity
  #idleSince = 0
  #idleTimer: Timer | undefined

  constructor(address: string | Error, target: ConnectTarget, listener: ConnectionListener, kept: KeptConnections) {
    this.#listener = listener
    this.#address = String(address)
    this.#kept = kept
    this.#background = target.background === true
    this.#giveUp = dial(address, target, {
      connected: socket => this.#connected(socket),
      failed: (reason, error) => {
        this.#gone = true
        listener.failed(this, reason, error)
      },
      another: () => listener.another?.(this),
    })
  }

  /** 0 as soon as the socket cannot carry another request, even before its `close` was told. */
  get concurrency(): number {
    const socket = this.#socket
    if (socket === undefined) return 0
    const { destroyed, writable, readableEnded } = socket
    return destroyed || !writable || readableEnded || this.#draining ? 0 : 1
  }

  get localAddress(): string | undefined {
    const socket = this.#socket
    return socket?.localAddress === undefined ? undefined : `${socket.localAddress}:${socket.localPort}`
  }

  #connected(socket: net.Socket): void {
    this.#socket = socket
    this.#writer = new RequestWriter(socket)
    // Permanent: node:http has no error handler between the end of a response and the next request.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#closed())
    socket.on('free', () => {
      this.#free = true
      if (this.#stream?.isUndelivered !== true) this.#freed()
    })
    // Bytes that nobody asked for: the peer is confused, or answers somebody else.
    socket.on('data', () => {
      if (this.#stream?.isWaiting !== true) socket.destroy()
    })
    this.#listener.connected(this)
    if (this.#stream === undefined) socket.unref()
  }

  send(wire: WireRequest, listener: StreamListener): Stream {
    const socket = this.#socket!
    if (!this.#background) socket.ref()
    const isReused = this.#freedIn >= 0
    const stream = new Http1Stream(this, this.#writer!, socket, wire, listener, isReused)
    this.#stream = stream
    // The close of a peer that closes with its response is seen before the next request goes to it.
    if (isReused && !this.#isKept && !this.#kept.isKeptBy(this.#address)) runAfter(CLOSE_WAIT_MS, () => writeLater(stream))
    else writeLater(stream, isReused && this.#freedIn === currentTurn() ? 1 : 0)
    return stream
  }

  reused(kept: boolean): void {
    if (this.#isKept && kept) return
    this.#isKept = kept
    this.#kept.learn(this.#address, kept)
  }

  delivered(): void {
    if (this.#free) this.#freed()
  }

  unused(): void {
    this.#stream = undefined
    this.#freed()
  }

  #freed(): void {
    this.#free = false
    const stream = this.#stream
    this.#stream = undefined
    const socket = this.#socket!
    if (this.#draining || socket.destroyed || !socket.writable || socket.readableLength > 0) {
      socket.destroy()
      return
    }
    if (stream !== undefined && stream.keepAlive !== this.#keepAlive) this.#keepAlive = stream.keepAlive
    if (this.#keepAlive !== Infinity) this.#watchIdle()
    socket.unref()
    this.#freedIn = currentTurn()
    this.#listener.available(this)
  }

  /** Closes before the peer does: a request that crosses its close would be lost. One timer that looks now and then, none per request. */
  #watchIdle(): void {
    this.#idleSince = systemClock.now()
    this.#idleTimer ??= systemClock.schedule(this.#keepAlive, () => this.#idled())
  }

  #idled(): void {
    this.#idleTimer = undefined
    if (this.#gone) return
    if (this.#stream !== undefined) {
      this.#idleTimer = systemClock.schedule(this.#keepAlive, () => this.#idled())
      return
    }
    const left = this.#keepAlive - (systemClock.now() - this.#idleSince)
    if (left > 0) this.#idleTimer = systemClock.schedule(left, () => this.#idled())
    else this.#socket!.destroy()
  }

  #closed(): void {
    if (this.#gone) return
    this.#gone = true
    this.#idleTimer?.cancel()
    const stream = this.#stream
    this.#stream = undefined
    stream?.connectionClosed()
    this.#listener.closed(this)
  }

  drain(): void {
    this.#draining = true
    if (this.#stream === undefined || this.#stream.over) this.destroy()
  }

  destroy(error?: Error): void {
    if (this.#socket !== undefined) {
      if (error !== undefined) this.#stream?.cut(error)
      this.#socket.destroy()
    } else if (!this.#gone) {
      this.#gone = true
      this.#giveUp()
      runInMicrotask(() => this.#listener.closed(this))
    }
  }
}
