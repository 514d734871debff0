/**
 * The transport of browsers and edge runtimes: the runtime's own fetch. Requests are governed as everywhere; connections are the
 * runtime's, so what rules say about them cannot be done, and `cannot` names it, for the mesh to say so rule by rule.
 */
import { currentFetch } from '../../base/platform.ts'
import { runInMicrotask } from '../../base/time/event-loop.ts'
import { endsWithRequests } from '../../base/time/polled-clock.ts'
import { stopReading } from '../../core/body.ts'
import { errorOf } from '../../core/error-kinds.ts'
import { InvalidRequestError, isConnectionHeader, requestFault } from '../../core/sendable.ts'
import type {
  BodyReader,
  BodySource,
  Connection,
  ConnectionListener,
  ConnectTarget,
  ResetReason,
  Stream,
  StreamListener,
  Transport,
  TransportLimit,
  WireBody,
  WireRequest,
} from '../../core/transport.ts'
import { type ConnectTo, dialedAddresses } from './dialed-address.ts'

export interface FetchTransportOptions {
  /** The fetch that is used. Default: the runtime's, as it is when the transport is made. */
  fetch?: typeof globalThis.fetch | undefined
  /** Where an endpoint is really reached, by its own `ip:port`: a map or a function. For tests and port-forwards. */
  connectTo?: ConnectTo | undefined
}

const CANNOT: readonly TransportLimit[] = [
  'connect-timeout',
  'tcp-keep-alive',
  'idle-timeout',
  'requests-per-connection',
  'connection-duration',
  'http2',
  'tls-settings',
  'unix-socket',
  'host',
  'endpoint-under-https',
]

/**
 * A transport over fetch. Without TLS a request goes to the chosen endpoint, but the server sees the endpoint's address as Host; with
 * TLS it goes to the host of its URL, whichever endpoint was chosen.
 *
 * @example
 * const mesh = createMesh({ rules, transport: fetchTransport() })
 * await mesh.close()
 */
export function fetchTransport(options: FetchTransportOptions = {}): Transport {
  const { fetch: send = currentFetch(), connectTo } = options
  const inWorker = endsWithRequests()
  const dialed = dialedAddresses(connectTo)
  return {
    cannot: inWorker ? [...CANNOT, 'connections'] : CANNOT,
    connect: (target, listener) => new FetchConnection(target, listener, dialed(target.address), send, inWorker ? ANY_NUMBER : 1),
  }
}

/** What the package's `#transport` gives where there is no Node. */
export { fetchTransport as createTransport }

/** Requests at a time on a connection that sets no limit. */
const ANY_NUMBER = 2 ** 31

/**
 * One request at a time, so that limits on connections limit requests. In a worker any number: a request that waits there for a connection
 * would be sent by the request that gives it back, and end with that one.
 */
class FetchConnection implements Connection {
  readonly concurrency: number
  readonly #target: ConnectTarget
  readonly #address: string
  readonly #listener: ConnectionListener
  readonly #fetch: typeof globalThis.fetch
  readonly #streams = new Set<FetchStream>()
  #draining = false
  #gone = false

