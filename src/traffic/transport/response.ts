/**
 * A Response whose body is taken straight from the connection. Building a real Response with a stream costs more than the whole
 * exchange; so text, json and bytes read the source themselves. Who touches `body` gets a real stream, and from then on the
 * platform's own Response answers for it.
 */
import { getHeader } from '../../base/formats/headers.ts'
import { PlatformHeaders, PlatformResponse } from '../../base/platform.ts'
import type { ResourceTiming } from '../../base/time/resource-timing.ts'
import { type BodyCare, defaultCare, drain, READ_AHEAD } from '../../core/body.ts'
import type { BodySource } from '../../core/transport.ts'
import { bodyStream } from './body-stream.ts'
import { type Decoder, decoderOf } from './decode.ts'
import { Inflow } from './inflow.ts'

const OUTCOME: unique symbol = Symbol.for('meshless.outcome') as any
const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as any

export interface LazyInit {
  readonly status: number
  readonly statusText: string
  /** Name, value, name, value … */
  readonly headers: readonly string[]
  readonly url: string
  readonly redirected: boolean
  readonly type: ResponseType
  readonly outcome: object | undefined
  /** A body at hand; otherwise `source`. */
  readonly text: string | undefined
  readonly source: BodySource | undefined
  /** No body at all: HEAD, 204, 205, 304. */
  readonly bodiless: boolean
  /** The caller's signal: after an abort a body that was not read cannot be read any more. */
  readonly signal?: AbortSignal | undefined
  readonly care?: BodyCare | undefined
  /** Told when the body was read. */
  readonly timing?: ResourceTiming | undefined
}

