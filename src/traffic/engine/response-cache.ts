/**
 * Who gets a kept answer, and who joins whom: requests for the same thing at the same time become one. A joined request runs as one of its
 * own: who began it may go away without taking the others along; it is given up when nobody waits any more. Bodies are gathered up to the
 * cache's size; an answer that is larger, or that is for one reader only, goes to one of those who wait and the others ask by themselves.
 */
import type { Clock } from '../../base/time/clock.ts'
import type { Kept } from '../../policies/cache/kernel.ts'
import type { CacheSettings } from '../../policies/cache/options.ts'
import { BytesBody } from './bytes-body.ts'
import { isPrivate, lookFor, maySend } from './cache-rules.ts'
import type { MeshReply } from './exchange.ts'
import { type Gathered, Gathering } from './gathering.ts'
import { ageSaid, type Stored, StoredAnswers, type Wanted } from './stored.ts'

/** Who asks. Exactly one of the last four is called, unless he leaves before. */
export interface CacheCaller extends Wanted {
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
  readonly #stored: StoredAnswers
  readonly #clock: Clock
  #settings: CacheSettings
  readonly #flights = new Map<string, Flight>()

  constructor(settings: CacheSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#stored = new StoredAnswers(settings)
  }

  update(settings: CacheSettings): void {
    this.#settings = settings
    this.#stored.update(settings)
  }

  get metrics(): object {
    const { hits, misses, stale, joined, bypassed } = this.counts
    return {
      numberOfHits: hits,
      numberOfMisses: misses,
      numberOfStaleAnswers: stale,
      numberOfJoinedCalls: joined,
      numberOfUncachedCalls: bypassed,
      ...this.#stored.metrics,
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
    const key = this.#stored.keyOf(caller)
    const now = this.#clock.now()
    const reload = lookFor(caller) === 'reload'
    const kept = reload ? undefined : this.#stored.find(key, now)
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
        const stored: Stored = { status, statusText, headers, chunks, at: this.#clock.now(), age: ageSaid(headers) }
        const varied = this.#stored.keep(flight.by, stored)
        this.#ended(key, flight, caller => {
          if (caller === flight.by) caller.got({ ...reply, body: new BytesBody(chunks) }, flight.fetch)
          else if (varied === this.#stored.keyOf(caller)) caller.given(stored, true)
          else caller.alone()
        })
      },
      rest: body => this.#handOver(key, flight, { ...reply, body }),
    }
  }
}

const nothing = () => {}
