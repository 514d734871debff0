/**
 * A body that several read, each at its own pace, and that is kept while it comes. While it is kept it is read as fast as it comes, whether
 * anybody reads or not; when it turns out to be too large, or takes too long, it is kept no more and comes as slowly as its slowest reader
 * takes it.
 */
import type { Timer } from '../../base/time/clock.ts'
import type { BodyCare } from '../../core/body.ts'
import type { BodyReader, BodySource } from '../../core/transport.ts'

export interface TeeOwner {
  /** All of it has come and was kept. */
  whole(chunks: readonly Uint8Array[]): void
  /** It will not be kept: too large, or it broke. What has come so far can still be read by who begins now. */
  notKept(): void
  /** The last reader has turned away. True: nobody else wants it, so it is given up. */
  giveUp(): boolean
}

export class Tee implements BodyReader {
  readonly #source: BodySource
  readonly #max: number
  readonly #owner: TeeOwner
  readonly #readings = new Set<Reading>()
  #chunks: Uint8Array[] = []
  #size = 0
  #keeping = true
  #paused = false
  #end: ((reader: BodyReader) => void) | undefined
  #timer: Timer | undefined

  constructor(source: BodySource, max: number, owner: TeeOwner) {
    this.#source = source
    this.#max = max
    this.#owner = owner
  }

  /** `care`: how long it is kept while it comes. */
  start({ clock, abandonedBodyTimeout }: BodyCare): void {
    this.#source.read(this)
    if (this.#keeping && this.#end === undefined) this.#timer = clock.schedule(abandonedBodyTimeout, () => this.#takesTooLong())
  }

  get length(): number | undefined {
    return this.#source.length
  }

  get readers(): number {
    return this.#readings.size
  }

  /** For one more reader, from the beginning. `ended`: its body is over, in whatever way. */
  reading(ended: () => void): BodySource {
    const reading = new Reading(this, this.#chunks, ended)
    if (this.#end === undefined) this.#readings.add(reading)
    else reading.finish(this.#end)
    return reading
  }

  data(chunk: Uint8Array): void {
    if (this.#keeping) {
      this.#chunks.push(chunk.slice()) // a reader may do with its bytes what it likes
      this.#size += chunk.byteLength
      if (this.#size > this.#max) this.#keepNoMore()
    }
    for (const reading of this.#readings) reading.take(chunk)
    this.pace()
  }

  end(trailers?: readonly string[]): void {
    this.#finish(reader => reader.end(trailers))
    if (this.#keeping) this.#owner.whole(this.#chunks)
  }

  error(error: Error): void {
    this.#finish(reader => reader.error(error))
    if (this.#keeping) this.#owner.notKept()
  }

  #finish(end: (reader: BodyReader) => void): void {
    this.#timer?.cancel()
    this.#end = end
    for (const reading of [...this.#readings]) reading.finish(end)
    this.#readings.clear()
  }

  /** Before the chunk that was too much is given out: who begins to read now gets all that came, that one included. */
  #keepNoMore(): void {
    this.#chunks.pop()
    this.#drop()
  }

  #drop(): void {
    this.#timer?.cancel()
    this.#owner.notKept()
    this.#keeping = false
    this.#chunks = []
    if (this.#readings.size === 0) this.#source.cancel()
  }

  #takesTooLong(): void {
    this.#drop()
    this.pace()
  }

  /** Nobody is overrun by what is not kept. */
  pace(): void {
    if (this.#keeping || this.#end !== undefined) return
    let behind = false
    for (const reading of this.#readings) if (reading.behind) behind = true
    if (behind === this.#paused) return
    this.#paused = behind
    if (behind) this.#source.pause()
    else this.#source.resume()
  }

  leave(reading: Reading): void {
    if (!this.#readings.delete(reading) || this.#end !== undefined) return
    if (this.#readings.size === 0 && this.#owner.giveUp()) {
      this.#timer?.cancel()
      this.#source.cancel()
    } else this.pace()
  }
}

class Reading implements BodySource {
  readonly length: number | undefined
  readonly #tee: Tee
  readonly #chunks: Uint8Array[]
  readonly #ended: () => void
  #reader: BodyReader | undefined
  #paused = false
  #end: ((reader: BodyReader) => void) | undefined

  constructor(tee: Tee, before: readonly Uint8Array[], ended: () => void) {
    this.#tee = tee
    this.length = tee.length
    this.#chunks = before.map(chunk => chunk.slice())
    this.#ended = ended
  }

  get behind(): boolean {
    return this.#chunks.length > 0 || this.#paused || this.#reader === undefined
  }

  take(chunk: Uint8Array): void {
    this.#chunks.push(this.#tee.readers > 1 ? chunk.slice() : chunk)
    this.#flow()
  }

  finish(end: (reader: BodyReader) => void): void {
    this.#end = end
    this.#flow()
    this.#ended() // what comes now is at hand
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    this.resume()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#flow()
    this.#tee.pace()
  }

  cancel(): void {
    this.#chunks.length = 0
    this.#reader = undefined
    this.#end = undefined
    this.#tee.leave(this)
  }

  #flow(): void {
    while (this.#reader !== undefined && !this.#paused && this.#chunks.length > 0) this.#reader.data(this.#chunks.shift()!)
    const end = this.#end
    if (this.#reader === undefined || this.#paused || end === undefined || this.#chunks.length > 0) return
    this.#end = undefined
    end(this.#reader)
  }
}
