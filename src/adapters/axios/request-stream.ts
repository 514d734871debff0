/**
 * A request stream of whatever kind: Node's (old ones as well), the web's, async iterables. It is watched from the first moment on, so
 * that one that breaks before, while or after it is read ends the request and nothing else; what was read is kept for a redirect.
 */
import { runInMicrotask } from '../../base/time/event-loop.ts'
import type { WireBody } from '../../core/transport.ts'

/** What a request stream reports when it ends before its time. */
export interface StreamWatcher {
  /** The request that the stream belongs to, once there is one. */
  readonly request: unknown
  /** It broke, with this error. */
  broke(error: unknown): void
  /** It was destroyed without an error. */
  destroyed(): void
}

/** The bytes of a stream, to be read once. */
interface Source {
  next(): Promise<IteratorResult<unknown>>
  /** No longer wanted. */
  stop(): void
}

type Shape = (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

export class RequestStream {
  readonly #source: Source
  readonly #chunks: AsyncIterator<Uint8Array>
  /** Bytes that may be kept for another hop. */
  readonly #limit: number
  #kept: Uint8Array[] = []
  #size = 0
  #step: Promise<IteratorResult<Uint8Array>> | undefined
  #ended = false
  /** Read to its end, or let go by us: what happens to it now is not the request's business. */
  #over = false
  #whole = true
  #released = false
  #idle = true

  /** Throws a string that says what is wrong with the stream. */
  constructor(data: any, limit: number, shape: Shape, watcher: StreamWatcher) {
    this.#limit = limit
    this.#source = sourceOf(data, {
      request: undefined,
      broke: error => this.#over || watcher.broke(error),
      destroyed: () => this.#over || watcher.destroyed(),
    })
    this.#chunks = shape(this.#read())[Symbol.asyncIterator]()
  }

  /** Whether another hop can send it from its beginning. */
  get isRepeatable(): boolean {
    return this.#whole
  }

  /** The body of the next hop. */
  body(length: number | undefined): WireBody {
    let at = 0
    const done = () => {
      this.#idle = true
      if (this.#released) this.#stop()
      return Promise.resolve({ done: true, value: undefined } as const)
    }
    return {
      length,
      open: () => {
        if (!this.#whole) return undefined
        this.#idle = false
        const kept = this.#kept
        return {
          next: async () => {
            if (at < kept.length) return { done: false, value: kept[at++]! }
            const result = await this.#next()
            if (result.done !== true) at++
            return result
          },
          return: done,
        }
      },
      close: () => void done(),
    }
  }

  /** No further hop follows: what nobody reads any more is let go. */
  release(): void {
    this.#released = true
    this.#whole = false
    this.#kept = []
    if (this.#idle) this.#stop()
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    this.#step ??= this.#chunks.next().then(
      result => {
        this.#step = undefined
        if (result.done === true) this.#ended = this.#over = true
        else this.#keep(result.value)
        return result
      },
      error => {
        this.#step = undefined
        this.#ended = true
        throw error
      },
    )
    return this.#step
  }

  #keep(chunk: Uint8Array): void {
    // Without a record the index of the hop that reads still counts what it took.
    if (!this.#whole) return
    this.#size += chunk.byteLength
    if (this.#size <= this.#limit) {
      this.#kept.push(chunk)
      return
    }
    this.#whole = false
    this.#kept = []
  }

  #stop(): void {
    if (this.#ended) return
    this.#ended = this.#over = true
    this.#source.stop()
    void settle(() => this.#chunks.return?.())
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { done, value } = await this.#source.next()
      if (done === true) return
      yield bytesOf(value)
    }
  }
}

const encoder = new TextEncoder()

function bytesOf(chunk: any): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return encoder.encode(chunk)
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (chunk?.[Symbol.toStringTag] === 'ArrayBuffer') return new Uint8Array(chunk)
  throw new TypeError(`a request stream is made of bytes or strings; received ${chunk === null ? 'null' : typeof chunk}`)
}

/** Whether data is sent as it comes. */
export function isStream(data: any): boolean {
  return (
    typeof data === 'object' &&
    data !== null &&
    (typeof data.pipe === 'function' || typeof data.getReader === 'function' || typeof data[Symbol.asyncIterator] === 'function')
  )
}

function sourceOf(data: any, watcher: StreamWatcher): Source {
  if (typeof data.pipe === 'function') return nodeSource(data, watcher)
  if (typeof data.getReader === 'function') return webSource(data, watcher)
  const iterator: AsyncIterator<unknown> = data[Symbol.asyncIterator]()
  return { next: async () => iterator.next(), stop: () => void settle(() => iterator.return?.()) }
}

const READ_ALREADY = 'the request stream was read already, so there is nothing left to send; give a new one for each request'

function webSource(data: ReadableStream, watcher: StreamWatcher): Source {
  const node: any = globalThis.process?.getBuiltinModule?.('node:stream')
  if (data.locked) throw new TypeError('the request stream is locked: something else reads it')
  if (node?.isDisturbed?.(data) === true && node.isErrored?.(data) !== true) throw new TypeError(READ_ALREADY)
  const reader = data.getReader()
  reader.closed.then(undefined, error => watcher.broke(error))
  return { next: () => reader.read() as Promise<IteratorResult<unknown>>, stop: () => void settle(() => reader.cancel()) }
}

function nodeSource(data: any, watcher: StreamWatcher): Source {
  // For as long as the stream lives: an error that comes when the request is over must not end the process.
  data.on('error', (error: unknown) => watcher.broke(error))
  if (data.errored) runInMicrotask(() => watcher.broke(data.errored))
  else if (data.readableEnded === true) throw new TypeError(READ_ALREADY)
  else if (data.destroyed === true) runInMicrotask(() => watcher.destroyed())
  let ended = false
  data.on('end', () => {
    ended = true
  })
  data.on('close', () => {
    if (!ended && !data.errored) watcher.destroyed()
  })
  // Old streams know neither iteration nor pressure: a new one reads them.
  let iterator: AsyncIterator<unknown> | undefined
  const open = (): AsyncIterator<unknown> => {
    if (typeof data[Symbol.asyncIterator] === 'function') return data[Symbol.asyncIterator]()
    const node = globalThis.process.getBuiltinModule('node:stream')
    const through = new node.PassThrough()
    data.on('error', (error: Error) => through.destroy(error))
    through.on('error', ignore)
    return data.pipe(through)[Symbol.asyncIterator]()
  }
  return {
    next: () => (iterator ??= open()).next(),
    stop: () => {
      if (typeof data.destroy === 'function') data.destroy()
      void settle(() => iterator?.return?.())
    },
  }
}

function settle(stop: () => unknown): Promise<void> {
  return Promise.resolve().then(stop).then(ignore, ignore)
}

const ignore = () => {}
