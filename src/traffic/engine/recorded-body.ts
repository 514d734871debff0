/**
 * A streamed request body that is kept while it is sent, so that another try can send it again: what went before from the record, the
 * rest from where the stream stands. Beyond the limit nothing is kept and the body goes out once; that is no error.
 */
import { stopReading } from '../../core/body.ts'
import type { WireBody } from '../../core/transport.ts'

/** Whether a body may be sent a second time: all at hand and not too much, or recorded from its beginning. */
export function repeatable(body: WireBody | undefined, limit: number): boolean {
  if (body === undefined) return true
  if (body instanceof RecordedBody) return body.whole
  return (body.bytes !== undefined || body.reopens === true) && body.length !== undefined && body.length <= limit
}

/** The body as the tries shall have it: a stream is recorded, when it may be sent `again`. `abandoned`: it is too much for that. */
export function kept(body: WireBody, again: boolean, limit: number, abandoned: () => void, complete: () => void): WireBody {
  if (body.bytes === undefined && body.reopens !== true) return new RecordedBody(body, again ? limit : 0, abandoned, complete)
  if (!repeatable(body, limit)) abandoned()
  return body
}

export class RecordedBody implements WireBody {
  readonly length: number | undefined
  /** Whether everything read so far is kept. */
  whole = true
  readonly #limit: number
  readonly #abandoned: () => void
  readonly #source: WireBody
  #chunks: Uint8Array[] = []
  #size = 0
  #iterator: AsyncIterator<Uint8Array> | undefined
  /** The step that the source is taking; whoever reads at its end waits for the same one. */
  #step: Promise<IteratorResult<Uint8Array>> | undefined
  #ended: IteratorResult<Uint8Array> | undefined

  readonly #complete: () => void

  /** `abandoned` is called once, when the body turned out to be more than `limit` bytes; `complete` when its last byte was read. */
  constructor(source: WireBody, limit: number, abandoned: () => void, complete: () => void = () => {}) {
    this.#source = source
    this.length = source.length
    this.#limit = limit
    this.#abandoned = abandoned
    this.#complete = complete
  }

  open(): AsyncIterator<Uint8Array> | undefined {
    if (!this.whole) return undefined
    this.#iterator ??= this.#source.open?.()
    if (this.#iterator === undefined) return undefined
    let at = 0
    return {
      next: () => {
        // Once the record is dropped only the try that was reading goes on, and it stands at the end of what was read.
        const kept = this.#chunks[at]
        if (kept !== undefined) {
          at++
          return Promise.resolve({ done: false, value: kept })
        }
        if (this.#ended !== undefined) return Promise.resolve(this.#ended)
        return this.#read().then(result => {
          if (result.done !== true) at++
          return result
        })
      },
    }
  }

  /** The call is over: the stream is told that nobody reads on. */
  close(): void {
    this.#drop()
    this.#source.close?.()
    if (this.#ended !== undefined || this.#iterator === undefined) return
    this.#ended = { done: true, value: undefined }
    stopReading(this.#iterator)
  }

  #read(): Promise<IteratorResult<Uint8Array>> {
    this.#step ??= this.#iterator!.next().then(
      result => {
        this.#step = undefined
        if (result.done === true) {
          this.#ended = result
          this.#complete()
        } else this.#keep(result.value)
        return result
      },
      error => {
        this.#step = undefined
        this.#drop()
        throw error
      },
    )
    return this.#step
  }

  #keep(chunk: Uint8Array): void {
    if (!this.whole) return
    this.#size += chunk.byteLength
    if (this.#size > this.#limit) {
      this.#drop()
      this.#abandoned()
    } else this.#chunks.push(chunk)
  }

  #drop(): void {
    this.whole = false
    this.#chunks = []
  }
}
