/**
 * Answers of a cluster that are kept for a while, and requests for the same thing that become one. A joined request runs as one of its
 * own: who began it may go away without taking the others along; it is given up when nobody waits any more. Bodies are gathered up to the
 * cache's size; an answer that is larger, or that is for one reader only, goes to one of those who wait and the others ask by themselves.
 */
import { getHeader } from '../../base/formats/headers.ts'
import type { Clock } from '../../base/time/clock.ts'
import type { BodyReader, BodySource } from '../../core/transport.ts'
import { type Kept, Store } from '../../policies/cache/kernel.ts'
import type { CacheSettings } from '../../policies/cache/options.ts'
import { BytesBody } from './bytes-body.ts'
import { isPrivate, lookFor, maySend, varyOf } from './cache-rules.ts'
import type { MeshReply } from './exchange.ts'

/** An answer that is kept. */
export interface Stored {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly string[]
  readonly chunks: readonly Uint8Array[]
  /** When it came, ms of the clock, and how old it was then, s. */
  readonly at: number
  readonly age: number
}

/** Who asks. Exactly one of the last four is called, unless he leaves before. */
export interface CacheCaller {
  readonly method: string
  /** What else than its headers makes this request another one. */
  readonly identity: string
  header(name: string): string | undefined
  /** Sends the request for all who want the same. What comes back gives it up. */
  fetch(resolve: (reply: MeshReply) => void, reject: (error: unknown) => void): Fetch
  /** `joined`: not from the store, but what another one has asked for just now. */
  given(stored: Stored, joined: boolean): void
  /** The answer itself, for this caller alone; `first`: the request was its own. */
  got(reply: MeshReply, fetch: Fetch): void
  /** An answer that was made here. */
  told(reply: MeshReply, first: boolean): void
  /** Nobody could answer for it: it goes by itself. */
  alone(): void
  failed(error: unknown): void
}

/** A request under way. */
export interface Fetch {
  /** From now on this caller's abort is the request's. */
  follow(signal: AbortSignal | undefined): void
  cancel(reason: unknown): void
}

interface Flight {
  readonly waiting: Map<CacheCaller, Kept<Stored> | undefined>
  readonly by: CacheCaller
  fetch: Fetch
}

export class ResponseCache {
  readonly counts = { hits: 0, misses: 0, stale: 0, joined: 0, bypassed: 0 }
  readonly #store: Store<Stored>
  readonly #clock: Clock
  #settings: CacheSettings
  readonly #flights = new Map<string, Flight>()
  /** Headers on which the answers depend, by the key without them. */
  readonly #vary = new Map<string, readonly string[]>()

  constructor(settings: CacheSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#store = new Store(settings.maxEntries, settings.maxBytes)
  }

  update(settings: CacheSettings): void {
    this.#settings = settings
    this.#store.limit(settings.maxEntries, settings.maxBytes)
  }

  get metrics(): object {
    const { hits, misses, stale, joined, bypassed } = this.counts
    const { size, bytes, evicted } = this.#store
    return {
      numberOfHits: hits,
      numberOfMisses: misses,
      numberOfStaleAnswers: stale,
      numberOfJoinedCalls: joined,
      numberOfUncachedCalls: bypassed,
      numberOfEvictions: evicted,
      size,
      bytes,
    }
  }

  /** Whole seconds since the origin made it. */
  age(stored: Stored): number {
    return stored.age + Math.floor((this.#clock.now() - stored.at) / 1000)
  }

  /** Answers, now or later; what comes back is for a caller who goes away before. `undefined`: nothing for the cache. */
  ask(caller: CacheCaller): ((reason: unknown) => void) | undefined {
    if (!maySend(caller)) {
      this.counts.bypassed++
      return undefined
    }
    const key = this.#keyOf(caller)
    const now = this.#clock.now()
    const reload = lookFor(caller) === 'reload'
    const kept = reload ? undefined : this.#store.find(key, now)
    if (kept !== undefined && now < kept.freshUntil) {
      this.counts.hits++
      caller.given(kept.value, false)
      return nothing
    }
    if (kept !== undefined && now < kept.revalidateUntil) {
      this.counts.stale++
      if (!this.#flights.has(key)) this.#begin(key, caller, new Map(), true)
      caller.given(kept.value, false)
      return nothing
    }
    const flight = reload || !this.#settings.coalesce ? undefined : this.#flights.get(key)
    if (flight !== undefined) {
      this.counts.joined++
      flight.waiting.set(caller, kept)
      return reason => this.#leave(key, flight, caller, reason)
    }
    this.counts.misses++
    const own = this.#begin(key, caller, new Map([[caller, kept]]), this.#settings.coalesce)
    return reason => this.#leave(key, own, caller, reason)
  }

  #keyOf(caller: CacheCaller): string {
    const base = `${caller.method} ${caller.identity}`
    const names = this.#vary.get(base)
    return names === undefined ? base : `${base}\n${names.map(name => `${name}: ${caller.header(name) ?? ''}`).join('\n')}`
  }

  #begin(key: string, by: CacheCaller, waiting: Flight['waiting'], open: boolean): Flight {
    const flight: Flight = { waiting, by, fetch: undefined as unknown as Fetch }
    if (open) this.#flights.set(key, flight)
    flight.fetch = by.fetch(
      reply => this.#arrived(key, flight, reply),
      error => this.#ended(key, flight, (caller, kept) => this.#orStale(caller, kept) || caller.failed(error)),
    )
    return flight
  }

  #leave(key: string, flight: Flight, caller: CacheCaller, reason: unknown): void {
    if (!flight.waiting.delete(caller) || flight.waiting.size > 0) return
    this.#close(key, flight)
    flight.fetch.cancel(reason)
  }

