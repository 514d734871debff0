/** What axios sends: its data as a body that can be sent, with the headers that follow from it. */
import { concatBytes } from '../../base/formats/bytes.ts'
import type { Clock } from '../../base/time/clock.ts'
import type { WireBody } from '../../core/transport.ts'
import type { Given } from './config.ts'
import { axiosError } from './errors.ts'
import { limited, Progress, shaped } from './flow.ts'
import { bytesOfBlob, isBlob, isFormData, multipart } from './multipart.ts'
import { ownOf } from './own.ts'
import { isStream, RequestStream, type StreamWatcher } from './request-stream.ts'

/** A body for one hop after the other. */
export interface RequestBody {
  readonly isEmpty: boolean
  /** Whether one more hop can send it. */
  readonly isRepeatable: boolean
  wire(): WireBody | undefined
  /** No further hop follows. */
  release(): void
}

export interface BodySettings {
  readonly clock: Clock
  /** Bytes of a stream that are kept for redirects. */
  readonly retryBufferLimit: number
}

const NO_BODY: RequestBody = { isEmpty: true, isRepeatable: true, wire: () => undefined, release() {} }
/** What is no longer than this is read before it is sent: such a body can be mirrored, too. */
const AT_ONCE = 1_048_576

/** Throws as axios does. Streams are watched from here on. */
export function requestBody(given: Given, settings: BodySettings, watcher: StreamWatcher): RequestBody | Promise<RequestBody> {
  const { headers, config, own, maxBodyLength } = given
  const data = own('data')
  if (!data) return NO_BODY
  const tooLarge = () => axiosError('Request body larger than maxBodyLength limit', 'ERR_BAD_REQUEST', config)
  if (isFormData(data)) {
    const boundary = /boundary="?([-_\w]{10,70})/i.exec(headers.get('content-type') ?? '')?.[1]
    const { type, length, open } = multipart(data, boundary)
    headers.set('Content-Type', type)
    if (length !== undefined) headers.set('Content-Length', length)
    return reopening(given, settings, length, open)
  }
  if (isBlob(data)) {
    if (data.size > 0) headers.set('Content-Type', data.type || 'application/octet-stream')
    headers.set('Content-Length', data.size)
    return reopening(given, settings, data.size, () => bytesOfBlob(data))
  }
  if (isStream(data)) {
    const make = () => streaming(data, given, settings, watcher)
    return isFormPackage(data) ? formHeaders(data, given, make) : make()
  }
  const bytes = bytesOf(data)
  if (bytes === undefined)
    throw axiosError(
      `Data after transformation must be a string, an ArrayBuffer, a Buffer, a Blob, a FormData or a stream; it is ${typeof data}`,
      'ERR_BAD_REQUEST',
      config,
    )
  if (bytes.byteLength > maxBodyLength) throw tooLarge()
  headers.set('Content-Length', bytes.byteLength, false)
  const stated = statedLength(given)
  if (stated !== undefined && stated !== bytes.byteLength)
    throw axiosError(
      `the header Content-Length says ${stated}, the body has ${bytes.byteLength} bytes; leave the header out`,
      'ERR_BAD_REQUEST',
      config,
    )
  return shapedBytes(bytes, given, settings)
}

const encoder = new TextEncoder()

function bytesOf(data: any): Uint8Array | undefined {
  if (typeof data === 'string') return encoder.encode(data)
  // A copy: what is sent is what was there when it was asked for.
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
  if (data[Symbol.toStringTag] === 'ArrayBuffer') return new Uint8Array(data.slice(0))
  if (data instanceof URLSearchParams) return encoder.encode(data.toString())
  return undefined
}

function statedLength({ headers }: Given): number | undefined {
  const stated = headers.get('content-length')
  if (stated === undefined || stated === null || stated === false || stated === '') return undefined
  const length = Number(stated)
  return Number.isFinite(length) ? length : undefined
}

function shapedBytes(bytes: Uint8Array, given: Given, settings: BodySettings): RequestBody {
  const shape = shapeOf(given, settings, bytes.byteLength)
  const length = bytes.byteLength
  if (shape === undefined) return always({ bytes, length })
  return always({ length, reopens: true, open: () => shape(oneChunk(bytes))[Symbol.asyncIterator]() })
}