/** A long body that nobody reads holds its connection: when nobody can read it any more it is given up. */
const forgotten = /* @__PURE__ */ new FinalizationRegistry<Inflow>(inflow => inflow.cancel())

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class LazyResponse {
  readonly #init: LazyInit
  readonly #inflow: Inflow | undefined
  readonly #decoder: Decoder | undefined
  #headers: Headers | undefined
  #used = false
  /** The platform's Response over our stream, from the moment that somebody wanted the stream. */
  #real: Response | undefined

  constructor(init: LazyInit, stream?: ReadableStream<Uint8Array>) {
    this.#init = init
    if (stream !== undefined) {
      this.#real = this.#realWith(stream)
      return
    }
    const { source } = init
    if (source === undefined || init.bodiless) {
      const size = init.bodiless ? 0 : (init.text?.length ?? 0)
      init.timing?.ended(size, size)
      if (source !== undefined) drain(source, init.care ?? defaultCare)
      return
    }
    this.#decoder = decoderOf(getHeader(init.headers, 'content-encoding'))
    this.#inflow = new Inflow(source, init.care ?? defaultCare, init.signal)
    if (long(source)) forgotten.register(this, this.#inflow, this.#inflow)
  }

  get [OUTCOME](): object | undefined {
    return this.#init.outcome
  }
  get status(): number {
    return this.#init.status
  }
  get statusText(): string {
    return this.#init.statusText
  }
  get ok(): boolean {
    return this.#init.status >= 200 && this.#init.status <= 299
  }
  get url(): string {
    return this.#init.url
  }
  get redirected(): boolean {
    return this.#init.redirected
  }
  get type(): ResponseType {
    return this.#init.type
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      const headers = new PlatformHeaders()
      const raw = this.#init.headers
      for (let i = 0; i < raw.length; i += 2) headers.append(raw[i]!, raw[i + 1]!)
      this.#headers = immutable(headers)
    }
    return this.#headers
  }

  get bodyUsed(): boolean {
    return this.#used || this.#real?.bodyUsed === true
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#init.bodiless) return null
    if (this.#real === undefined) {
      this.#real = this.#realWith(this.#used ? new Uint8Array(0) : this.#stream())
      if (this.#used) void this.#real.arrayBuffer()
    }
    return this.#real.body
  }

  text(): Promise<string> {
    return this.#real?.bodyUsed === false ? this.#real.text() : this.#read(utf8)
  }
  json(): Promise<any> {
    return this.#real?.bodyUsed === false ? this.#real.json() : this.#read(parse)
  }
  bytes(): Promise<Uint8Array> {
    return this.#real?.bodyUsed === false ? this.#real.arrayBuffer().then(buffer => new Uint8Array(buffer)) : this.#read(own)
  }
  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#real?.bodyUsed === false ? this.#real.arrayBuffer() : this.#read(bytes => own(bytes).buffer as ArrayBuffer)
  }
  blob(): Promise<Blob> {
    return this.#real?.bodyUsed === false ? this.#real.blob() : this.#read(bytes => this.#realWith(bytes).blob())
  }
  formData(): Promise<FormData> {
    return this.#real?.bodyUsed === false ? this.#real.formData() : this.#read(bytes => this.#realWith(bytes).formData())
  }

  clone(): Response {
    if (this.bodyUsed || this.#real?.body?.locked === true) throw new TypeError('Response.clone: Body has already been consumed.')
    const init = { ...this.#init, source: undefined }
    const body = this.body
    if (body === null) return new LazyResponse(init) as unknown as Response
    const [mine, theirs] = body.tee()
    this.#real = this.#realWith(mine)
    return new LazyResponse(init, theirs) as unknown as Response
  }

  get [Symbol.toStringTag](): string {
    return 'Response'
  }

  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const { status, statusText, headers, body, bodyUsed, ok, redirected, type, url } = this as unknown as Response
    return `Response ${inspect({ status, statusText, headers, body, bodyUsed, ok, redirected, type, url }, options)}`
  }

  /** Every byte of the body, decoded, as what is wanted of them. */
  #read<T>(as: (bytes: Uint8Array) => T | PromiseLike<T>): Promise<T> {
    if (this.bodyUsed) return Promise.reject(new TypeError('Body is unusable: Body has already been read'))
    const { bodiless, text, signal, timing } = this.#init
    if (bodiless) return new Promise(resolve => resolve(as(new Uint8Array(0))))
    const inflow = this.#inflow
    if (signal?.aborted === true) {
      inflow?.cancel()
      return Promise.reject(signal.reason)
    }
    this.#used = true
    if (inflow === undefined) return new Promise(resolve => resolve(as(encoder.encode(text ?? ''))))
    // Whoever awaits the bytes need not hold the Response.
    if (long(this.#init.source!)) forgotten.unregister(inflow)
    const decoding = this.#decoder
    if (decoding === undefined) return inflow.all(as, timing)
    return inflow
      .all(bytes => decoding.whole(bytes))
      .then(decoded => {
        timing?.ended(inflow.received, decoded.byteLength)
        return as(decoded)
      })
  }

  #stream(): ReadableStream<Uint8Array> {
    const inflow = this.#inflow
    if (inflow === undefined) return new PlatformResponse(this.#init.text ?? '').body!
    forgotten.unregister(inflow)
    return bodyStream(inflow, this.#decoder, this.#init.signal, this.#init.timing)
  }

  #realWith(body: ReadableStream<Uint8Array> | Uint8Array): Response {
    const type = getHeader(this.#init.headers, 'content-type')
    return new PlatformResponse(body as BodyInit, type === undefined ? {} : { headers: { 'content-type': type } })
  }
}

/** Whether a body may be more than what is read ahead. */
const long = (source: BodySource) => source.length === undefined || source.length > READ_AHEAD

const utf8 = (bytes: Uint8Array): string => decoder.decode(bytes)
const parse = (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes))

/** The same bytes in a buffer of their own. */
function own(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array && bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}

function immutable(headers: Headers): Headers {
  for (const method of ['append', 'delete', 'set'] as const)
    Object.defineProperty(headers, method, {
      configurable: true,
      value() {
        throw new TypeError('immutable')
      },
    })
  return headers
}

// instanceof, the constructor's name and what for-in lists are the platform's.
Object.setPrototypeOf(LazyResponse.prototype, PlatformResponse.prototype)
Object.setPrototypeOf(LazyResponse, PlatformResponse)
Object.defineProperty(LazyResponse, 'name', { value: 'Response' })
for (const name of Object.getOwnPropertyNames(LazyResponse.prototype))
  Object.defineProperty(LazyResponse.prototype, name, { enumerable: name !== 'constructor' })
Object.defineProperty(LazyResponse.prototype, 'constructor', { value: PlatformResponse, configurable: true, writable: true })
