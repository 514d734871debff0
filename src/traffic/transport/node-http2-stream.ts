/** One request and its answer on an HTTP/2 connection. */
import http2 from 'node:http2'
import { Readable } from 'node:stream'
import { runInMicrotask } from '../../base/time/event-loop.ts'
import type { BodyReader, BodySource, ResetReason, Stream, StreamListener, WireRequest } from '../../core/transport.ts'
import { http2Headers, joined } from './node-http2-headers.ts'
import { upload } from './upload.ts'

const { NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM, NGHTTP2_CONNECT_ERROR, NGHTTP2_CANCEL } = http2.constants
const { NGHTTP2_FLAG_END_STREAM } = http2.constants

/** The connection, as its streams see it. */
export interface Http2Owner {
  readonly broken: Error | undefined
  readonly lost: boolean
  /** Why we closed it, when we did and gave a reason. */
  readonly closedHere: Error | undefined
  /** The last stream that the peer takes after its GOAWAY; -1 before that. */
  readonly lastTaken: number
  /** A request could not be written; Node ends the session after that. */
  cannotSend(): void
  /** The end of a stream is reported, or it was given up. */
  finished(): void
  /** The peer does not count it any more. */
  released(stream: Http2Stream): void
}

/** Whether the peer ended its side (END_STREAM) before the stream was closed. */
const ENDED = Symbol('ended')
interface Tagged extends http2.ClientHttp2Stream {
  [ENDED]?: boolean
}

export class Http2Stream implements Stream, BodySource {
  /** Nothing more is reported. */
  over = false
  length: number | undefined
  readonly #listener: StreamListener
  readonly #stream: Tagged | undefined
  readonly #owner: Http2Owner
  #answered = false
  /** Nothing can follow the response headers. */
  #empty = false
  #received = 0
  /** Its body can be sent once more. */
  readonly #isRepeatable: boolean
  #reader: BodyReader | undefined
  #error: Error | undefined

  constructor(session: http2.ClientHttp2Session, wire: WireRequest, listener: StreamListener, owner: Http2Owner) {
    this.#listener = listener
    this.#owner = owner
    this.#isRepeatable = wire.body === undefined || wire.body.bytes !== undefined || wire.body.reopens === true
    const { body } = wire
    try {
      this.#stream = begin(session, http2Headers(wire), body === undefined)
    } catch (error) {
      // Nothing was sent: HTTP/2 cannot carry the request, or the session ended just now.
      runInMicrotask(() => this.#notSent(error as Error))
      return
    }
    const stream = this.#stream
    stream.push = pushed
    stream.on('response', (received, flags) => this.#response(received, flags))
    stream.on('error', error => this.#end(error))
    stream.on('frameError', () => owner.cannotSend())
    stream.on('close', () => {
      this.#end()
      owner.released(this)
    })
    stream.on('end', () => this.#ended())
    if (body?.bytes !== undefined) stream.end(body.bytes)
    else if (body !== undefined) void upload(body, stream, this, error => this.#uploadFailed(error))
  }

  #notSent(error: Error): void {
    if (error instanceof TypeError) this.#reset('local_reset', error)
    else this.#broken(error)
    this.#owner.released(this)
  }

  #uploadFailed(error: Error): void {
    if (this.over) return
    this.#stream!.close(NGHTTP2_CANCEL)
    this.#reset('local_reset', error)
  }

  #response(received: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader, flags: number): void {
    if (this.over) return
    this.#answered = true
    const headers: string[] = []
    for (const name in received) {
      if (name.charCodeAt(0) === COLON) continue
      const value = received[name]
      if (Array.isArray(value)) for (const line of value) headers.push(name, line)
      else if (value !== undefined) headers.push(name, String(value))
    }
    const said = received['content-length']
    this.length = said === undefined ? undefined : Number(said)
    const status = Number(received[':status'])
    this.#empty = (flags & NGHTTP2_FLAG_END_STREAM) !== 0
    if (this.#empty) this.length = 0
    this.#listener.response({ status, statusText: '', headers, body: this })
  }

  #ended(): void {
    const stream = this.#stream!
    // Without an answer this is a peer that closed the stream and called it no error; `close` reports it.
    if (this.over || !this.#answered || (stream.rstCode !== NGHTTP2_NO_ERROR && stream.rstCode !== undefined)) return
    // To Node a reset with NO_ERROR looks like the end of the body.
    if (stream[ENDED] === false) return this.#broken(this.#closed())
    this.#finish()
    // Answered before it had everything: the rest of the request is of no use.
    if (!stream.writableFinished) stream.close(NGHTTP2_CANCEL)
    this.#listener.complete()
    this.#reader?.end()
  }

  #broken(error: Error): void {
    const { closedHere } = this.#owner
    this.#reset(closedHere === undefined ? this.#reason(error) : 'local_reset', closedHere ?? error)
  }

  #reset(reason: ResetReason, error: Error): void {
    if (this.over) return
    this.#finish()
    this.#error = error
    this.#listener.reset(reason, error)
    this.#reader?.error(error)
  }

  #finish(): void {
    this.over = true
    this.#owner.finished()
  }