/** What can be read as often as it is sent. */
async function reopening(
  given: Given,
  settings: BodySettings,
  length: number | undefined,
  open: () => AsyncGenerator<Uint8Array>,
): Promise<RequestBody> {
  const { config, maxBodyLength } = given
  const tooLarge = () => axiosError('Request body larger than maxBodyLength limit', 'ERR_BAD_REQUEST', config)
  if (length !== undefined && length > maxBodyLength) throw tooLarge()
  if (length !== undefined && length <= AT_ONCE) {
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of open()) {
      chunks.push(chunk)
      size += chunk.byteLength
    }
    return shapedBytes(concatBytes(chunks, size), given, settings)
  }
  const shape = shapeOf(given, settings, length)
  const whole = () => (length === undefined ? limited(open(), maxBodyLength, tooLarge) : open())
  return always({ length, reopens: true, open: () => (shape === undefined ? whole() : shape(whole())[Symbol.asyncIterator]()) })
}

function streaming(data: any, given: Given, settings: BodySettings, watcher: StreamWatcher): RequestBody {
  const { config, own, maxBodyLength } = given
  const tooLarge = () => axiosError('Request body larger than maxBodyLength limit', 'ERR_BAD_REQUEST', config, watcher.request)
  const length = statedLength(given)
  const shape = shapeOf(given, settings, length)
  const limit = own('maxRedirects') === 0 ? 0 : settings.retryBufferLimit
  let stream: RequestStream
  try {
    stream = new RequestStream(
      data,
      limit,
      chunks => {
        const bounded = maxBodyLength === Infinity ? chunks : limited(chunks, maxBodyLength, () => broken(tooLarge(), watcher))
        return shape === undefined ? bounded : shape(bounded)
      },
      watcher,
    )
  } catch (error: any) {
    throw axiosError(error.message, 'ERR_BAD_REQUEST', config)
  }
  return {
    isEmpty: false,
    get isRepeatable() {
      return stream.isRepeatable
    },
    wire: () => stream.body(length),
    release: () => stream.release(),
  }
}

/** The same error, after the request was told that its body ends with it. */
function broken(error: Error, watcher: StreamWatcher): Error {
  watcher.broke(error)
  return error
}

const isFormPackage = (data: any) => typeof data.append === 'function' && typeof ownOf(data, 'getHeaders') === 'function'

/** The form-data package: an old stream that knows its own headers, and sometimes its length. */
function formHeaders(form: any, { headers, own }: Given, make: () => RequestBody): Promise<RequestBody> {
  const contentOnly = own('formDataHeaderPolicy') === 'content-only'
  for (const [name, value] of Object.entries(form.getHeaders() ?? {}))
    if (!contentOnly || /^content-(type|length)$/i.test(name)) headers.set(name, value)
  // Its files may break while their sizes are looked up.
  form.on('error', ignore)
  if (statedLength({ headers } as Given) !== undefined || typeof form.getLength !== 'function') return Promise.resolve().then(make)
  return new Promise<void>(resolve => {
    form.getLength((error: unknown, length: unknown) => {
      if (!error && Number.isFinite(length) && (length as number) >= 0) headers.set('Content-Length', length)
      resolve()
    })
  }).then(make)
}

/** Progress and rate of the upload; `undefined` when neither is asked for. */
function shapeOf({ own }: Given, { clock }: BodySettings, total: number | undefined) {
  const listener = own('onUploadProgress')
  const rate = rateOf(own('maxRate'), 0)
  if (!listener && rate === 0) return undefined
  return (chunks: AsyncIterable<Uint8Array>) =>
    shaped(chunks, rate, listener ? new Progress(listener, 'upload', total, clock) : undefined, clock)
}

/** Bytes a second of `maxRate`, `[upload, download]` or one for both; 0 for any. */
export function rateOf(maxRate: unknown, direction: 0 | 1): number {
  const rate = Number(Array.isArray(maxRate) ? maxRate[direction] : maxRate)
  return Number.isFinite(rate) && rate > 0 ? rate : 0
}

const always = (body: WireBody): RequestBody => ({
  isEmpty: false,
  isRepeatable: true,
  wire: () => body,
  release() {},
})

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const ignore = () => {}
