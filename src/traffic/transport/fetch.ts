/**
 * The transport of browsers and edge runtimes: the runtime's own fetch. Requests are governed as everywhere; connections are the
 * runtime's, so what rules say about them cannot be done, and `cannot` names it, for the mesh to say so rule by rule.
 */
import { runInMicrotask } from '../../base/time/event-loop.ts'
import { stopReading } from '../../core/body.ts'
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

export interface FetchTransportOptions {
  /** The fetch that is used. Default: the runtime's, as it is when the transport is made. */
  fetch?: typeof globalThis.fetch | undefined
  /** Where an endpoint is really reached, by its own `ip:port`: a map or a function. For tests and port-forwards. */
  connectTo?: Readonly<Record<string, string>> | ((address: string) => string | undefined) | undefined
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
  const { fetch: send = globalThis.fetch, connectTo } = options
  const place = typeof connectTo === 'function' ? connectTo : (address: string) => connectTo?.[address]
  return {
    cannot: CANNOT,
    connect: (target, listener) => new FetchConnection(target, listener, place(target.address) ?? target.address, send),
  }
}

/** What the package's `#transport` gives where there is no Node. */
export { fetchTransport as createTransport }

/** One request at a time, so that limits on connections limit requests. */
class FetchConnection implements Connection {
  readonly concurrency = 1
  readonly #target: ConnectTarget
  readonly #address: string
  readonly #listener: ConnectionListener
  readonly #fetch: typeof globalThis.fetch
  #stream: FetchStream | undefined
  #draining = false
  #gone = false

  constructor(target: ConnectTarget, listener: ConnectionListener, address: string, fetch: typeof globalThis.fetch) {
    this.#target = target
    this.#address = address
    this.#listener = listener
    this.#fetch = fetch
    runInMicrotask(() => {
      if (this.#gone) return
      if (!/^[/@]/.test(target.address)) return listener.connected(this)
      this.#gone = true
      listener.failed(this, 'connection_failure', new Error(`${target.address}: fetch cannot reach a Unix socket`))
    })
  }

  send(request: WireRequest, listener: StreamListener): Stream {
    const secure = this.#target.tls !== undefined
    const host = secure ? (request.scheme === 'https' ? request.authority : this.#named(this.#target.tls!.sni)) : this.#address
    this.#stream = new FetchStream(this, listener)
    this.#stream.start(`${secure ? 'https' : 'http'}://${host}${request.path}`, request, this.#fetch)
    return this.#stream
  }

  #named(name: string | undefined): string {
    return name === undefined ? this.#address : `${name}:${this.#address.slice(this.#address.lastIndexOf(':') + 1)}`
  }

  /** The stream is over. */
  ended(): void {
    this.#stream = undefined
    if (this.#gone) return
    if (this.#draining) this.#close()
    else runInMicrotask(() => this.#gone || this.#listener.available(this))
  }

  drain(): void {
    this.#draining = true
    if (this.#stream === undefined) this.#close()
  }

  destroy(error = new Error('the connection was closed here')): void {
    this.#stream?.broken('local_reset', error)
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
    const headers: [string, string][] = []
    for (let i = 0; i < request.headers.length; i += 2) headers.push([request.headers[i]!, request.headers[i + 1]!])
    const init = {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: this.#controller.signal,
      ...bodyOf(request.body),
    } as RequestInit
    fetch(url, init).then(
      response => this.#answered(response),
      error => this.broken(reasonOf(error), causeOf(error)),
    )
  }

  #answered(response: Response): void {
    if (this.over) {
      response.body?.cancel().catch(ignore)
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
    this.#connection.ended()
    this.#listener.complete()
    this.#reader!.end()
  }

  broken(reason: ResetReason, error: Error): void {
    if (this.over) return
    this.over = true
    this.#error = error
    this.#controller.abort()
    this.#connection.ended()
    this.#listener.reset(reason, error)
    this.#reader?.error(error)
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    this.#controller.abort()
    this.#connection.ended()
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

function bodyOf(body: WireBody | undefined): object {
  if (body === undefined) return {}
  if (body.bytes !== undefined) return { body: body.bytes }
  const chunks = body.open?.()
  return {
    duplex: 'half',
    body: new ReadableStream({
      async pull(controller) {
        if (chunks === undefined) throw new TypeError('the request body was read already')
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        if (chunks !== undefined) stopReading(chunks)
      },
    }),
  }
}

const UNREACHED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ConnectionRefused'])

/** What a failed fetch means, in Envoy's words; as far as the runtime tells. */
function reasonOf(error: unknown): ResetReason {
  const code = String((causeOf(error) as { code?: unknown }).code ?? '')
  if (UNREACHED.has(code)) return 'connection_failure'
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connection_timeout'
  return code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' ? 'protocol_error' : 'connection_termination'
}

function causeOf(error: unknown): Error {
  const cause = (error as { cause?: unknown } | undefined)?.cause
  if (cause instanceof Error) return cause
  return error instanceof Error ? error : new Error(String(error))
}

const ignore = () => {}
