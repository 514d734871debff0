/** Bodies on their way, chunk by chunk: counted against a limit, slowed down to a rate, and reported as progress. */
import { type Clock, KEEP_ALIVE, type Timer } from '../../base/time/clock.ts'
import { runInMicrotask } from '../../base/time/event-loop.ts'
import { guarded } from '../../core/events.ts'

/** The largest piece that is passed on at once, so that progress and rates are fine-grained. */
const PIECE = 65_536
/** Rates hold within this time, ms. */
const WINDOW = 500

/** Bytes as they are, in chunks; throws what `tooLarge` makes once there are more than `limit`. */
export async function* limited(chunks: AsyncIterable<Uint8Array>, limit: number, tooLarge: () => Error): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.byteLength
    if (size > limit) throw tooLarge()
    yield chunk
  }
}

/** The same bytes, at most `rate` a second (0: as they come), with progress. */
export async function* shaped(
  chunks: AsyncIterable<Uint8Array>,
  rate: number,
  progress: Progress | undefined,
  clock: Clock,
): AsyncGenerator<Uint8Array> {
  const allowed = (rate * WINDOW) / 1000
  let loaded = 0
  let since = clock.now()
  let used = 0
  try {
    for await (const chunk of chunks) {
      for (let rest = chunk; rest.byteLength > 0; ) {
        let size = PIECE
        if (rate > 0) {
          const now = clock.now()
          if (now - since >= WINDOW) {
            since = now
            used = Math.max(0, used - allowed)
          }
          const left = allowed - used
          if (left <= 0) {
            await pause(clock, WINDOW - (now - since))
            continue
          }
          size = Math.min(PIECE, Math.max(1, Math.floor(left)))
        }
        const piece = rest.subarray(0, size)
        rest = rest.subarray(size)
        used += piece.byteLength
        loaded += piece.byteLength
        progress?.loaded(loaded)
        yield piece
      }
    }
  } finally {
    progress?.end()
  }
}

const pause = (clock: Clock, ms: number) => new Promise<void>(resolve => void clock.schedule(ms, resolve, KEEP_ALIVE))

/** Reports are at least this far apart, ms; the last one always comes. */
const APART = 1000 / 3
/** The rate is that of the last so many reports, once they span so many ms. */
const SAMPLES = 50
const SPAN = 250

/** Progress events as axios makes them. A listener that throws is reported and changes nothing. */
export class Progress {
  readonly #listener: (event: object) => void
  readonly #direction: 'upload' | 'download'
  readonly #total: number | undefined
  readonly #clock: Clock
  readonly #samples: { at: number; bytes: number }[] = []
  #first: number | undefined
  #reported = -Infinity
  #notified = 0
  #latest: number | undefined
  #timer: Timer | undefined

  constructor(listener: (event: object) => void, direction: 'upload' | 'download', total: number | undefined, clock: Clock) {
    this.#listener = listener
    this.#direction = direction
    this.#total = total
    this.#clock = clock
  }

  loaded(bytes: number): void {
    this.#latest = bytes
    const passed = this.#clock.now() - this.#reported
    if (passed >= APART) this.#report()
    else this.#timer ??= this.#clock.schedule(APART - passed, () => this.#report())
  }

  end(): void {
    if (this.#latest !== undefined) this.#report()
  }

  #report(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const now = this.#clock.now()
    this.#reported = now
    const total = this.#total
    const loaded = total === undefined ? this.#latest! : Math.min(this.#latest!, total)
    this.#latest = undefined
    const bytes = Math.max(0, loaded - this.#notified)
    this.#notified = Math.max(this.#notified, loaded)
    const rate = this.#rate(bytes, now)
    const event = {
      loaded,
      total,
      progress: total ? loaded / total : undefined,
      bytes,
      rate,
      estimated: rate && total ? (total - loaded) / rate : undefined,
      event: { lengthComputable: total !== undefined, total, loaded },
      lengthComputable: total !== undefined,
      [this.#direction]: true,
    }
    runInMicrotask(() => void guarded(this.#listener, event))
  }

  /** Bytes a second between the oldest report that is remembered and this one. */
  #rate(bytes: number, now: number): number | undefined {
    const samples = this.#samples
    const before = samples.reduce((sum, sample) => sum + sample.bytes, 0)
    const oldest = samples[0]?.at
    samples.push({ at: now, bytes })
    if (samples.length > SAMPLES) samples.shift()
    this.#first ??= now
    if (now - this.#first < SPAN || oldest === undefined || now === oldest) return undefined
    return Math.round((before * 1000) / (now - oldest)) || undefined
  }
}
