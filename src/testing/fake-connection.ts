/** A connection of the fake transport, and the streams on it: the listener's side of core/transport kept to the letter, with nothing behind it. */
import { type Clock, KEEP_ALIVE, type Timer } from '../base/time/clock.ts'
import { runInMicrotask } from '../base/time/event-loop.ts'
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
} from '../core/transport.ts'
import type { PlayedResponse, PlayedStep } from './fake-step.ts'

/** A request as an endpoint saw it. */
export interface FakeRequest {
  readonly endpoint: string
  readonly method: string
  readonly path: string
  readonly authority: string
  /** Names in lower case; several lines of one name joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** ms on the clock. */
  readonly at: number
}

interface Director {
  readonly connect: 'refuse' | 'unreachable' | undefined
  readonly connectDelay: number
  opened(): void
  gone(): void
  answer(request: FakeRequest): PlayedStep | Promise<PlayedStep>
}

export class FakeConnection implements Connection {
  readonly address: string
  readonly clock: Clock
  concurrency: number
  readonly #listener: ConnectionListener
  readonly #director: Director
  readonly #streams = new Set<FakeStream>()
  #timer: Timer | undefined
  #open = false
  #gone = false
  #draining = false

  constructor(target: ConnectTarget, listener: ConnectionListener, clock: Clock, director: Director) {
    this.address = target.address
    this.clock = clock
    this.concurrency = target.protocol === 'http2' ? (target.maxConcurrentStreams ?? 1024) : 1
    this.#listener = listener
    this.#director = director
    const { connect, connectDelay } = director
    if (connect === 'unreachable' || connectDelay > target.connectTimeout) {
      const { connectTimeout } = target
      const error = Object.assign(new Error(`no connection to ${this.address} within ${connectTimeout} ms`), { code: 'ETIMEDOUT' })
      if (connectTimeout !== Infinity)
        this.#timer = clock.schedule(connectTimeout, () => this.#fail('connection_timeout', error), KEEP_ALIVE)
    } else if (connectDelay > 0) this.#timer = clock.schedule(connectDelay, () => this.#arrived(), KEEP_ALIVE)
    else runInMicrotask(() => this.#arrived())
  }

  #arrived(): void {
    if (this.#gone) return
    if (this.#director.connect === 'refuse') {
      this.#fail('connection_failure', Object.assign(new Error(`connect ECONNREFUSED ${this.address}`), { code: 'ECONNREFUSED' }))
      return
    }
    this.#open = true
    this.#director.opened()
    this.#listener.connected(this)
  }

  #fail(reason: 'connection_failure' | 'connection_timeout', error: Error): void {
    if (this.#gone) return
    this.#gone = true
    this.#listener.failed(this, reason, error)
  }

  send(wire: WireRequest, listener: StreamListener): Stream {
    const stream = new FakeStream(this, listener)
    this.#streams.add(stream)
    void this.#serve(stream, wire)
    return stream
  }

  async #serve(stream: FakeStream, wire: WireRequest): Promise<void> {
    try {
      const body = await textOf(wire)
      if (stream.over) return
      const { method, path, authority } = wire
      const step = await this.#director.answer({
        endpoint: this.address,
        method,
        path,
        authority,
        headers: headersOf(wire),
        body,
        at: this.clock.now(),
      })
      if (!stream.over) stream.play(step)
    } catch (error) {
      stream.reset('local_reset', error as Error)
    }
  }

  /** A stream is over; `broken`: the connection went with it. */
  ended(stream: FakeStream, broken: boolean): void {
    if (!this.#streams.delete(stream) || this.#gone) return
    if (broken && this.concurrency === 1) this.#close()
    else if (this.#draining) {
      if (this.#streams.size === 0) this.#close()
    } else runInMicrotask(() => this.#gone || this.#listener.available(this))
  }

  /** The peer is gone: every stream breaks. */
  break(): void {
    for (const stream of [...this.#streams])
      stream.reset(
        stream.answered ? 'protocol_error' : 'connection_termination',
        Object.assign(new Error('other side closed'), { code: 'ECONNRESET' }),
      )
    this.#close()
  }

  drain(): void {
    this.#draining = true
    if (this.#streams.size === 0) this.#close()
  }

  destroy(error = new Error('the connection was closed here')): void {
    for (const stream of [...this.#streams]) stream.reset('local_reset', error)
    this.#close()
  }

  #close(): void {
    if (this.#gone) return
    this.#gone = true
    this.concurrency = 0
    this.#timer?.cancel()
    if (this.#open) this.#director.gone()
    runInMicrotask(() => this.#listener.closed(this))
  }
}

class FakeStream implements Stream, BodySource {
  over = false
  answered = false
  length: number | undefined
  readonly #connection: FakeConnection
  readonly #listener: StreamListener
  #timer: Timer | undefined
  #pieces: Uint8Array[] = []
  #pause = 0
  #cut = false
  #reader: BodyReader | undefined
  #error: Error | undefined
  #paused = false

  constructor(connection: FakeConnection, listener: StreamListener) {
    this.#connection = connection
    this.#listener = listener
  }

  play(step: PlayedStep): void {
    if (step === 'hang') return
    if (step === 'reset') return this.reset('connection_termination', Object.assign(new Error('other side closed'), { code: 'ECONNRESET' }))
    if (step === 'garbage')
      return this.reset('protocol_error', Object.assign(new Error('Parse Error: Expected HTTP/'), { code: 'HPE_INVALID_CONSTANT' }))
    if (step === 'refused-stream') return this.reset('remote_refused_stream_reset', new Error('the stream was refused'))
    if (typeof step === 'string') throw new TypeError(`${step} can only happen to a connection`)
    this.#later(step.delay, () => this.#respond(step))
  }

  #respond({ status, headers, pieces, pause, cut }: PlayedResponse): void {
    this.#pieces = [...pieces]
    this.#pause = pause
    this.#cut = cut
    if (!cut) this.length = this.#pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
    this.answered = true
    this.#listener.response({ status, statusText: '', headers: [...headers], body: this })
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    if (this.#error !== undefined) return reader.error(this.#error)
    if (this.over) return reader.end()
    this.#later(this.#pieces.length > 0 ? this.#pause : 0, () => this.#deliver())
  }

  #deliver(): void {
    if (this.over || this.#paused) return
    const piece = this.#pieces.shift()
    if (piece !== undefined) {
      this.#reader!.data(piece)
      if (this.over) return
    }
    if (this.#pieces.length > 0) return this.#later(this.#pause, () => this.#deliver())
    if (this.#cut) return this.reset('protocol_error', Object.assign(new Error('other side closed'), { code: 'ECONNRESET' }))
    this.over = true
    this.#connection.ended(this, false)
    this.#listener.complete()
    this.#reader!.end()
  }

  reset(reason: ResetReason, error: Error): void {
    if (this.over) return
    this.over = true
    this.#timer?.cancel()
    this.#error = error
    this.#connection.ended(this, reason !== 'remote_refused_stream_reset')
    this.#listener.reset(reason, error)
    this.#reader?.error(error)
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    this.#timer?.cancel()
    this.#connection.ended(this, true)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#reader !== undefined && !this.over) this.#later(0, () => this.#deliver())
  }

  #later(delay: number, run: () => void): void {
    if (delay > 0) this.#timer = this.#connection.clock.schedule(delay, run, { keepAlive: true })
    else runInMicrotask(() => this.over || run())
  }
}

const decoder = new TextDecoder()

async function textOf({ body }: WireRequest): Promise<string> {
  if (body === undefined) return ''
  if (body.bytes !== undefined) return decoder.decode(body.bytes)
  const chunks = body.open?.()
  if (chunks === undefined) throw new TypeError('the request body was read already')
  let text = ''
  for (let step = await chunks.next(); step.done !== true; step = await chunks.next()) text += decoder.decode(step.value, { stream: true })
  return text
}

function headersOf(wire: WireRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let i = 0; i < wire.headers.length; i += 2) {
    const name = wire.headers[i]!.toLowerCase()
    const value = wire.headers[i + 1]!
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  return headers
}
