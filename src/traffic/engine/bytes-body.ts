/** A body that is at hand, given out chunk by chunk as its reader takes it. */
import type { BodyReader, BodySource } from '../../core/transport.ts'

export class BytesBody implements BodySource {
  readonly length: number
  readonly #chunks: readonly Uint8Array[]
  #reader: BodyReader | undefined
  #at = 0
  #paused = false

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks
    this.length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    this.#flow()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#flow()
  }

  cancel(): void {
    this.#reader = undefined
  }

  #flow(): void {
    while (this.#reader !== undefined && !this.#paused) {
      // A copy: the reader may do with its bytes what it likes.
      if (this.#at < this.#chunks.length) this.#reader.data(this.#chunks[this.#at++]!.slice())
      else {
        const reader = this.#reader
        this.#reader = undefined
        reader.end()
      }
    }
  }
}
