/** The chunks of a request body that is a stream or an async iterable. */
import { PlatformReadableStream } from '../../base/platform.ts'

const encoder = new TextEncoder()

/** They are bytes or text. To stop lets go of it at once, also while a chunk is awaited. */
export class StreamChunks implements AsyncIterator<Uint8Array> {
  readonly #source: any
  readonly #signal: AbortSignal | undefined
  #iterator: AsyncIterator<unknown> | undefined
  #before: readonly Uint8Array[] = []
  #pending: Promise<IteratorResult<unknown>> | undefined
  #over = false

  /** `signal`: why it stops, if it was aborted. */
  constructor(source: unknown, signal: AbortSignal | undefined) {
    this.#source = source
    this.#signal = signal
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const [first, ...rest] = this.#before
    this.#before = rest
    if (first !== undefined) return { done: false, value: first }
    const pending = this.#pending ?? this.#read()
    this.#pending = undefined
    const { done, value } = await pending
    if (done !== true) return { done: false, value: bytesOf(value) }
    this.#over = true
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    if (this.#over) return { done: true, value: undefined }
    this.#over = true
    const source = this.#source
    const iterator = this.#iterator as any
    const reason = this.#signal?.aborted === true ? this.#signal.reason : undefined
    if (iterator?.cancel !== undefined) iterator.cancel(reason).catch(ignore)
    else if (source instanceof PlatformReadableStream) source.cancel(reason).catch(ignore)
    else if (typeof source.destroy === 'function') source.destroy()
    else (iterator ?? source[Symbol.asyncIterator]()).return?.()?.then(undefined, ignore)
    return { done: true, value: undefined }
  }

  /** The same chunks again from the first: those known, and one that is awaited. */
  rewound(known: readonly Uint8Array[], pending: Promise<IteratorResult<Uint8Array>>): this {
    this.#before = known
    this.#pending = pending
    pending.catch(ignore)
    return this
  }

  #read(): Promise<IteratorResult<unknown>> {
    if (this.#iterator === undefined) {
      const source = this.#source
      this.#iterator = source instanceof PlatformReadableStream ? readerOf(source) : source[Symbol.asyncIterator]()
    }
    return this.#iterator!.next()
  }
}

/** A reader as an iterator: unlike the stream's own it can be cancelled while a read is pending. */
function readerOf(stream: ReadableStream<unknown>): AsyncIterator<unknown> & { cancel(reason: unknown): Promise<void> } {
  const reader = stream.getReader()
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    cancel: reason => reader.cancel(reason),
  }
}

const ignore = () => {}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return encoder.encode(chunk)
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (isArrayBuffer(chunk)) return new Uint8Array(chunk)
  if (Array.isArray(chunk)) return Uint8Array.from(chunk)
  throw new TypeError(`a request body is made of bytes or strings; received ${chunk === null ? 'null' : typeof chunk}`)
}

/** An ArrayBuffer of whatever realm. */
export function isArrayBuffer(given: unknown): given is ArrayBuffer {
  if (typeof given !== 'object' || given === null) return false
  if (given instanceof ArrayBuffer) return true
  try {
    byteLength.call(given)
    return true
  } catch {
    return false
  }
}
const byteLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')!.get!
