/** An HTTP/2 connection: many streams at once, as many as the peer's settings allow. */
import http2 from 'node:http2'
import type net from 'node:net'
import type {
  BodyReader,
  BodySource,
  Connection,
  ConnectionListener,
  ConnectTarget,
  ResetReason,
  Stream,
  StreamListener,
  WireRequest,
} from '../../core/transport.ts'
import { dial } from './node-socket.ts'

const { NGHTTP2_REFUSED_STREAM, NGHTTP2_CANCEL } = http2.constants
const DEFAULT_STREAMS = 1024

export class Http2Connection implements Connection {
  concurrency = 1
  readonly #listener: ConnectionListener
  readonly #socket: net.Socket
  readonly #ours: number
  #session: http2.ClientHttp2Session | undefined
  #streams = 0
  #draining = false
  #gone = false

  constructor(address: string, target: ConnectTarget, listener: ConnectionListener) {
    this.#listener = listener
    this.#ours = target.maxConcurrentStreams ?? DEFAULT_STREAMS
    this.#socket = dial(
      address,
      target,
      socket => {
        const scheme = target.tls === undefined ? 'http' : 'https'
        const session = http2.connect(`${scheme}://${target.tls?.sni ?? 'localhost'}`, {
          createConnection: () => socket,
          settings: { enablePush: false },
        })
        this.#session = session
        session.on('remoteSettings', settings => {
          this.concurrency = Math.min(this.#ours, settings.maxConcurrentStreams ?? DEFAULT_STREAMS)
        })
        session.once('remoteSettings', () => listener.connected(this))
        session.on('error', () => {})
        session.on('close', () => this.#closed())
        session.unref()
      },
      (reason, error) => {
        this.#gone = true
        listener.failed(this, reason, error)
      },
    )
  }

  send(wire: WireRequest, listener: StreamListener): Stream {
    this.#streams++
    this.#session!.ref()
    return new Http2Stream(this.#session!, wire, listener, () => this.#ended())
  }

  #ended(): void {
    this.#streams--
    if (this.#streams === 0) this.#session?.unref()
    if (this.#gone) return
    if (this.#draining) {
      if (this.#streams === 0) this.#session?.close()
    } else this.#listener.available(this)
  }

  #closed(): void {
    if (this.#gone) return
    this.#gone = true
    this.#listener.closed(this)
  }

  drain(): void {
    this.#draining = true
    if (this.#streams === 0) this.destroy()
  }

  destroy(): void {
    if (this.#session !== undefined) this.#session.destroy()
    else this.#socket.destroy()
  }
}

class Http2Stream implements Stream, BodySource {
  length: number | undefined
  readonly #listener: StreamListener
  readonly #stream: http2.ClientHttp2Stream
  readonly #ended: () => void
  readonly #session: http2.ClientHttp2Session
  #over = false
  #counted = true
  #answered = false
  #reader: BodyReader | undefined
  #error: Error | undefined

  constructor(session: http2.ClientHttp2Session, wire: WireRequest, listener: StreamListener, ended: () => void) {
    this.#listener = listener
    this.#ended = ended
    this.#session = session
    const headers: http2.OutgoingHttpHeaders = Object.create(null)
    headers[':method'] = wire.method
    headers[':path'] = wire.path
    headers[':authority'] = wire.authority
    headers[':scheme'] = wire.scheme
    for (let i = 0; i < wire.headers.length; i += 2) {
      const name = wire.headers[i]!.toLowerCase()
      const value = wire.headers[i + 1]!
      const before = headers[name]
      headers[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [String(before), value]
    }
    const { body } = wire
    if (body?.length !== undefined) headers['content-length'] = String(body.length)
    const stream = session.request(headers, { endStream: body === undefined })
    this.#stream = stream
    stream.on('response', (received, _flags, ...rest) => this.#response(received, (rest as unknown as [string[]?])[0]))
    stream.on('error', error => this.#broken(error))
    stream.on('close', () => {
      if (!this.#over) this.#broken(new Error(`stream closed with code ${stream.rstCode}`))
      this.#release()
    })
    stream.on('end', () => {
      if (this.#over || stream.rstCode !== 0) return
      this.#over = true
      this.#listener.complete()
      this.#reader?.end()
    })
    if (body?.bytes !== undefined) stream.end(body.bytes)
    else if (body !== undefined) void this.#upload(body.open?.())
  }

  async #upload(chunks: AsyncIterator<Uint8Array> | undefined): Promise<void> {
    try {
      if (chunks === undefined) throw new TypeError('the request body was read already')
      for (;;) {
        const { done, value } = await chunks.next()
        if (done || this.#over) break
        if (!this.#stream.write(value)) await new Promise<void>(resolve => this.#stream.once('drain', resolve).once('close', resolve))
      }
      this.#stream.end()
    } catch (error) {
      this.#stream.destroy(error as Error)
    }
  }

  #response(received: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader, raw: string[] | undefined): void {
    if (this.#over) return
    this.#answered = true
    const flat: string[] = []
    if (raw !== undefined) for (let i = 0; i < raw.length; i += 2) if (!raw[i]!.startsWith(':')) flat.push(raw[i]!, raw[i + 1]!)
    if (raw === undefined)
      for (const [name, value] of Object.entries(received))
        if (!name.startsWith(':')) for (const line of Array.isArray(value) ? value : [String(value)]) flat.push(name, line)
    const said = received['content-length']
    this.length = said === undefined ? undefined : Number(said)
    this.#listener.response({ status: Number(received[':status']), statusText: '', headers: flat, body: this })
    if ((this.#stream.readableEnded || this.length === 0) && this.#reader === undefined) this.#stream.resume()
  }

  #broken(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#error = error
    const { rstCode } = this.#stream
    const gone = this.#session.destroyed || this.#session.closed || rstCode === undefined || rstCode === 0
    const reason: ResetReason = gone
      ? this.#answered
        ? 'protocol_error'
        : 'connection_termination'
      : rstCode === NGHTTP2_REFUSED_STREAM
        ? 'remote_refused_stream_reset'
        : 'remote_reset'
    this.#listener.reset(reason, error)
    this.#reader?.error(error)
    this.#release()
  }

  #release(): void {
    if (!this.#counted) return
    this.#counted = false
    this.#ended()
  }

  cancel(): void {
    if (this.#over) return
    this.#over = true
    this.#stream.close(NGHTTP2_CANCEL)
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    if (this.#error !== undefined) return reader.error(this.#error)
    if (this.#over) return reader.end()
    this.#stream.on('data', (chunk: Buffer) => reader.data(chunk))
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }
}
