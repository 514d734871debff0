/**
 * An HTTP/1.1 connection of ours. node:http writes requests and reads answers; the socket is handed to it, so that who waits for a
 * connection holds no request object, and how many connections there are is our decision.
 */
import http from 'node:http'
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
  WireBody,
  WireRequest,
} from '../../core/transport.ts'
import { dial } from './node-socket.ts'

/** Before anybody patches it. */
const request = http.request

interface Leased extends http.RequestOptions {
  lease: net.Socket
}

/** The part of an agent that node:http asks: it hands over the socket that the request brings. */
const handoff: any = {
  protocol: undefined,
  defaultPort: 80,
  keepAlive: true,
  maxSockets: Infinity,
  options: {},
  addRequest(req: any, options: Leased) {
    req.reusedSocket = true
    req.onSocket(options.lease)
  },
}

export class Http1Connection implements Connection {
  readonly concurrency = 1
  readonly #listener: ConnectionListener
  readonly #socket: net.Socket
  readonly #address: string
  #open = false
  #gone = false
  #stream: Http1Stream | undefined
  #draining = false

  constructor(address: string, target: ConnectTarget, listener: ConnectionListener) {
    this.#listener = listener
    this.#address = target.address
    this.#socket = dial(
      address,
      target,
      socket => {
        this.#open = true
        // Permanent: node:http has no error handler between the end of a response and the next request.
        socket.on('error', () => socket.destroy())
        socket.on('close', () => this.#closed())
        socket.on('free', () => this.#free())
        socket.on('data', this.#stray)
        listener.connected(this)
        if (this.#stream === undefined) socket.unref()
      },
      (reason, error) => {
        this.#gone = true
        listener.failed(this, reason, error)
      },
    )
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress === undefined ? undefined : `${this.#socket.localAddress}:${this.#socket.localPort}`
  }

  /** Bytes that nobody asked for: the peer is confused, or answers somebody else. */
  readonly #stray = () => {
    if (this.#stream === undefined) this.#socket.destroy()
  }

  send(wire: WireRequest, listener: StreamListener): Stream {
    this.#socket.ref()
    const stream = new Http1Stream(this.#socket, wire, listener, this.#address)
    this.#stream = stream
    return stream
  }

  #free(): void {
    this.#stream = undefined
    const socket = this.#socket
    if (this.#draining || socket.destroyed || !socket.writable || socket.readableLength > 0) {
      socket.destroy()
      return
    }
    socket.unref()
    this.#listener.available(this)
  }

  #closed(): void {
    if (this.#gone) return
    this.#gone = true
    const stream = this.#stream
    this.#stream = undefined
    stream?.connectionClosed()
    this.#listener.closed(this)
  }

  drain(): void {
    this.#draining = true
    if (this.#stream === undefined || this.#stream.over) this.#socket.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
    if (!this.#open && !this.#gone) {
      this.#gone = true
      this.#listener.closed(this)
    }
  }
}

class Http1Stream implements Stream, BodySource {
  over = false
  length: number | undefined
  readonly #listener: StreamListener
  readonly #socket: net.Socket
  readonly #request: http.ClientRequest
  readonly #bytesBefore: number
  readonly #address: string
  #response: http.IncomingMessage | undefined
  #reader: BodyReader | undefined
  #pendingError: Error | undefined

  constructor(socket: net.Socket, wire: WireRequest, listener: StreamListener, address: string) {
    this.#listener = listener
    this.#socket = socket
    this.#address = address
    this.#bytesBefore = socket.bytesRead
    const { body } = wire
    const headers = ['Host', wire.authority, ...wire.headers]
    if (body !== undefined) {
      if (body.length === undefined) headers.push('Transfer-Encoding', 'chunked')
      else headers.push('Content-Length', String(body.length))
    } else if (wire.method === 'POST' || wire.method === 'PUT' || wire.method === 'PATCH') headers.push('Content-Length', '0')
    const options: Leased = { agent: handoff, lease: socket, method: wire.method, path: wire.path, headers, setHost: false }
    const req = request(options)
    this.#request = req
    req.on('response', res => this.#answered(res))
    req.on('error', error => this.#broken(error))
    req.on('close', () => {
      if (this.#response === undefined) this.#broken(new Error('closed without an answer'))
    })
    if (body === undefined) req.end()
    else if (body.bytes !== undefined) req.end(body.bytes)
    else void this.#upload(body)
  }

  async #upload(body: WireBody): Promise<void> {
    try {
      const chunks = body.open?.()
      if (chunks === undefined) throw new TypeError('the request body was read already')
      for (;;) {
        const { done, value } = await chunks.next()
        if (done || this.over) break
        if (!this.#request.write(value)) await new Promise<void>(resolve => this.#request.once('drain', resolve).once('close', resolve))
      }
      this.#request.end()
    } catch (error) {
      if (this.over) return
      this.over = true
      this.#socket.destroy()
      this.#listener.reset('local_reset', error instanceof Error ? error : new Error(String(error)))
    }
  }

  #answered(res: http.IncomingMessage): void {
    this.#response = res
    if (this.over) {
      res.resume()
      return
    }
    const said = res.headers['content-length']
    this.length = said === undefined ? undefined : Number(said)
    res.on('end', () => {
      if (this.over) return
      if (!res.complete) return this.#broken(new Error('the connection was closed in the middle of the response'))
      this.over = true
      // An upload that is not finished would never free its socket.
      if (!this.#request.writableEnded) this.#socket.destroy()
      this.#listener.complete()
      this.#reader?.end()
    })
    res.on('error', error => this.#broken(error))
    res.on('aborted', () => this.#broken(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })))
    this.#listener.response({ status: res.statusCode!, statusText: res.statusMessage ?? '', headers: res.rawHeaders, body: this })
    const empty = this.length === 0 || res.statusCode === 204 || res.statusCode === 304 || this.#request.method === 'HEAD'
    if (empty && this.#reader === undefined && !this.over) res.resume()
  }

  #broken(error: Error): void {
    if (this.over) return
    this.over = true
    this.#socket.destroy()
    const code = (error as { code?: string }).code ?? ''
    const early = this.#response === undefined
    const reason: ResetReason =
      code.startsWith('HPE_') || !early || this.#socket.bytesRead > this.#bytesBefore ? 'protocol_error' : 'connection_termination'
    const told = Object.assign(new Error(`${this.#address}: ${error.message}`, { cause: error }), { code })
    this.#pendingError = told
    this.#listener.reset(reason, told)
    this.#reader?.error(told)
  }

  connectionClosed(): void {
    if (!this.over) this.#broken(Object.assign(new Error('other side closed'), { code: 'ECONNRESET' }))
  }

  cancel(): void {
    if (this.over) return
    const res = this.#response
    this.over = true
    // Small rests are read away, so that the connection can serve again.
    if (res?.complete) res.resume()
    else this.#socket.destroy()
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    const res = this.#response!
    if (this.#pendingError !== undefined) return reader.error(this.#pendingError)
    if (this.over) return reader.end()
    res.on('data', (chunk: Buffer) => reader.data(chunk))
  }

  pause(): void {
    this.#response?.pause()
  }

  resume(): void {
    this.#response?.resume()
  }
}
