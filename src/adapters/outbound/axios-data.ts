/** What axios sends and wants back: request data as a body of fetch, a response's body as the type that was asked for. */
import { axiosError } from './axios-error.ts'

/** The body, and the headers that belong to it (`null` takes one away). */
export interface AxiosBody {
  readonly body: BodyInit | AsyncIterable<unknown> | undefined
  readonly headers: Readonly<Record<string, string | null>>
}

export function bodyOfConfig(config: any): AxiosBody {
  const { onUploadProgress } = config
  // As bytes, so that no content type is implied: axios has set its own.
  const data = typeof config.data === 'string' ? new TextEncoder().encode(config.data) : config.data
  if (data === undefined || data === null) return { body: undefined, headers: {} }
  if (data instanceof FormData) return { body: data, headers: { 'content-type': null } }
  const limit = config.maxBodyLength > -1 ? config.maxBodyLength : Infinity
  const size = sizeOf(data)
  const tooLarge = () => axiosError('Request body larger than maxBodyLength limit', 'ERR_BAD_REQUEST', config)
  if (size !== undefined && size > limit) throw tooLarge()
  // The form-data package: an old stream that knows its own headers.
  const headers = typeof data.getHeaders === 'function' ? formHeaders(data) : {}
  if (size !== undefined && !onUploadProgress) return { body: data, headers }
  const chunks = size === undefined ? streamOf(data) : pieces(data)
  if (limit === Infinity && !onUploadProgress) return { body: chunks, headers }
  const counted = count(chunks, loaded => {
    if (loaded > limit) throw tooLarge()
    onUploadProgress?.(progress(loaded, size, 'upload'))
  })
  return { body: counted, headers: size === undefined ? headers : { ...headers, 'content-length': String(size) } }
}

/** The body of the response as `responseType` wants it. */
export async function dataOf(response: Response, config: any, done: () => void): Promise<unknown> {
  const type = String(config.responseType ?? 'text').toLowerCase()
  const limit = config.maxContentLength > -1 ? config.maxContentLength : Infinity
  const tooLarge = () => axiosError(`maxContentLength size of ${config.maxContentLength} exceeded`, 'ERR_BAD_RESPONSE', config)
  const said = response.headers.get('content-length')
  const total = said === null || response.headers.has('content-encoding') ? undefined : Number(said)
  const { onDownloadProgress } = config
  const counts = limit !== Infinity || onDownloadProgress
  const told = (loaded: number) => {
    if (loaded > limit) throw tooLarge()
    onDownloadProgress?.(progress(loaded, total, 'download'))
  }
  if (type === 'stream') return nodeStream(response.body, counts ? told : undefined, done)
  if (type === 'formdata') return response.formData()
  const bytes =
    counts && response.body !== null ? await collect(count(response.body as unknown as AsyncIterable<unknown>, told)) : undefined
  if (type === 'arraybuffer') {
    const all = bytes ?? new Uint8Array(await response.arrayBuffer())
    return typeof Buffer === 'undefined' ? all.buffer : Buffer.from(all.buffer, all.byteOffset, all.byteLength)
  }
  if (type === 'blob')
    return bytes === undefined ? response.blob() : new Blob([bytes as BlobPart], { type: response.headers.get('content-type') ?? '' })
  const encoding = config.responseEncoding
  if (bytes === undefined && (encoding === undefined || /^utf-?8$/i.test(encoding))) return response.text()
  const all = bytes ?? new Uint8Array(await response.arrayBuffer())
  return encoding === undefined || typeof Buffer === 'undefined' ? new TextDecoder().decode(all) : Buffer.from(all).toString(encoding)
}

function sizeOf(data: any): number | undefined {
  if (data instanceof URLSearchParams) return data.toString().length
  if (data instanceof Blob) return data.size
  return typeof data.byteLength === 'number' ? data.byteLength : undefined
}

async function* pieces(data: any): AsyncGenerator<Uint8Array> {
  const bytes = new Uint8Array(await new Response(data).arrayBuffer())
  for (let at = 0; at < bytes.byteLength; at += PIECE) yield bytes.subarray(at, at + PIECE)
}
const PIECE = 65_536

function streamOf(data: any): AsyncIterable<unknown> {
  if (typeof data[Symbol.asyncIterator] === 'function') return data
  const node = globalThis.process?.getBuiltinModule?.('node:stream')
  if (typeof data.pipe === 'function' && node !== undefined) {
    const through = new node.PassThrough()
    data.on('error', (error: Error) => through.destroy(error))
    return data.pipe(through)
  }
  return pieces(String(data))
}

async function* count(chunks: AsyncIterable<unknown>, told: (loaded: number) => void): AsyncGenerator<Uint8Array> {
  let loaded = 0
  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : (chunk as Uint8Array)
    loaded += bytes.byteLength
    told(loaded)
    yield bytes
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return new Uint8Array(await new Blob(all as BlobPart[]).arrayBuffer())
}

/** On Node a stream is Node's, as axios users expect; elsewhere the body itself. */
function nodeStream(body: ReadableStream<Uint8Array> | null, told: ((loaded: number) => void) | undefined, done: () => void): unknown {
  const node = globalThis.process?.getBuiltinModule?.('node:stream')
  if (node === undefined) return body
  const chunks = body === null ? [] : (body as unknown as AsyncIterable<unknown>)
  const stream = node.Readable.from(told === undefined || body === null ? chunks : count(chunks as AsyncIterable<unknown>, told), {
    objectMode: false,
  })
  stream.once('close', done)
  return stream
}

function progress(loaded: number, total: number | undefined, direction: 'upload' | 'download') {
  return { loaded, total, progress: total ? loaded / total : undefined, lengthComputable: total !== undefined, [direction]: true }
}

function formHeaders(form: any): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries<string>(form.getHeaders())) headers[name.toLowerCase()] = value
  if (form.hasKnownLength?.() === true) headers['content-length'] = String(form.getLengthSync())
  return headers
}
