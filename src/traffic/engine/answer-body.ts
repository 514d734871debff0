/** The body of an answer as its reader sees it: the upstream's, which the route timeout or the caller's abort may still cut. */
import type { BodyReader, BodySource } from '../../core/transport.ts'

export interface AnswerOwner {
  /** Nobody wants the rest of the body. */
  dropped(): void
}

export class AnswerBody implements BodySource {
  readonly #source: BodySource
  readonly #owner: AnswerOwner
  #reader: BodyReader | undefined
  #error: Error | undefined

  constructor(source: BodySource, owner: AnswerOwner) {
    this.#source = source
    this.#owner = owner
  }

  get length(): number | undefined {
    return this.#source.length
  }

  read(reader: BodyReader): void {
    if (this.#error !== undefined) return reader.error(this.#error)
    this.#reader = reader
    this.#source.read(reader)
  }

  pause(): void {
    this.#source.pause()
  }

  resume(): void {
    this.#source.resume()
  }

  cancel(): void {
    this.#owner.dropped()
  }

  /** The body ends here, with this error. */
  fail(error: Error): void {
    this.#error = error
    this.#reader?.error(error)
  }
}
