/** One request and its answer on an HTTP/1.1 connection. It is told how things go by functions that all streams share: none is made per request. */
import type http from 'node:http'
import type net from 'node:net'
import { READ_AHEAD } from '../../core/body.ts'
import type { BodyReader, BodySource, ResetReason, Stream, StreamListener, WireRequest } from '../../core/transport.ts'
import type { RequestWriter } from './node-http1-request.ts'
import { upload } from './upload.ts'
import { type Deliverable, deliverLater, type Writable } from './write-batching.ts'

const STREAM = Symbol('stream')

/** Envoy's max_headers_count. */
const MOST_HEADERS = 100

interface Request extends http.ClientRequest {
  [STREAM]?: Http1Stream
}
interface Answer extends http.IncomingMessage {
  [STREAM]?: Http1Stream
}

/** The connection that a stream runs on. */
export interface Http1Owner {
  /** The response was delivered. */
  delivered(): void
  /** Nothing was sent, and nothing will be: the connection can serve again. */
  unused(): void
  /** It had served requests before, and served this one as well, or was closed instead. */
  reused(kept: boolean): void
}

export class Http1Stream implements Stream, BodySource, Deliverable, Writable {
  /** Nothing more will be reported. */
  over = false
  /** Everything was received. */
  received = false
  /** The response has come and is still to be delivered. */
  isUndelivered = false
  dueIn = 0
  length: number | undefined
  /** ms that the peer says it keeps an idle connection, less a second; `Infinity` when it says nothing. */
  keepAlive = Infinity
  readonly #listener: StreamListener
  readonly #socket: net.Socket
  readonly #bytesBefore: number
  readonly #owner: Http1Owner
  readonly #writer: RequestWriter
  readonly #isReused: boolean
  readonly #isHead: boolean
  /** Until it is written. */
  #wire: WireRequest | undefined
  /** From then on. */
  #request: Request | undefined
  #answer: Answer | undefined
  #empty = false
  #reader: BodyReader | undefined
  /** What came before anybody read. */
  #early: Uint8Array[] | undefined
  #earlySize = 0
  #paused = false
  #error: Error | undefined

  /** `isReused`: the connection has served requests before. */
  constructor(
    owner: Http1Owner,
    writer: RequestWriter,
    socket: net.Socket,
    wire: WireRequest,
    listener: StreamListener,
    isReused: boolean,
  ) {
    this.#owner = owner
    this.#writer = writer
    this.#listener = listener
    this.#socket = socket
    this.#bytesBefore = socket.bytesRead
    this.#isHead = wire.method === 'HEAD'
    this.#wire = wire
    this.#isReused = isReused
  }

  get isLost(): boolean {
    const { destroyed, writable, readableEnded } = this.#socket
    return destroyed || !writable || readableEnded
  }

  write(): void {
    if (this.over) return
    // `connectionClosed` follows. node:http would wait for the end of a socket that has ended already.
    if (this.isLost) return void this.#socket.destroy()
    const wire = this.#wire!
    this.#wire = undefined
    let request: Request
    try {
      request = this.#writer.open(wire)
    } catch (error) {
      this.over = true
      this.#error = error as Error
      this.#listener.reset('local_reset', error as Error)
      return this.#owner.unused()
    }
    request[STREAM] = this
    this.#request = request
    request.on('response', onResponse)
    request.on('error', onRequestError)
    request.on('close', onRequestClose)
    const { body } = wire
    if (body === undefined) request.end()
    else if (body.bytes !== undefined) request.end(body.bytes)
    else void upload(body, request, this, error => this.#giveUp(error))
  }

  /** Written, and the response is not here yet: bytes that come are its. */
  get isWaiting(): boolean {
    return this.#request !== undefined && !this.received
  }

  /** The connection is closed on our side. */
  cut(error: Error): void {
    this.deliver()
    this.#giveUp(error)
  }

  #giveUp(error: Error): void {
    if (this.over) return
    this.over = true
    this.#error = error
    this.#socket.destroy()
    this.#listener.reset('local_reset', error)
    this.#reader?.error(error)
  }

