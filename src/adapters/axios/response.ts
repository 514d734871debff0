/** A reply of the mesh as axios' response: its body decoded, counted and made into what `responseType` asks for. */
import { concatBytes } from '../../base/formats/bytes.ts'
import type { Clock } from '../../base/time/clock.ts'
import type { BodyCare } from '../../core/body.ts'
import { attachOutcome } from '../../core/outcome.ts'
import type { MeshReply } from '../../traffic/engine/exchange.ts'
import { type Decoder, decoderOf } from '../../traffic/transport/decode.ts'
import { Inflow } from '../../traffic/transport/inflow.ts'
import type { Cancellation } from './cancellation.ts'
import type { Given } from './config.ts'
import { axiosError } from './errors.ts'
import { limited, Progress, shaped } from './flow.ts'
import { rateOf } from './request-body.ts'
import { headersOf, type RequestView } from './request-view.ts'
import { decodeText, nodeBuffer } from './text.ts'

/** What is needed to read a response. */
export interface Reading {
  readonly given: Given
  readonly care: BodyCare
  readonly cancellation: Cancellation
  readonly request: RequestView
  /** An error of the body as the caller gets it. `isPlain`: nothing stands between it and the connection. */
  readonly explain: (error: unknown, response: any, isPlain: boolean) => unknown
}

/** The response without its data, and how to get that. */
export interface Incoming {
  readonly response: any
  data(): unknown
}

export function incoming(reply: MeshReply, reading: Reading): Incoming {
  const { given, request } = reading
  const { own, config, method } = given
  const headers = headersOf(reply.headers)
  const isBodiless = method === 'HEAD' || reply.status === 204 || reply.status === 304
  const coding = headers['content-encoding'] as string | undefined
  let decoder: Decoder | undefined
  if (own('decompress') !== false && coding) {
    if (isBodiless) delete headers['content-encoding']
    else if ((decoder = decoderFor(coding)) !== undefined) delete headers['content-encoding']
  }
  const from = config.headers?.constructor?.from
  const response: any = {
    status: reply.status,
    statusText: reply.statusText,
    headers: typeof from === 'function' ? from.call(config.headers.constructor, headers) : headers,
    config,
    request,
    data: undefined,
  }
  if (reply.outcome !== undefined) attachOutcome(response, reply.outcome)
  const length = Number(headers['content-length'] ?? Number.NaN)
  const body = new Body(reply, isBodiless, decoder, Number.isFinite(length) ? length : undefined, reading)
  return { response, data: () => (own('responseType') === 'stream' ? body.stream(response) : body.whole(response)) }
}

/** axios decodes one coding, and takes `compress` for a name of gzip. */
function decoderFor(coding: string): Decoder | undefined {
  const name = coding.toLowerCase()
  if (name.includes(',')) return undefined
  return decoderOf(name === 'compress' || name === 'x-compress' ? 'gzip' : name)
}

class Body {
  readonly #text: string
  readonly #inflow: Inflow | undefined
  readonly #decoder: Decoder | undefined
  readonly #total: number | undefined
  readonly #reading: Reading

  constructor(reply: MeshReply, isBodiless: boolean, decoder: Decoder | undefined, total: number | undefined, reading: Reading) {
    const { body, text } = reply
    this.#decoder = decoder
    this.#total = total
    this.#reading = reading
    this.#text = body === undefined && !isBodiless ? (text ?? '') : ''
    if (body === undefined) return
    if (isBodiless) body.read(EMPTY)
    else this.#inflow = new Inflow(reading.cancellation.watched(body), reading.care)
  }

  /** Everything, as text or what else is asked for. */
  async whole(response: any): Promise<unknown> {
    try {
      return await dataOf(await this.#bytes(), response, this.#reading.given)
    } catch (error) {
      this.#inflow?.cancel()
      throw this.#reading.explain(error, response, this.#isPlain)
    }
  }

  get #isPlain(): boolean {
    const { own } = this.#reading.given
    return this.#decoder === undefined && !own('onDownloadProgress') && rateOf(own('maxRate'), 1) === 0
  }

