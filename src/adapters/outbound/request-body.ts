/** Request bodies: what is at hand becomes bytes that can be sent again; a stream is sent as it comes. */

import { concatBytes } from '../../base/formats/bytes.ts'
import {
  PlatformBlob,
  PlatformFile,
  PlatformFormData,
  PlatformReadableStream,
  PlatformResponse,
  PlatformURLSearchParams,
} from '../../base/platform.ts'
import { systemClock } from '../../base/time/clock.ts'
import { stopReading } from '../../core/body.ts'
import type { WireBody } from '../../core/transport.ts'
import type { FetchInit } from './fetch-init.ts'
import { isArrayBuffer, StreamChunks } from './stream-chunks.ts'

const encoder = new TextEncoder()
/** A blob beyond this is read while it is sent. */
const AT_ONCE = 1_048_576
/** How much of a Request's body is looked at to find out whether it is all there. */
const AT_HAND = 1_048_576

export interface ReadBody {
  readonly body: WireBody
  /** The content type that this kind of body implies. */
  readonly type: string | undefined
}

/** A body whose bytes are there at once, and the content type it implies. `undefined`: one of another kind. */
export function bodyAtHand(given: unknown): ReadBody | undefined {
  if (typeof given === 'string') return { body: bytes(encoder.encode(given)), type: 'text/plain;charset=UTF-8' }
  if (ArrayBuffer.isView(given)) return { body: bytes(copyOf(given, given.buffer, given.byteOffset, given.byteLength)), type: undefined }
  if (isArrayBuffer(given)) return { body: bytes(copyOf(given, given, 0, given.byteLength)), type: undefined }
  if (given instanceof PlatformURLSearchParams)
    return { body: bytes(encoder.encode(given.toString())), type: 'application/x-www-form-urlencoded;charset=UTF-8' }
  return undefined
}

/** The caller may change its own bytes before they are sent. */
function copyOf(given: ArrayBufferView | ArrayBuffer, buffer: ArrayBufferLike, offset: number, length: number): Uint8Array {
  if (length === 0) return new Uint8Array(0) // also of a buffer that was transferred
  // Bytes that another thread may change, or that may go away: whether they can be a body is for the platform to say.
  if ((buffer as { resizable?: boolean }).resizable === true || !isArrayBuffer(buffer)) new PlatformResponse(given as BodyInit)
  return new Uint8Array(new Uint8Array(buffer, offset, length))
}

/** Any other body. Throws a `TypeError` for a stream without `duplex`, or one that is in use. */
export function bodyOf(given: any, init: FetchInit): ReadBody | Promise<ReadBody> {
  if (isFormData(given)) return formBody(given)
  if (isBlob(given)) return blobBody(given)
  if (given instanceof PlatformReadableStream || typeof given?.[Symbol.asyncIterator] === 'function') return streamBody(given, init)
  return { body: bytes(encoder.encode(`${given}`)), type: 'text/plain;charset=UTF-8' }
}

function streamBody(given: any, { duplex, keepalive, mode = 'cors', signal }: FetchInit): ReadBody {
  if (keepalive === true) throw new TypeError('keepalive')
  if (isUnusable(given)) throw new TypeError('Response body object should not be disturbed or locked')
  if (duplex === undefined || duplex === null) throw new TypeError('RequestInit: duplex option is required when sending a body.')
  if (mode !== 'same-origin' && mode !== 'cors')
    throw new TypeError('If request is made from ReadableStream, mode should be "same-origin" or "cors"')
  return { body: once(new StreamChunks(given, signal ?? undefined)), type: undefined }
}

/**
 * The body of a Request. It shows a stream even where it was made from a string; what is all at hand within a turn of the event loop
 * is taken as bytes (known length, may be sent again), anything else is streamed from where it is.
 */
export async function bodyOfRequest(stream: ReadableStream<Uint8Array>, signal: AbortSignal | undefined): Promise<WireBody> {
  if (signal?.aborted === true) {
    stream.cancel(signal.reason).catch(ignore)
    throw signal.reason
  }
  const chunks = new StreamChunks(stream, signal)
  const known: Uint8Array[] = []
  let size = 0
  for (;;) {
    const step = chunks.next()
    const result = await Promise.race([step, turn()])
    if (result === undefined || size > AT_HAND) return once(chunks.rewound(known, step))
    if (result.done === true) return bytes(concatBytes(known, size))
    known.push(result.value)
    size += result.value.byteLength
  }
}

/** Resolves when the event loop has been round. */
const turn = () =>
  new Promise<undefined>(resolve => {
    systemClock.schedule(0, () => systemClock.schedule(0, () => resolve(undefined), { keepAlive: true }), { keepAlive: true })
  })

const bytes = (all: Uint8Array): WireBody => ({ bytes: all, length: all.byteLength })

/** FormData of whatever library. */
const isFormData = (given: any): given is FormData =>
  given instanceof PlatformFormData ||
  (given?.[Symbol.toStringTag] === 'FormData' && typeof given.append === 'function' && typeof given.getAll === 'function')

/** A Blob or a File of whatever library. */
const isBlob = (given: any): given is Blob =>
  given instanceof PlatformBlob ||
  (/^(Blob|File)$/.test(given?.[Symbol.toStringTag]) && typeof given.arrayBuffer === 'function' && typeof given.stream === 'function')

async function formBody(given: FormData): Promise<ReadBody> {
  const made = new PlatformResponse(given instanceof PlatformFormData ? given : await copied(given))
  return { body: bytes(new Uint8Array(await made.arrayBuffer())), type: made.headers.get('content-type') ?? undefined }
}

/** The platform's multipart encoder takes the platform's classes only. */
async function copied(given: FormData): Promise<FormData> {
  const form = new PlatformFormData()
  for (const [name, value] of given as unknown as Iterable<[string, string | File]>) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new PlatformFile([await value.arrayBuffer()], value.name ?? 'blob', { type: value.type }))
  }
  return form
}

async function blobBody(given: Blob): Promise<ReadBody> {
  const type = given.type === '' ? undefined : given.type
  if (given.size <= AT_ONCE) return { body: bytes(new Uint8Array(await given.arrayBuffer())), type }
  const body = { length: given.size, reopens: true, open: () => new StreamChunks(given.stream(), undefined) }
  return { body, type }
}

function once(source: StreamChunks): WireBody {
  let opened = false
  return {
    length: undefined,
    open() {
      if (opened) return undefined
      opened = true
      return source
    },
    close() {
      opened = true
      stopReading(source)
    },
  }
}

/** Whether a stream, of the web or of Node, is in use or has been used. */
function isUnusable(stream: any): boolean {
  const isDisturbed = (globalThis.process?.getBuiltinModule?.('node:stream') as any)?.isDisturbed
  return stream.locked === true || isDisturbed?.(stream) === true
}

const ignore = () => {}
