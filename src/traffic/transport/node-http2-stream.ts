/** One request and its answer on an HTTP/2 connection. */
import http2 from 'node:http2'
import { runInMicrotask } from '../../base/time/event-loop.ts'
import type { BodyReader, BodySource, ResetReason, Stream, StreamListener, WireRequest } from '../../core/transport.ts'
import { upload } from './upload.ts'

const { NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM, NGHTTP2_CONNECT_ERROR, NGHTTP2_CANCEL } = http2.constants

/** The connection, as its streams see it. */
interface Owner {
  readonly broken: Error | undefined
  readonly lost: boolean
  /** Why we closed it, when we did and said so. */
  readonly closedHere: Error | undefined
  ended(): void
}

export class Http2Stream implements Stream, BodySource {
  /** Nothing more will be told. */
  over = false
  length: number | undefined
  readonly #listener: StreamListener
  readonly #stream: http2.ClientHttp2Stream | undefined
  readonly #owner: Owner
  readonly #head: boolean
  #counted = true
  #answered = false
  #empty = false
  #received = 0
  #reader: BodyReader | undefined
  #error: Error | undefined

  constructor(session: http2.ClientHttp2Session, wire: WireRequest, listener: StreamListener, owner: Owner) {
    this.#listener = listener
    this.#owner = owner
    this.#head = wire.method === 'HEAD'
    const { body } = wire
    try {
      this.#stream = session.request(headersOf(wire), { endStream: body === undefined })
    } catch (error) {
      // The session ended under our hands; nothing was sent.
      runInMicrotask(() => this.#broken(error as Error))
      return
    }
    const stream = this.#stream
    stream.on('response', received => this.#response(received))
    stream.on('error', error => this.#broken(error))
    stream.on('close', () => {
      if (!this.over) this.#broken(new Error(`the stream was closed with code ${stream.rstCode}`))
      this.#release()
    })
    stream.on('end', () => this.#ended())
    if (body?.bytes !== undefined) stream.end(body.bytes)
    else if (body !== undefined) void upload(body, stream, this, error => this.#uploadFailed(error))
  }

  #uploadFailed(error: Error): void {
    if (this.over) return
    this.over = true
    this.#error = error
    this.#stream!.close(NGHTTP2_CANCEL)
    this.#listener.reset('local_reset', error)
    this.#reader?.error(error)
  }

  #response(received: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader): void {
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
    this.#empty = this.#head || this.length === 0 || status === 204 || status === 304
    this.#listener.response({ status, statusText: '', headers, body: this })
  }

  #ended(): void {
    const stream = this.#stream!
    // Without an answer this is a peer that closed the stream and called it no error; `close` says so.
    if (this.over || !this.#answered || (stream.rstCode !== NGHTTP2_NO_ERROR && stream.rstCode !== undefined)) return
    // A reset with NO_ERROR looks like an end to Node.
    if (!this.#empty && this.length !== undefined && this.#received < this.length)
      return this.#broken(new Error(`${this.#received} of ${this.length} bytes of the response came`))
    this.over = true
    // Answered before it had everything: the rest of the request is of no use.
    if (!stream.writableFinished) stream.close(NGHTTP2_CANCEL)
    this.#listener.complete()
    this.#reader?.end()
  }

  #broken(error: Error): void {
    if (this.over) return
    this.over = true
    const { closedHere } = this.#owner
    this.#error = closedHere ?? error
    this.#listener.reset(closedHere === undefined ? this.#reason(error) : 'local_reset', this.#error)
    this.#reader?.error(this.#error)
    this.#release()
  }

  #reason(error: Error): ResetReason {
    const code = this.#stream?.rstCode
    const { broken } = this.#owner
    if (code === NGHTTP2_CONNECT_ERROR) return 'remote_error_with_CONNECT_request'
    if (code === NGHTTP2_REFUSED_STREAM) return 'remote_refused_stream_reset'
    // What nghttp2 says of a peer that does not speak HTTP/2; a reset by the peer has another code.
    if (codeOf(error) === 'ERR_HTTP2_ERROR' || codeOf(broken) === 'ERR_HTTP2_ERROR') return 'protocol_error'
    if (this.#stream === undefined || broken !== undefined || this.#owner.lost || code === undefined) return 'connection_termination'
    return 'remote_reset'
  }

  #release(): void {
    if (!this.#counted) return
    this.#counted = false
    this.#owner.ended()
  }

  cancel(): void {
    if (this.over) return
    this.over = true
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

const codeOf = (error: Error | undefined) => (error as { code?: string } | undefined)?.code

/** The request as HTTP/2 writes it: pseudo headers, then names in lower case; lines of one name stay apart. */
function headersOf(wire: WireRequest): http2.OutgoingHttpHeaders {
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
  const length = wire.body?.length
  if (length !== undefined) headers['content-length'] = String(length)
  return headers
}