  #close(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }

  /** The flight is over; each who waits is told. */
  #ended(key: string, flight: Flight, tell: (caller: CacheCaller, kept: Kept<Stored> | undefined) => void): void {
    this.#close(key, flight)
    const all = [...flight.waiting]
    flight.waiting.clear()
    for (const [caller, kept] of all) tell(caller, kept)
  }

  /** An answer after its time is better than an error. */
  #orStale(caller: CacheCaller, kept: Kept<Stored> | undefined): boolean {
    if (kept === undefined || this.#clock.now() >= kept.errorUntil) return false
    this.counts.stale++
    caller.given(kept.value, false)
    return true
  }

  #arrived(key: string, flight: Flight, reply: MeshReply): void {
    const { body, status } = reply
    const bad = status >= 500
    if (body === undefined)
      return this.#ended(key, flight, (caller, kept) => (bad && this.#orStale(caller, kept)) || caller.told(reply, caller === flight.by))
    const { maxBytes } = this.#settings
    if (status < 200 || status > 299 || isPrivate(reply) || (body.length ?? 0) > maxBytes) {
      if (!bad) return this.#handOver(key, flight, reply)
      for (const [caller, kept] of [...flight.waiting]) if (this.#orStale(caller, kept)) flight.waiting.delete(caller)
      return this.#handOver(key, flight, reply)
    }
    body.read(new Gathering(body, maxBytes, this.#gathered(key, flight, reply)))
  }

  /** One of those who wait gets the answer itself, the first if he is still there; the others ask by themselves. */
  #handOver(key: string, flight: Flight, reply: MeshReply): void {
    const [first] = flight.waiting.keys()
    if (first === undefined) reply.body?.cancel()
    this.#ended(key, flight, caller => (caller === first ? caller.got(reply, flight.fetch) : caller.alone()))
  }

  #gathered(key: string, flight: Flight, reply: MeshReply): Gathered {
    return {
      whole: chunks => {
        const { status, statusText, headers } = reply
        const age = Number(getHeader(headers, 'age') ?? 0)
        const stored: Stored = { status, statusText, headers, chunks, at: this.#clock.now(), age: Number.isFinite(age) ? age : 0 }
        const varied = this.#keep(flight.by, stored)
        this.#ended(key, flight, caller => {
          if (caller === flight.by) caller.got({ ...reply, body: new BytesBody(chunks) }, flight.fetch)
          else if (varied === this.#keyOf(caller)) caller.given(stored, true)
          else caller.alone()
        })
      },
      rest: body => this.#handOver(key, flight, { ...reply, body }),
    }
  }

  /** Keeps it under the key that its Vary asks for. */
  #keep(by: CacheCaller, stored: Stored): string {
    const base = `${by.method} ${by.identity}`
    const names = varyOf(stored.headers)
    if (names.length === 0) this.#vary.delete(base)
    else {
      if (this.#vary.size >= this.#settings.maxEntries) this.#vary.clear()
      this.#vary.set(base, names)
    }
    const key = this.#keyOf(by)
    const bytes = stored.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    this.#store.keep(key, stored, bytes, this.#settings, stored.at)
    return key
  }
}

interface Gathered {
  whole(chunks: Uint8Array[]): void
  /** It is too large, or broke: what came so far, then the rest. */
  rest(body: BodySource): void
}

/** Reads a body to its end, unless it is too large: then somebody else reads on. */
class Gathering implements BodyReader, BodySource {
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

const nothing = () => {}
