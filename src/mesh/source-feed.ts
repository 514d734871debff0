/** Runs the sources of a mesh: hands on what they deliver, remembers how each stands, and tells when all have delivered. */
import { type Clock, KEEP_ALIVE, type Timer } from '../base/time/clock.ts'
import { report } from '../core/events.ts'
import { isPromiseLike } from '../core/next.ts'
import { show } from '../core/schema/fault.ts'
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
      const failed = (error: unknown) => this.#failed(entry, error)
      try {
        const started: unknown = entry.source.start(sets => this.#delivered(entry, sets), failed, { clock: this.#clock })
        if (isPromiseLike(started)) Promise.resolve(started).then(stop => this.#started(entry, stop), failed)
        else this.#started(entry, started)
      } catch (error) {
        failed(error)
      }
    }
  }

  /** `stop`: what `start` returned, or its promise resolved to. */
  #started(entry: Entry, stop: unknown): void {
    if (typeof stop === 'function') {
      entry.stop = stop as () => void | Promise<void>
      if (this.#stopped) void stopped(entry, this.#clock)
    } else if (stop !== undefined && stop !== null)
      report(new TypeError(`source ${entry.source.name}: start returned ${show(stop)}; expected a function that stops it`))
  }

  #delivered(entry: Entry, sets: unknown): void {
    if (this.#stopped) return
    const fault = faultOf(sets)
    if (fault !== undefined) return this.#failed(entry, new TypeError(`source ${entry.source.name} delivered ${fault}; ${EXPECTED}`))
    this.#feeding.take(entry.source, sets as readonly SourceSet[]).then(
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

  #failed(entry: Entry, reason: unknown): void {
    if (this.#stopped) return
    const error = reason instanceof Error ? reason : new Error(`source ${entry.source.name} failed with ${show(reason)}`)
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
    await Promise.all(this.#entries.map(entry => stopped(entry, this.#clock)))
  }
}

/** Stops a source; waits for it, but not for ever. */
async function stopped({ stop, source }: Entry, clock: Clock): Promise<void> {
  if (stop === undefined) return
  let timer: Timer | undefined
  const late = new Promise<void>(resolve => {
    timer = clock.schedule(
      STOPPING,
      () => {
        report(new Error(`source ${source.name} did not stop within ${STOPPING} ms`))
        resolve()
      },
      KEEP_ALIVE,
    )
  })
  try {
    await Promise.race([stop(), late])
  } catch (error) {
    report(error)
  } finally {
    timer?.cancel()
  }
}

/** ms that a source may take to stop. */
const STOPPING = 5_000

const EXPECTED = 'expected a list such as [{ documents: yamlText, origin: "rules.yaml" }]'

/** What is wrong with the shape of a delivery; what is wrong with its documents is found when they are read. */
function faultOf(sets: unknown): string | undefined {
  if (!Array.isArray(sets)) return show(sets)
  for (const set of sets as readonly unknown[]) {
    const { documents, origin } = (typeof set === 'object' && set !== null ? set : {}) as Partial<Record<keyof SourceSet, unknown>>
    if (typeof documents !== 'string' && (typeof documents !== 'object' || documents === null)) return `a list with ${show(set)}`
    if (origin !== undefined && typeof origin !== 'string') return `an origin of ${show(origin)}`
  }
  return undefined
}
