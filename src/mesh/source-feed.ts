/** Runs the sources of a mesh: hands on what they deliver, remembers how each stands, and tells when all have delivered. */
import type { Clock } from '../base/time/clock.ts'
import { report } from '../core/events.ts'
import type { Source, SourceSet } from '../core/source.ts'

/** How a source stands, as `snapshot()` shows it. */
export interface SourceStatus {
  name: string
  /** Version in which its set last changed; 0 before it did. */
  version: number
  documents: number
  state: 'waiting' | 'ok' | 'rejected' | 'failed'
  /** Why its last delivery was not taken over. */
  error?: string
}

export interface Feeding {
  /** Takes a set over, or throws why not. Gives the new version and how many documents there are. */
  take(source: Source, sets: readonly SourceSet[]): Promise<{ version: number; documents: number }>
  failed(source: Source, error: Error): void
}

interface Entry {
  readonly source: Source
  readonly status: SourceStatus
  error: Error | undefined
  stop: (() => void | Promise<void>) | undefined
}

export class SourceFeed {
  readonly #entries: Entry[]
  readonly #feeding: Feeding
  readonly #clock: Clock
  #waiting: (() => void)[] = []
  #stopped = false

  constructor(sources: readonly Source[], feeding: Feeding, clock: Clock) {
    this.#feeding = feeding
    this.#clock = clock
    this.#entries = sources.map(source => ({
      source,
      status: { name: source.name, version: 0, documents: 0, state: 'waiting' as const },
      error: undefined,
      stop: undefined,
    }))
  }

  get status(): SourceStatus[] {
    return this.#entries.map(entry => ({ ...entry.status }))
  }

  start(): void {
    for (const entry of this.#entries) {
      try {
        entry.stop = entry.source.start(
          sets => this.#delivered(entry, sets),
          error => this.#failed(entry, error),
          { clock: this.#clock },
        )
      } catch (error) {
        this.#failed(entry, error instanceof Error ? error : new Error(String(error)))
      }
    }
  }

  #delivered(entry: Entry, sets: readonly SourceSet[]): void {
    if (this.#stopped) return
    this.#feeding.take(entry.source, sets).then(
      taken => {
        entry.error = undefined
        delete entry.status.error
        Object.assign(entry.status, taken, { state: 'ok' })
        this.#changed()
      },
      error => {
        entry.error = error
        Object.assign(entry.status, { state: 'rejected', error: error.message })
        this.#changed()
      },
    )
  }

  #failed(entry: Entry, error: Error): void {
    if (this.#stopped) return
    entry.error = error
    Object.assign(entry.status, { state: 'failed', error: error.message })
    this.#feeding.failed(entry.source, error)
    this.#changed()
  }

  #changed(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const look of waiting) look()
  }

  /** Resolves when every source has delivered a set that was taken over; rejects with what stopped one from its first. */
  async delivered(): Promise<void> {
    for (;;) {
      const broken = this.#entries.find(entry => entry.status.version === 0 && entry.error !== undefined)
      if (broken !== undefined) throw broken.error
      if (this.#stopped || this.#entries.every(entry => entry.status.state !== 'waiting')) return
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#changed()
    for (const { stop } of this.#entries) {
      try {
        await stop?.()
      } catch (error) {
        report(error)
      }
    }
  }
}