  /** The stream was closed before its end was reported. */
  #end(error?: Error): void {
    if (this.over) return
    const { unsent } = this.#listener
    const { id = 0, rstCode } = this.#stream!
    // A GOAWAY came before its turn to be written: nghttp2 refuses it, though the peer takes streams up to a later one.
    const isUnsent = rstCode === NGHTTP2_REFUSED_STREAM && id <= this.#owner.lastTaken && this.#isRepeatable
    if (!isUnsent || unsent === undefined) return this.#broken(error ?? this.#closed())
    this.#finish()
    unsent.call(this.#listener)
  }

  /** Why, when Node reports no error: for codes that may be no error, and for a connection that is gone. */
  #closed(): Error {
    if (this.#owner.lost) return sideClosed()
    const body = this.#answered ? ` after ${this.#received} bytes of the response body` : ''
    return Object.assign(new Error(`the stream was closed with code ${this.#stream!.rstCode}${body}`), { code: 'ERR_HTTP2_STREAM_ERROR' })
  }

  /** Node has dropped it without a word. */
  connectionClosed(): void {
    this.#broken(sideClosed())
  }

  #reason(error: Error): ResetReason {
    const code = this.#stream?.rstCode
    const { broken } = this.#owner
    // As Envoy's codec: a code of their own have these three.
    if (code === NGHTTP2_CONNECT_ERROR) return 'remote_error_with_CONNECT_request'
    if (code === NGHTTP2_REFUSED_STREAM) return 'remote_refused_stream_reset'
    if (code === NGHTTP2_PROTOCOL_ERROR) return 'protocol_error'
    // What nghttp2 says of a peer that does not speak HTTP/2; a reset by the peer has another code.
    if (codeOf(error) === 'ERR_HTTP2_ERROR' || codeOf(broken) === 'ERR_HTTP2_ERROR') return 'protocol_error'
    if (this.#stream === undefined || broken !== undefined || this.#owner.lost || code === undefined) return 'connection_termination'
    return 'remote_reset'
  }

  cancel(): void {
    if (this.over) return
    this.#finish()
    if (this.#empty) this.#stream!.resume()
    else this.#stream?.close(NGHTTP2_CANCEL)
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    if (this.#error !== undefined) return reader.error(this.#error)
    if (this.over) return reader.end()
    this.#stream!.on('data', (chunk: Uint8Array) => {
      this.#received += chunk.byteLength
      if (!this.over) reader.data(chunk)
    })
  }

  pause(): void {
    this.#stream?.pause()
  }

  resume(): void {
    this.#stream?.resume()
  }
}

const COLON = 58

/** As fetch calls it. */
const sideClosed = () => Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })

const codeOf = (error: Error | undefined) => (error as { code?: string } | undefined)?.code

/** Starts a request. Throws when its session is gone. */
function begin(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, endStream: boolean): Tagged {
  try {
    return session.request(headers, { endStream })
  } catch (error) {
    if (codeOf(error as Error) !== 'ERR_HTTP2_HEADER_SINGLE_VALUE') throw error
    return session.request(joined(headers), { endStream })
  }
}

/** `push` of a stream: Node pushes the end when the peer has ended its side, and also when it closes the stream, marked as closed by then. */
function pushed(this: Tagged, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk === null) this[ENDED] ??= !this.closed
  return Readable.prototype.push.call(this, chunk, encoding)
}