  #bytes(): Promise<Uint8Array> | Uint8Array {
    const inflow = this.#inflow
    if (inflow === undefined) return new TextEncoder().encode(this.#text)
    const { own, maxContentLength } = this.#reading.given
    const decoder = this.#decoder
    if (maxContentLength === Infinity && !own('onDownloadProgress') && rateOf(own('maxRate'), 1) === 0) {
      const raw = inflow.all(bytes => bytes)
      return decoder === undefined ? raw : raw.then(bytes => decoder.whole(bytes))
    }
    return collect(this.#chunks())
  }

  /** The body as it comes: a stream of Node where there is one. It never ends the process: an error that nobody hears is dropped. */
  stream(response: any): unknown {
    const { cancellation } = this.#reading
    const chunks = this.#readable(response)
    const node = globalThis.process?.getBuiltinModule?.('node:stream')
    if (node === undefined) return webStream(chunks, () => cancellation.end())
    const stream = node.Readable.from(chunks, { objectMode: false })
    stream.on('error', () => {})
    stream.once('close', () => cancellation.end())
    cancellation.onAbort = error => stream.destroy(error as Error)
    return stream
  }

  async *#readable(response: any): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#chunks()) yield nodeBuffer(chunk)
    } catch (error) {
      throw this.#reading.explain(error, response, false)
    } finally {
      this.#inflow?.cancel()
    }
  }

  #chunks(): AsyncIterable<Uint8Array> {
    if (this.#inflow === undefined) return once(new TextEncoder().encode(this.#text))
    const { given, care, request } = this.#reading
    const { own, config, maxContentLength } = given
    const { clock }: { clock: Clock } = care
    const listener = own('onDownloadProgress')
    const rate = rateOf(own('maxRate'), 1)
    let chunks: AsyncIterable<Uint8Array> = chunksOf(this.#inflow)
    if (listener || rate > 0)
      chunks = shaped(chunks, rate, listener ? new Progress(listener, 'download', this.#total, clock) : undefined, clock)
    if (this.#decoder !== undefined) chunks = this.#decoder.stream(chunks)
    if (maxContentLength === Infinity) return chunks
    const tooLarge = () => axiosError(`maxContentLength size of ${maxContentLength} exceeded`, 'ERR_BAD_RESPONSE', config, request)
    return limited(chunks, maxContentLength, tooLarge)
  }
}

function dataOf(bytes: Uint8Array, { headers }: any, { own }: Given): unknown {
  const type = own('responseType')
  if (type === 'arraybuffer') return nodeBuffer(bytes)
  if (type !== 'blob' && type !== 'formdata') return decodeText(bytes, own('responseEncoding'))
  const contentType = headers['content-type'] ?? ''
  if (type === 'blob') return new Blob([bytes as BlobPart], { type: contentType })
  return new Response(bytes as BodyInit, { headers: { 'content-type': contentType } }).formData()
}

/** Takes the end of a body that must be empty. */
const EMPTY = { data() {}, end() {}, error() {} }

async function* chunksOf(inflow: Inflow): AsyncGenerator<Uint8Array> {
  try {
    for (let chunk = await inflow.next(); chunk !== undefined; chunk = await inflow.next()) yield chunk
  } finally {
    inflow.cancel()
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    all.push(chunk)
    size += chunk.byteLength
  }
  return concatBytes(all, size)
}

function webStream(chunks: AsyncGenerator<Uint8Array>, done: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done: ended, value } = await chunks.next()
        if (ended !== true) return controller.enqueue(value)
        controller.close()
      } catch (error) {
        controller.error(error)
      }
      done()
    },
    cancel() {
      done()
      return chunks.return(undefined).then(() => {})
    },
  })
}