  answered(answer: Answer): void {
    this.#answer = answer
    if (this.#isReused) this.#owner.reused(true)
    if (this.over) {
      answer.resume()
      return
    }
    const headers = answer.rawHeaders
    if (headers.length > 2 * MOST_HEADERS) return this.#refuse(new Error(`more than ${MOST_HEADERS} header lines`))
    let coding = 'chunked'
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!
      if (name.length === 14 && name.toLowerCase() === 'content-length') this.length = Number(headers[i + 1])
      else if (name.length === 10 && name.toLowerCase() === 'keep-alive') this.keepAlive = keepAliveOf(headers[i + 1]!)
      else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') coding = headers[i + 1]!.toLowerCase()
    }
    // As in Envoy: any other one would have to be taken off here, and its bytes are no body.
    if (coding !== 'chunked') return this.#refuse(new Error(`transfer-encoding ${coding} is not understood`))
    if (this.#isHead) keepAfterHead(this.#request!, answer)
    const status = answer.statusCode
    this.#empty = this.#isHead || this.length === 0 || status === 204 || status === 304
    if (this.#empty) this.length = 0
    answer[STREAM] = this
    // Read from the first byte on: what is here already need not be buffered by the stream as well.
    answer.on('data', onData)
    answer.on('end', onEnd)
    answer.on('error', onAnswerError)
    this.isUndelivered = true
    deliverLater(this)
  }

  deliver(): void {
    if (!this.isUndelivered) return
    this.isUndelivered = false
    const { statusCode, statusMessage, rawHeaders } = this.#answer!
    if (!this.over) this.#listener.response({ status: statusCode!, statusText: statusMessage ?? '', headers: rawHeaders, body: this })
    if (this.received) this.#complete()
    this.#owner.delivered()
  }

  ended(): void {
    if (this.over || this.received) return
    if (!this.#answer!.complete) return this.broken(new Error('the connection was closed in the middle of the response'))
    this.received = true
    // An upload that is not finished would never free its socket.
    if (!this.#request!.writableFinished) this.#socket.destroy()
    if (!this.isUndelivered) this.#complete()
  }

  #complete(): void {
    if (this.over) return
    this.over = true
    this.#listener.complete()
    this.#reader?.end(this.#trailers)
  }

  broken(error: Error): void {
    if (this.over || this.received) return
    this.deliver()
    this.#socket.destroy()
    // What went wrong came after the last byte of the answer; its end is still to be told.
    if (this.#answer?.complete === true) return
    this.over = true
    const code = (error as { code?: string }).code
    const early = this.#answer === undefined
    const reason: ResetReason =
      code?.startsWith('HPE_') === true || !early || this.#socket.bytesRead > this.#bytesBefore
        ? 'protocol_error'
        : 'connection_termination'
    // Node calls a FIN a hang-up with the code of a RST.
    this.#error = code === undefined || error.message === 'socket hang up' || error.message === 'aborted' ? sideClosed(error) : error
    if (early && this.#isReused) this.#owner.reused(false)
    this.#listener.reset(reason, this.#error)
    this.#reader?.error(this.#error)
  }

  /** The answer cannot be taken. */
  #refuse(error: Error): void {
    this.over = true
    this.#error = error
    this.#socket.destroy()
    this.#listener.reset('protocol_error', error)
  }

  connectionClosed(): void {
    this.deliver()
    if (this.over) return
    if (this.#request === undefined && this.#isReused && this.#listener.unsent !== undefined) {
      this.over = true
      this.#owner.reused(false)
      return this.#listener.unsent()
    }
    this.broken(new Error('socket hang up'))
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    const answer = this.#answer
    // What is empty, or all here, costs nothing to take, and the connection can serve again.
    if (answer !== undefined && (this.#empty || answer.complete)) answer.resume()
    else this.#socket.destroy()
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    if (this.#error !== undefined) return reader.error(this.#error)
    const early = this.#early
    this.#early = undefined
    const held = this.#paused
    this.#paused = false
    const all = this.over
    for (let i = 0; early !== undefined && i < early.length && this.over === all; i++) reader.data(early[i]!)
    if (all) reader.end(this.#trailers)
    else if (this.over)
      return // the reader gave it up
    else if (held && !this.#paused) this.#answer!.resume()
  }

  get #trailers(): string[] | undefined {
    const trailers = this.#answer?.rawTrailers
    return trailers === undefined || trailers.length === 0 ? undefined : trailers
  }

  data(chunk: Uint8Array): void {
    if (this.over) return
    if (this.#reader !== undefined) return this.#reader.data(chunk)
    if (this.#early === undefined) this.#early = [chunk]
    else this.#early.push(chunk)
    this.#earlySize += chunk.byteLength
    if (this.#earlySize >= READ_AHEAD) this.pause()
  }

  pause(): void {
    this.#paused = true
    this.#answer?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#answer?.resume()
  }
}

function onResponse(this: http.ClientRequest, answer: http.IncomingMessage): void {
  ;(this as Request)[STREAM]!.answered(answer)
}
function onRequestError(this: http.ClientRequest, error: Error): void {
  ;(this as Request)[STREAM]!.broken(error)
}
/** Always comes, also when a 101 or a close leaves no other word. */
function onRequestClose(this: http.ClientRequest): void {
  const stream = (this as Request)[STREAM]!
  if (!stream.over && (this as any).res === null) stream.broken(new Error('closed without an answer'))
}
function onData(this: Answer, chunk: Uint8Array): void {
  this[STREAM]!.data(chunk)
}
function onEnd(this: Answer): void {
  this[STREAM]!.ended()
}
function onAnswerError(this: Answer, error: Error): void {
  this[STREAM]!.broken(error)
}

/**
 * Node takes an answer without a length for one that ends with its connection, also the answer to HEAD, which has no body to end.
 * HTTP/1.1 keeps the connection unless the peer says `close`.
 */
function keepAfterHead(request: http.ClientRequest, answer: http.IncomingMessage): void {
  const { httpVersionMajor, httpVersionMinor, headers } = answer
  if (httpVersionMajor === 1 && httpVersionMinor > 0 && !/\bclose\b/i.test(headers.connection ?? '')) request.shouldKeepAlive = true
}

const sideClosed = (cause: Error) => Object.assign(new Error('other side closed', { cause }), { code: 'UND_ERR_SOCKET' })

/** ms that an idle connection may be used, from `Keep-Alive: timeout=5`: a second less than the peer says. Peers say the same each time. */
function keepAliveOf(value: string): number {
  if (value === lastSaid) return lastKept
  const found = /(?:^|[\s,;])timeout\s*=\s*(\d+)/i.exec(value)
  lastSaid = value
  lastKept = found === null ? Infinity : Math.max(0, Number(found[1]) * 1000 - 1000)
  return lastKept
}
let lastSaid = ''
let lastKept = Infinity
