/** An HTTP/2 connection: many streams at once, as many as we allow and the peer's settings permit. */
import http2 from 'node:http2'
import type net from 'node:net'
import type tls from 'node:tls'
import { systemClock } from '../../base/time/clock.ts'
import { runInMicrotask, runInNextTurn } from '../../base/time/event-loop.ts'
import type { Connection, ConnectionListener, ConnectTarget, Stream, StreamListener, WireRequest } from '../../core/transport.ts'
import { Liveness, type Pinged } from './node-http2-liveness.ts'
import { type Http2Owner, Http2Stream } from './node-http2-stream.ts'
import { dial } from './node-socket.ts'

/** Streams on one connection when the rules name no number; Envoy's. */
const DEFAULT_STREAMS = 1024
/** Bytes of a request's headers. Node's own bound is 64 kB, and it ends the connection of a request that is above. */
const MAX_HEADER_BLOCK = 1_048_576

export class Http2Connection implements Connection, Http2Owner, Pinged {
  readonly #listener: ConnectionListener
  /** Once it is connected. */
  #socket: net.Socket | undefined
  readonly #giveUp: () => void
  readonly #ours: number
  readonly #background: boolean
  #session: http2.ClientHttp2Session | undefined
  #error: Error | undefined
  /** Why we closed it, when we did and gave a reason. */
  closedHere: Error | undefined
  lastTaken = -1
  /** Streams that the peer may still count. */
  readonly #open = new Set<Http2Stream>()
  /** Those of them whose end is not reported yet. */
  #running = 0
  readonly #liveness = new Liveness(this, systemClock)
  #allowed: number
  #draining = false
  #ending = false
  #gone = false

  constructor(address: string | Error, target: ConnectTarget, listener: ConnectionListener) {
    this.#listener = listener
    this.#background = target.background === true
    this.#ours = target.maxConcurrentStreams ?? DEFAULT_STREAMS
    this.#allowed = this.#ours
    this.#giveUp = dial(address, target, {
      connected: socket => this.#connected(socket, target),
      failed: (reason, error) => {
        this.#gone = true
        listener.failed(this, reason, error)
      },
      another: () => listener.another?.(this),
    })
  }

  /** 0 as soon as it takes no new stream, even before its end is reported. */
  get concurrency(): number {
    const session = this.#session
    if (this.#draining || this.#gone || session?.closed === true || session?.destroyed === true) return 0
    return this.#allowed
  }

  get localAddress(): string | undefined {
    const socket = this.#socket
    return socket?.localAddress === undefined ? undefined : `${socket.localAddress}:${socket.localPort}`
  }

  /** As in Envoy streams may start before the peer has sent its settings. */
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
    // Every request has an authority of its own.
    const session = http2.connect(target.tls === undefined ? 'http://localhost' : 'https://localhost', {
      createConnection: () => socket,
      settings: { enablePush: false },
      peerMaxConcurrentStreams: this.#ours,
      maxSendHeaderBlockLength: MAX_HEADER_BLOCK,
    })
    this.#session = session
    session.on('remoteSettings', settings => {
      this.#allowed = Math.min(this.#ours, settings.maxConcurrentStreams ?? DEFAULT_STREAMS)
      if (this.#open.size < this.concurrency) this.#listener.available(this)
    })
    session.on('goaway', (code, last) => this.#goaway(session, code, last))
    session.on('error', error => {
      this.#error = error
    })
    session.on('close', () => this.#closed())
    session.unref()
    this.#listener.connected(this)
  }

  /**
   * The peer takes no more: what runs may end, and what comes goes elsewhere. Whatever the code, as in Envoy: Node would end all streams
   * for any other than NO_ERROR, although those that the peer still answers are answered.
   */
  #goaway(session: http2.ClientHttp2Session, code: number, last: number): void {
    if (code !== http2.constants.NGHTTP2_NO_ERROR) {
      session.destroy = () => restore()
      const restore = () => void delete (session as Partial<http2.ClientHttp2Session>).destroy
      runInMicrotask(restore)
    }
    this.lastTaken = last
    this.#listener.leaving?.(this)
    this.drain()
  }

  send(wire: WireRequest, listener: StreamListener): Stream {
    const session = this.#session!
    if (!this.#background) session.ref()
    const stream = new Http2Stream(session, wire, listener, this)
    this.#open.add(stream)
    this.#running++
    this.#liveness.watch()
    return stream
  }

  cannotSend(): void {
    this.drain()
  }

  finished(): void {
    this.#running--
    if (this.#draining) this.#endWhenIdle()
  }

  released(stream: Http2Stream): void {
    if (!this.#open.delete(stream) || this.#gone) return
    if (this.#open.size === 0) this.#session!.unref()
    if (this.#draining) this.#endWhenIdle()
    else this.#listener.available(this)
  }

  /** Why the connection broke, when it did. */
  get broken(): Error | undefined {
    return this.#error
  }

  /** The connection is gone, though Node reports its streams as cancelled. */
  get lost(): boolean {
    return this.#session?.destroyed === true || this.#socket?.destroyed === true
  }

  get waits(): boolean {
    return this.#running > 0
  }

  get received(): number {
    return this.#socket!.bytesRead
  }

  ping(answered: () => void): void {
    if (this.#session!.destroyed) return
    this.#session!.ping(error => {
      if (error === null) answered()
    })
  }

  dead(error: Error): void {
    this.#error = error
    this.#end()
  }

  /** Node would wait for the peer to close the socket, which it need not do. Not on the stack of the frame that is being read. */
  #endWhenIdle(): void {
    if (this.#running > 0 || this.#ending) return
    this.#ending = true
    runInNextTurn(() => this.#end())
  }

  #end(error?: Error): void {
    this.#ending = true
    this.#session!.destroy(error)
    this.#socket!.destroy()
  }

  #closed(): void {
    if (this.#gone) return
    this.#gone = true
    this.#liveness.stop()
    // Some that Node forgot: one that it could not send, or that waited for its turn.
    for (const stream of this.#open) stream.connectionClosed()
    this.#open.clear()
    this.#listener.closed(this, this.#ending)
  }

  drain(): void {
    this.#draining = true
    if (this.#session !== undefined) this.#endWhenIdle()
    else this.destroy()
  }

  destroy(error?: Error): void {
    if (this.#session !== undefined) {
      this.closedHere = error
      this.#end(error)
    } else if (!this.#gone) {
      this.#gone = true
      this.#giveUp()
      runInMicrotask(() => this.#listener.closed(this))
    }
  }
}