  constructor(
    target: ConnectTarget,
    listener: ConnectionListener,
    address: string | Error,
    fetch: typeof globalThis.fetch,
    concurrency: number,
  ) {
    this.concurrency = concurrency
    this.#target = target
    this.#address = String(address)
    this.#listener = listener
    this.#fetch = fetch
    runInMicrotask(() => {
      if (this.#gone) return
      const error = address instanceof Error ? address : isUnixSocket(address) ? unixSocket(address) : undefined
      if (error === undefined) return listener.connected(this)
      this.#gone = true
      listener.failed(this, 'connection_failure', error)
    })
  }

  send(request: WireRequest, listener: StreamListener): Stream {
    const secure = this.#target.tls !== undefined
    const host = secure ? (request.scheme === 'https' ? request.authority : this.#named(this.#target.tls!.sni)) : this.#address
    const stream = new FetchStream(this, listener)
    stream.start(`${secure ? 'https' : 'http'}://${host}${request.path}`, request, this.#fetch) // may throw
    this.#streams.add(stream)
    return stream
  }

  #named(name: string | undefined): string {
    return name === undefined ? this.#address : `${name}:${this.#address.slice(this.#address.lastIndexOf(':') + 1)}`
  }

  ended(stream: FetchStream): void {
    this.#streams.delete(stream)
    if (this.#gone) return
    if (this.#draining) this.drain()
    else runInMicrotask(() => this.#gone || this.#listener.available(this))
  }

  drain(): void {
    this.#draining = true
    if (this.#streams.size === 0) this.#close()
  }

  destroy(error = new Error('the connection was closed here')): void {
    for (const stream of this.#streams) stream.broken('local_reset', error)
    this.#close()
  }

  #close(): void {
    if (this.#gone) return
    this.#gone = true
    runInMicrotask(() => this.#listener.closed(this))
  }
}

class FetchStream implements Stream, BodySource {
  over = false
  length: number | undefined
  readonly #connection: FetchConnection
  readonly #listener: StreamListener
  readonly #controller = new AbortController()
  #body: ReadableStreamDefaultReader<Uint8Array> | undefined
  #reader: BodyReader | undefined
  #error: Error | undefined
  #paused = false
  #reading = false

  constructor(connection: FetchConnection, listener: StreamListener) {
    this.#connection = connection
    this.#listener = listener
  }

  start(url: string, request: WireRequest, fetch: typeof globalThis.fetch): void {
    const fault = faultOf(request)
    if (fault !== undefined) return runInMicrotask(() => this.broken('local_reset', new InvalidRequestError(fault)))
    const headers: [string, string][] = []
    for (let i = 0; i < request.headers.length; i += 2)
      if (!isConnectionHeader(request.headers[i]!)) headers.push([request.headers[i]!, request.headers[i + 1]!])
    const init = {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: this.#controller.signal,
      ...bodyOf(request.body, error => this.broken('local_reset', error)),
    } as RequestInit
    void this.#ask(url, init, fetch)
  }

  /** The runtime's fetch, or code that stands in for it: whatever it does ends in a response or a reset. */
  async #ask(url: string, init: RequestInit, fetch: typeof globalThis.fetch): Promise<void> {
    let response: Response
    try {
      response = await fetch(url, init)
    } catch (error) {
      return this.broken(reasonOf(error), causeOf(error))
    }
    try {
      this.#answered(response)
    } catch (cause) {
      this.broken('protocol_error', new Error('fetch gave something that is no Response', { cause }))
    }
  }

  #answered(response: Response): void {
    if (this.over) {
      response?.body?.cancel?.().catch(ignore)
      return
    }
    if (response.type === 'opaqueredirect' || response.status === 0)
      return this.broken('protocol_error', new Error('this runtime hides redirects; ask for what they lead to'))
    const headers: string[] = []
    // The runtime has decoded the body: its coding and length are no longer true.
    for (const [name, value] of response.headers) if (name !== 'content-encoding' && name !== 'content-length') headers.push(name, value)
    const said = response.headers.get('content-length')
    if (said !== null && !response.headers.has('content-encoding')) this.length = Number(said)
    this.#body = response.body?.getReader()
    this.#listener.response({ status: response.status, statusText: response.statusText, headers, body: this })
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    if (this.#error !== undefined) return reader.error(this.#error)
    if (this.over) return reader.end()
    void this.#flow()
  }

  async #flow(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      while (!this.#paused && !this.over) {
        const { done, value } = this.#body === undefined ? { done: true, value: undefined } : await this.#body.read()
        if (this.over) return
        if (done || value === undefined) return this.#complete()
        this.#reader!.data(value)
      }
    } catch (error) {
      this.broken('protocol_error', causeOf(error))
    } finally {
      this.#reading = false
    }
  }

  #complete(): void {
    this.over = true
    this.#connection.ended(this)
    this.#listener.complete()
    this.#reader!.end()
  }

  broken(reason: ResetReason, error: Error): void {
    if (this.over) return
    this.over = true
    this.#error = error
    this.#controller.abort()
    this.#connection.ended(this)
    this.#listener.reset(reason, error)
    this.#reader?.error(error)
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    this.#controller.abort()
    this.#connection.ended(this)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#reader !== undefined && !this.over) void this.#flow()
  }
}

/** What fetch refuses to send: what HTTP cannot carry, and a body of a method that fetch gives none. */
function faultOf(request: WireRequest): string | undefined {
  const { method, body } = request
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) return `fetch sends no body with ${method}`
  return requestFault(request)
}

/** `failed`: the source of a stream broke. */
function bodyOf(body: WireBody | undefined, failed: (error: Error) => void): object {
  if (body === undefined) return {}
  if (body.bytes !== undefined) return { body: body.bytes }
  let chunks: AsyncIterator<Uint8Array> | undefined
  return {
    duplex: 'half',
    body: new ReadableStream({
      async pull(controller) {
        try {
          chunks ??= body.open?.()
          if (chunks === undefined) throw new TypeError('the request body was read already')
          const { done, value } = await chunks.next()
          if (done === true) controller.close()
          else controller.enqueue(value)
        } catch (thrown) {
          const error = errorOf(thrown)
          failed(error)
          throw error
        }
      },
      cancel() {
        if (chunks !== undefined) stopReading(chunks)
      },
    }),
  }
}

const isUnixSocket = (address: string) => /^[/@]/.test(address)
const unixSocket = (address: string) => new Error(`${address}: fetch cannot reach a Unix socket`)

const UNREACHED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ConnectionRefused'])

/** Deno and workerd give no code. */
const UNREACHED_IN_WORDS = /client error \(Connect\)|connection refused/i

/** What a failed fetch means, in Envoy's words; as far as the runtime tells. */
function reasonOf(error: unknown): ResetReason {
  const { code: given, message } = causeOf(error) as { code?: unknown; message: string }
  const code = String(given ?? '')
  if (UNREACHED.has(code) || UNREACHED_IN_WORDS.test(message)) return 'connection_failure'
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connection_timeout'
  return code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' ? 'protocol_error' : 'connection_termination'
}

function causeOf(error: unknown): Error {
  const cause = (error as { cause?: unknown } | undefined)?.cause
  if (cause instanceof Error) return cause
  return errorOf(error)
}

const ignore = () => {}
