/** An HTTP/2 connection: many streams at once, as many as we allow and the peer's settings say. */
import http2 from 'node:http2'
import type net from 'node:net'
import type tls from 'node:tls'
import { runInMicrotask } from '../../base/time/event-loop.ts'
import type { Connection, ConnectionListener, ConnectTarget, Stream, StreamListener, WireRequest } from '../../core/transport.ts'
import { Http2Stream } from './node-http2-stream.ts'
import { dial } from './node-socket.ts'

/** Streams on one connection when the rules name no number; Envoy's. */
const DEFAULT_STREAMS = 1024

export class Http2Connection implements Connection {
  concurrency: number
  readonly #listener: ConnectionListener
  /** Once it is connected. */
  #socket: net.Socket | undefined
  readonly #giveUp: () => void
  readonly #ours: number
  readonly #background: boolean
  #session: http2.ClientHttp2Session | undefined
  #error: Error | undefined
  /** Why we closed it, when we did and said so. */
  closedHere: Error | undefined
  #streams = 0
  #draining = false
  #gone = false

  constructor(address: string, target: ConnectTarget, listener: ConnectionListener) {
    this.#listener = listener
    this.#background = target.background === true
    this.#ours = target.maxConcurrentStreams ?? DEFAULT_STREAMS
    this.concurrency = this.#ours
    this.#giveUp = dial(address, target, {
      connected: socket => this.#connected(socket, target),
      failed: (reason, error) => {
        this.#gone = true
        listener.failed(this, reason, error)
      },
      another: () => listener.another?.(this),
    })
  }

  get localAddress(): string | undefined {
    const socket = this.#socket
    return socket?.localAddress === undefined ? undefined : `${socket.localAddress}:${socket.localPort}`
  }

  /** As in Envoy streams may start before the peer has said its settings. */
  #connected(socket: net.Socket, target: ConnectTarget): void {
    this.#socket = socket
    if (target.tls !== undefined && (socket as tls.TLSSocket).alpnProtocol !== 'h2') {
      this.#gone = true
      socket.destroy()
      this.#listener.failed(
        this,
        'connection_failure',
        new Error(`${target.address} does not speak HTTP/2 (ALPN ${(socket as tls.TLSSocket).alpnProtocol || 'none'})`),
      )
      return
    }
    const scheme = target.tls === undefined ? 'http' : 'https'
    const session = http2.connect(`${scheme}://${target.tls?.sni ?? 'localhost'}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    })
    this.#session = session
    session.on('remoteSettings', settings => {
      if (this.#draining) return
      this.concurrency = Math.min(this.#ours, settings.maxConcurrentStreams ?? DEFAULT_STREAMS)
      if (this.#streams < this.concurrency) this.#listener.available(this)
    })
    // The peer takes no more: what runs may end, what comes goes elsewhere.
    session.on('goaway', () => {
      this.#draining = true
      this.concurrency = 0
    })
    session.on('error', error => {
      this.#error = error
    })
    session.on('close', () => this.#closed())
    session.unref()
    this.#listener.connected(this)
  }

  send(wire: WireRequest, listener: StreamListener): Stream {
    const session = this.#session!
    this.#streams++
    if (!this.#background) session.ref()
    return new Http2Stream(session, wire, listener, this)
  }

  /** A stream is over. */
  ended(): void {
    this.#streams--
    const session = this.#session!
    if (this.#streams === 0) session.unref()
    if (this.#gone) return
    if (!this.#draining) this.#listener.available(this)
    else if (this.#streams === 0) session.close()
  }

  /** Why the connection broke, when it did. */
  get broken(): Error | undefined {
    return this.#error
  }

  /** The connection is gone, though Node tells its streams that they were cancelled. */
  get lost(): boolean {
    return this.#session?.destroyed === true || this.#socket?.destroyed === true
  }

  #closed(): void {
    if (this.#gone) return
    this.#gone = true
    this.concurrency = 0
    this.#listener.closed(this)
  }

  drain(): void {
    this.#draining = true
    this.concurrency = 0
    if (this.#streams === 0) this.destroy()
  }

  destroy(error?: Error): void {
    if (this.#session !== undefined) {
      this.closedHere = error
      this.#session.destroy(error)
      return
    }
    if (!this.#gone) {
      this.#gone = true
      this.#giveUp()
      runInMicrotask(() => this.#listener.closed(this))
    }
  }
}
