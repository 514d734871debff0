/** A body that is read to its end and kept, unless it is too large or breaks: then somebody else gets what came so far and reads on. */
import type { BodyReader, BodySource } from '../../core/transport.ts'

export interface Gathered {
  whole(chunks: Uint8Array[]): void
  /** It is too large, or broke: what came so far, then the rest. */
  rest(body: BodySource): void
}

export class Gathering implements BodyReader, BodySource {
  readonly #source: BodySource
  readonly #max: number
  readonly #told: Gathered
  #chunks: Uint8Array[] = []
  #size = 0
  #reader: BodyReader | undefined
  #passing = false
  #paused = false
  /** What came while nobody read. */
  #end: ((reader: BodyReader) => void) | undefined

  constructor(source: BodySource, max: number, told: Gathered) {
    this.#source = source
    this.#max = max
    this.#told = told
  }

  get length(): number | undefined {
    return this.#source.length
  }

  data(chunk: Uint8Array): void {
    if (this.#reader !== undefined && this.#chunks.length === 0 && !this.#paused) return this.#reader.data(chunk)
    this.#chunks.push(this.#passing ? chunk : chunk.slice())
    this.#size += chunk.byteLength
    if (this.#passing || this.#size <= this.#max) return
    this.#source.pause()
    this.#pass()
  }

  end(trailers?: readonly string[]): void {
    if (!this.#passing) return this.#told.whole(this.#chunks)
    this.#end = reader => reader.end(trailers)
    this.#flow()
  }

  error(error: Error): void {
    this.#end = reader => reader.error(error)
    if (this.#passing) this.#flow()
    else this.#pass()
  }

  #pass(): void {
    this.#passing = true
    this.#told.rest(this)
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    this.#flow()
    if (!this.#paused) this.#source.resume()
  }

  #flow(): void {
    const reader = this.#reader
    if (reader === undefined) return
    while (this.#chunks.length > 0 && !this.#paused) reader.data(this.#chunks.shift()!)
    if (this.#chunks.length > 0 || this.#paused || this.#end === undefined) return
    const end = this.#end
    this.#end = undefined
    end(reader)
  }

  pause(): void {
    this.#paused = true
    this.#source.pause()
  }

  resume(): void {
    this.#paused = false
    this.#flow()
    if (!this.#paused) this.#source.resume()
  }

  cancel(): void {
    this.#chunks = []
    this.#source.cancel()
  }
}
