/**
 * An HTTP/1.1 connection of ours. node:http writes requests and reads answers; the socket is handed to it, so that who waits for a
 * connection holds no request object, and how many connections there are is our decision.
 */
import http from 'node:http'
import type net from 'node:net'
import { systemClock, type Timer } from '../../base/time/clock.ts'
import { runInMicrotask } from '../../base/time/event-loop.ts'
import type { Connection, ConnectionListener, ConnectTarget, Stream, StreamListener, WireRequest } from '../../core/transport.ts'
import { handoff } from './node-handoff.ts'
import { type Http1Owner, Http1Stream } from './node-http1-stream.ts'
import { dial } from './node-socket.ts'

/** Before anybody patches it. */
const request = http.request

/** Response headers up to this size, as Envoy takes them. */
const MAX_HEADERS = 61_440

export class Http1Connection implements Connection, Http1Owner {
  readonly #listener: ConnectionListener
  /** Once it is connected. */
  #socket: net.Socket | undefined
  /** Made once; only what differs is written anew. node:http copies it twice per request, so it is kept short. */
  #options: http.RequestOptions | undefined
  readonly #giveUp: () => void
  readonly #background: boolean
  #gone = false
  #draining = false
  #stream: Http1Stream | undefined
  /** node:http has given the socket back. */
  #free = false
  /** ms that the peer keeps an idle connection, by its own word. */
  #keepAlive = Infinity
  #idleSince = 0
  #idleTimer: Timer | undefined

  constructor(address: string, target: ConnectTarget, listener: ConnectionListener) {
    this.#listener = listener
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
    this.#options = { agent: handoff(socket), method: 'GET', path: '/', headers: [], maxHeaderSize: MAX_HEADERS }
    // Permanent: node:http has no error handler between the end of a response and the next request.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#closed())
    socket.on('free', () => {
      this.#free = true
      if (this.#stream?.untold !== true) this.#freed()
    })
    // Bytes that nobody asked for: the peer is confused, or answers somebody else.
    socket.on('data', () => {
      if (this.#stream === undefined || this.#stream.received) socket.destroy()
    })
    this.#listener.connected(this)
    if (this.#stream === undefined) socket.unref()
  }

  send(wire: WireRequest, listener: StreamListener): Stream {
    const socket = this.#socket!
    if (!this.#background) socket.ref()
    const options = this.#options!
    options.method = wire.method
    options.path = wire.path
    options.headers = headersOf(wire) as unknown as http.OutgoingHttpHeaders
    const stream = new Http1Stream(this, request(options), socket, wire, listener)
    this.#stream = stream
    stream.start(wire.body)
    return stream
  }

  told(): void {
    if (this.#free) this.#freed()
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

/** Everything between the request line and the body, in the order in which fetch sends it. */
function headersOf(wire: WireRequest): string[] {
  const { body, headers: given } = wire
  const headers = ['host', wire.authority, 'connection', 'keep-alive', ...given]
  if (body !== undefined) {
    if (body.length === undefined) headers.push('transfer-encoding', 'chunked')
    else headers.push('content-length', String(body.length))
  } else if (!BODILESS.has(wire.method)) headers.push('content-length', '0')
  return headers
}

/** Methods of which nobody expects a body, so that its absence needs no word. */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])
