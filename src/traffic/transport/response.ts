/**
 * A Response whose body is taken straight from the connection. Building a real Response with a stream costs more than the whole
 * exchange; so text, json and bytes read the source themselves, and a stream is made only when somebody touches `body`.
 */
import { getHeader } from '../../base/formats/headers.ts'
import type { BodyReader, BodySource } from '../../core/transport.ts'
import { decoderOf } from './decode.ts'

const OUTCOME: unique symbol = Symbol.for('meshless.outcome') as any

export interface LazyInit {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly string[]
  readonly url: string
  readonly redirected: boolean
  readonly outcome: object | undefined
  /** A body at hand; otherwise `source`. */
  readonly text: string | undefined
  readonly source: BodySource | undefined
  /** No body at all: HEAD, 204, 205, 304. */
  readonly bodiless: boolean
}

/** An unread body holds its connection: when nobody can read it any more it is given up. */
const forgotten = /* @__PURE__ */ new FinalizationRegistry<BodySource>(source => source.cancel())

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class LazyResponse {
  readonly #init: LazyInit
  #headers: Headers | undefined
  #used = false
  #body: ReadableStream<Uint8Array> | null | undefined

  constructor(init: LazyInit) {
    this.#init = init
    if (init.source !== undefined && !init.bodiless) forgotten.register(this, init.source, this)
  }

  get [OUTCOME]() {
    return this.#init.outcome
  }
  get status() {
    return this.#init.status
  }
  get statusText() {
    return this.#init.statusText
  }
  get ok() {
    return this.#init.status >= 200 && this.#init.status <= 299
  }
  get url() {
    return this.#init.url
  }
  get redirected() {
    return this.#init.redirected
  }
  get type() {
    return 'basic'
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      const headers = new Headers()
      const raw = this.#init.headers
      for (let i = 0; i < raw.length; i += 2) headers.append(raw[i]!, raw[i + 1]!)
      this.#headers = immutable(headers)
    }
    return this.#headers
  }

  get bodyUsed(): boolean {
    return this.#used || (this.#body !== undefined && this.#body !== null && (disturbed.has(this.#body) || this.#body.locked))
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#body === undefined) this.#body = this.#init.bodiless ? null : this.#used ? lockedStream() : this.#stream()
    return this.#body
  }

  async text(): Promise<string> {
    const bytes = await this.#read()
    return decoder.decode(bytes)
  }
  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }
  async bytes(): Promise<Uint8Array> {
    return this.#read()
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.#read()
    return (
      bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength
        ? bytes.buffer
        : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    ) as ArrayBuffer
  }
  async blob(): Promise<Blob> {
    return new Blob([(await this.#read()) as BlobPart], { type: getHeader(this.#init.headers, 'content-type') ?? '' })
  }
  async formData(): Promise<FormData> {
    return new Response((await this.#read()) as BodyInit, {
      headers: { 'content-type': getHeader(this.#init.headers, 'content-type') ?? '' },
    }).formData()
  }

  clone(): Response {
    if (this.bodyUsed) throw new TypeError('Response.clone: Body has already been consumed.')
    const { bodiless } = this.#init
    if (bodiless) return new LazyResponse(this.#init) as unknown as Response
    const [mine, theirs] = this.body!.tee()
    this.#body = mine
    const copy = new Response(theirs, { status: this.#init.status, statusText: this.#init.statusText, headers: this.headers })
    for (const [name, value] of Object.entries({ url: this.url, redirected: this.redirected })) Object.defineProperty(copy, name, { value })
    Object.defineProperty(copy, OUTCOME, { value: this.#init.outcome })
    return copy
  }

  get [Symbol.toStringTag]() {
    return 'Response'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Response { status: ${this.status}, statusText: '${this.statusText}', url: '${this.url}', bodyUsed: ${this.bodyUsed} }`
  }

  /** Every byte of the body, decoded. */
  #read(): Promise<Uint8Array> {
    if (this.bodyUsed) return Promise.reject(new TypeError('Body is unusable: Body has already been read'))
    const { bodiless, text, source } = this.#init
    if (this.#body) {
      const stream = this.#body
      this.#used = true
      return new Response(stream).arrayBuffer().then(buffer => new Uint8Array(buffer))
    }
    this.#used = !bodiless
    if (bodiless || (source === undefined && text === undefined)) return Promise.resolve(new Uint8Array(0))
    if (source === undefined) return Promise.resolve(encoder.encode(text))
    forgotten.unregister(this)
    const decode = decoderOf(getHeader(this.#init.headers, 'content-encoding'))
    const read = new Promise<Uint8Array>((resolve, reject) => source.read(new Collector(resolve, reject)))
    return decode === undefined ? read : read.then(bytes => decode(bytes))
  }

  #stream(): ReadableStream<Uint8Array> {
    const { source, text } = this.#init
    if (source === undefined) return new Response(text ?? '').body!
    forgotten.unregister(this)
    let paused = false
    let over = false
    const raw = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          source.read({
            data(chunk) {
              if (over) return
              controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
              if ((controller.desiredSize ?? 0) <= 0) {
                paused = true
                source.pause()
              }
            },
            end() {
              if (over) return
              over = true
              controller.close()
            },
            error(error) {
              if (over) return
              over = true
              controller.error(failure(error))
            },
          })
        },
        pull() {
          if (paused) {
            paused = false
            source.resume()
          }
        },
        cancel() {
          over = true
          source.cancel()
        },
      },
      { highWaterMark: 65_536, size: chunk => chunk?.byteLength ?? 0 },
    )
    const coding = getHeader(this.#init.headers, 'content-encoding')
    const decode = decoderOf(coding)
    const stream = decode === undefined ? raw : decode.stream(raw)
    disturb(stream)
    return stream
  }
}

/** Streams that somebody has read from. */
const disturbed = new WeakSet<ReadableStream>()
function disturb(stream: ReadableStream<Uint8Array>): void {
  const getReader = stream.getReader
  Object.defineProperty(stream, 'getReader', {
    configurable: true,
    value(this: ReadableStream<Uint8Array>, ...args: any[]) {
      disturbed.add(this)
      return (getReader as any).apply(this, args)
    },
  })
}

function lockedStream(): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>()
  stream.getReader()
  return stream
}

class Collector implements BodyReader {
  #first: Uint8Array | undefined
  #chunks: Uint8Array[] | undefined
  #length = 0
  readonly #resolve: (bytes: Uint8Array) => void
  readonly #reject: (error: unknown) => void

  constructor(resolve: (bytes: Uint8Array) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }
  data(chunk: Uint8Array): void {
    this.#length += chunk.byteLength
    if (this.#first === undefined) this.#first = chunk
    else if (this.#chunks === undefined) this.#chunks = [this.#first, chunk]
    else this.#chunks.push(chunk)
  }
  end(): void {
    if (this.#chunks === undefined) return this.#resolve(this.#first ?? new Uint8Array(0))
    const all = new Uint8Array(this.#length)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.byteLength
    }
    this.#resolve(all)
  }
  error(error: Error): void {
    this.#reject(failure(error))
  }
}

/** As fetch says it: a broken body is a TypeError "terminated"; the caller's own reason passes as it is. */
function failure(error: unknown): unknown {
  const name = (error as Error | undefined)?.name
  if (!(error instanceof Error) || name === 'AbortError' || name === 'TimeoutError' || (error as { code?: string }).code === undefined)
    return error
  return Object.assign(new TypeError('terminated', { cause: error }), { code: (error as { code?: string }).code })
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

// instanceof and the constructor's name are the platform's.
Object.setPrototypeOf(LazyResponse.prototype, Response.prototype)
Object.setPrototypeOf(LazyResponse, Response)
Object.defineProperty(LazyResponse, 'name', { value: 'Response' })
Object.defineProperty(LazyResponse.prototype, 'constructor', { value: Response, configurable: true, writable: true })
