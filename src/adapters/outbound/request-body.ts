/** Request bodies: what is at hand becomes bytes that can be sent again; a stream is sent as it comes. */
import { systemClock } from '../../base/time/clock.ts'
import type { WireBody } from '../../core/transport.ts'

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

/** A body whose bytes are there at once, and the content type it implies. `undefined`: one that must be waited for, or is none of these. */
export function bodyAtHand(given: unknown): ReadBody | undefined {
  if (typeof given === 'string') return { body: bytes(encoder.encode(given)), type: 'text/plain;charset=UTF-8' }
  if (given instanceof Uint8Array) return { body: bytes(given.slice()), type: undefined }
  if (given instanceof ArrayBuffer) return { body: bytes(new Uint8Array(given.slice(0))), type: undefined }
  if (ArrayBuffer.isView(given))
    return { body: bytes(new Uint8Array(given.buffer, given.byteOffset, given.byteLength).slice()), type: undefined }
  if (given instanceof URLSearchParams)
    return { body: bytes(encoder.encode(given.toString())), type: 'application/x-www-form-urlencoded;charset=UTF-8' }
  return undefined
}

/** Any other body. Throws a `TypeError` for a stream without `duplex`, or one that is in use. */
export async function bodyOf(given: unknown, duplex: unknown): Promise<ReadBody> {
  if (given instanceof FormData) {
    const made = new Response(given)
    return { body: bytes(new Uint8Array(await made.arrayBuffer())), type: made.headers.get('content-type') ?? undefined }
  }
  if (given instanceof Blob) return { body: await blob(given), type: given.type === '' ? undefined : given.type }
  if (given instanceof ReadableStream || typeof (given as any)?.[Symbol.asyncIterator] === 'function') {
    if (duplex === undefined || duplex === null) throw new TypeError('RequestInit: duplex option is required when sending a body.')
    if (given instanceof ReadableStream && unusable(given)) throw new TypeError('Response body object should not be disturbed or locked')
    return { body: once(chunks(given as AsyncIterable<unknown>), () => leave(given)), type: undefined }
  }
  return { body: bytes(encoder.encode(String(given))), type: 'text/plain;charset=UTF-8' }
}

/**
 * The body of a Request. It shows a stream even where it was made from a string; what is all at hand within a turn of the event loop
 * is taken as bytes (known length, may be sent again), anything else is streamed from where it stands.
 */
export async function bodyOfRequest(stream: ReadableStream<Uint8Array>): Promise<WireBody> {
  const reader = stream.getReader()
  const known: Uint8Array[] = []
  let size = 0
  for (;;) {
    const step = reader.read()
    const result = await Promise.race([step, turn()])
    if (result === undefined || size > AT_HAND) return once(rest(known, reader, step), () => reader.cancel().catch(ignore))
    if (result.done) return bytes(join(known, size))
    known.push(result.value)
    size += result.value.byteLength
  }
}

/** Resolves when the event loop has been round. */
const turn = () =>
  new Promise<undefined>(resolve => {
    systemClock.schedule(0, () => systemClock.schedule(0, () => resolve(undefined), { keepAlive: true }), { keepAlive: true })
  })

async function* rest(
  known: readonly Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
  pending: Promise<ReadableStreamReadResult<Uint8Array>>,
): AsyncGenerator<Uint8Array> {
  let ended = false
  try {
    yield* known
    for (let result = await pending; ; result = await reader.read()) {
      if (result.done) {
        ended = true
        return
      }
      yield result.value
    }
  } finally {
    if (!ended) reader.cancel().catch(() => {})
  }
}

const bytes = (all: Uint8Array): WireBody => ({ bytes: all, length: all.byteLength })

async function blob(given: Blob): Promise<WireBody> {
  if (given.size <= AT_ONCE) return bytes(new Uint8Array(await given.arrayBuffer()))
  return { length: given.size, reopens: true, open: () => chunks(given.stream() as unknown as AsyncIterable<unknown>) }
}

function once(source: AsyncIterator<Uint8Array>, leave: () => void): WireBody {
  let opened = false
  return {
    length: undefined,
    open() {
      if (opened) return undefined
      opened = true
      return source
    },
    close() {
      if (opened) return
      opened = true
      leave()
    },
  }
}

/** Nobody will read this stream: it may let go of what it holds. */
function leave(stream: any): void {
  if (stream instanceof ReadableStream) stream.cancel().catch(ignore)
  else if (typeof stream.destroy === 'function') stream.destroy()
  else stream[Symbol.asyncIterator]().return?.()?.then(undefined, ignore)
}

const ignore = () => {}

async function* chunks(source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    if (chunk instanceof Uint8Array) yield chunk
    else if (typeof chunk === 'string') yield encoder.encode(chunk)
    else if (chunk instanceof ArrayBuffer) yield new Uint8Array(chunk)
    else if (ArrayBuffer.isView(chunk)) yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    else throw new TypeError(`a request body is made of bytes or strings; received ${chunk === null ? 'null' : typeof chunk}`)
  }
}

function unusable(stream: ReadableStream): boolean {
  return stream.locked || (globalThis.process?.getBuiltinModule?.('node:stream') as any)?.isDisturbed?.(stream) === true
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}
