/**
 * A response body on its way in. It is read ahead as far as 64 kB whether or not anybody wants it: a response that nobody reads then
 * frees its connection. A longer one holds the peer back until somebody reads. One that has not come to its end is given up when nobody
 * began to read it for too long, however short it is.
 */
import { concatBytes } from '../../base/formats/bytes.ts'
import type { Timer } from '../../base/time/clock.ts'
import { runInMicrotask } from '../../base/time/event-loop.ts'
import type { ResourceTiming } from '../../base/time/resource-timing.ts'
import { type BodyCare, READ_AHEAD } from '../../core/body.ts'
import type { BodyReader, BodySource } from '../../core/transport.ts'

type Take = (chunk: Uint8Array | undefined) => void

/** Whoever must know at once that a body broke, though it reads nothing. */
export interface BreakListener {
  failed(error: unknown): void
}

export class Inflow implements BodyReader, AsyncIterable<Uint8Array> {
  /** Bytes so far, as they came. */
  received = 0
  readonly #source: BodySource
  readonly #signal: AbortSignal | undefined
  #chunks: Uint8Array[] = []
  #size = 0
  #ended = false
  #error: unknown
  #failed = false
  #paused = false
  #abandon: Timer | undefined
  /** Who waits for the whole body, or for the next chunk. */
  #whole: ((bytes: Uint8Array) => void) | undefined
  #next: Take | undefined
  #fail: ((error: unknown) => void) | undefined
  #listener: BreakListener | undefined
  #timing: ResourceTiming | undefined

  /** `signal`: the caller's. A body that breaks because of its abort fails with its reason, whatever that is. */
  constructor(source: BodySource, care: BodyCare, signal?: AbortSignal) {
    this.#source = source
    this.#signal = signal
    source.read(this)
    // Most have come whole by now, and need no timer.
    if (this.#ended || this.#failed) return
    const { clock, abandonedBodyTimeout } = care
    this.#abandon = clock.schedule(abandonedBodyTimeout, () => this.#giveUp(abandonedBodyTimeout))
  }

  data(chunk: Uint8Array): void {
    this.received += chunk.byteLength
    const next = this.#next
    if (next !== undefined) {
      this.#next = this.#fail = undefined
      return next(chunk)
    }
    this.#chunks.push(chunk)
    this.#size += chunk.byteLength
    if (this.#whole !== undefined || this.#size < READ_AHEAD || this.#paused) return
    this.#paused = true
    this.#source.pause()
  }

  end(): void {
    this.#ended = true
    this.#keep()
    if (this.#whole !== undefined) this.#whole(this.#join())
    else this.#next?.(undefined)
    this.#whole = this.#next = this.#fail = undefined
  }

  error(error: unknown): void {
    if (this.#failed || this.#ended) return
    this.#failed = true
    this.#error = error
    this.#chunks = []
    this.#keep()
    this.#fail?.(this.#failure())
    this.#listener?.failed(this.#failure())
    this.#whole = this.#next = this.#fail = this.#listener = undefined
  }

  /** Tells `listener` when the body breaks; at once when it has. */
  watch(listener: BreakListener): void {
    if (this.#failed) listener.failed(this.#failure())
    else this.#listener = listener
  }

  /** Every byte, once, as what is wanted of them. `timing` is told when they are here. */
  all<T>(as: (bytes: Uint8Array) => T | PromiseLike<T>, timing?: ResourceTiming): Promise<T> {
    this.#keep()
    this.#timing = timing
    if (this.#failed) return Promise.reject(this.#failure())
    return new Promise((resolve, reject) => {
      const signal = this.#signal
      if (this.#ended && signal === undefined) return resolve(as(this.#join()))
      const settle = (bytes: Uint8Array) => {
        try {
          resolve(as(bytes))
        } catch (error) {
          reject(error)
        }
      }
      // An abort right after the call counts, as it does while bytes are still to come.
      if (this.#ended) return runInMicrotask(() => (signal!.aborted ? reject(signal!.reason) : settle(this.#join())))
      this.#whole = settle
      this.#fail = reject
      this.#resume()
    })
  }

  /** The next chunk; `undefined` at the end. One at a time. */
  next(): Promise<Uint8Array | undefined> {
    this.#keep()
    if (this.#failed) return Promise.reject(this.#failure())
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#size -= chunk.byteLength
      if (this.#size < READ_AHEAD) this.#resume()
      return Promise.resolve(chunk)
    }
    if (this.#ended) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#next = resolve
      this.#fail = reject
      this.#resume()
    })
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        const value = await this.next()
        return value === undefined ? { done: true, value } : { done: false, value }
      },
      return: async () => {
        this.cancel()
        return { done: true, value: undefined }
      },
    }
  }

  /** Nobody wants the rest. */
  cancel(): void {
    this.#keep()
    this.#chunks = []
    if (!this.#ended && !this.#failed) this.#source.cancel()
    this.#ended = true
    this.#next?.(undefined)
    this.#next = this.#fail = this.#listener = undefined
  }

  #failure(): unknown {
    return this.#signal?.aborted === true ? this.#signal.reason : failure(this.#error)
  }

  /** Somebody reads, or there is nothing left to wait for. */
  #keep(): void {
    this.#abandon?.cancel()
    this.#abandon = undefined
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#source.resume()
  }

  #giveUp(abandonedBodyTimeout: number): void {
    this.#abandon = undefined
    this.error(
      Object.assign(new Error(`nobody read the body within ${abandonedBodyTimeout} ms; its connection was given back`), {
        code: 'ERR_BODY_ABANDONED',
      }),
    )
    this.#source.cancel()
  }

  #join(): Uint8Array {
    this.#timing?.ended(this.received, this.received)
    const chunks = this.#chunks
    this.#chunks = []
    return concatBytes(chunks, this.#size)
  }
}

/** As fetch says it: a body that broke is a TypeError "terminated"; what the caller or a time limit said passes as it is. */
export function failure(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = (error as { code?: string }).code
  if (error.name === 'AbortError' || error.name === 'TimeoutError' || typeof code !== 'string') return error
  return Object.assign(new TypeError('terminated', { cause: error }), { code })
}
