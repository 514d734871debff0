/**
 * Who gets a kept answer, and who joins whom: requests for the same thing at the same time become one. A joined request runs as one of its
 * own: who began it may go away without taking the others along; it is given up when nobody wants it any more. An answer that may be kept
 * is given out while it comes: to all when its length says that it fits, else to one, and the others wait whether it does. One that is too
 * large, or for one reader only, goes to one of those who wait, and the others ask by themselves.
 */
import type { Clock } from '../../base/time/clock.ts'
import type { BodyCare } from '../../core/body.ts'
import type { BodySource } from '../../core/transport.ts'
import type { Kept } from '../../policies/cache/kernel.ts'
import type { CacheSettings } from '../../policies/cache/options.ts'
import { isPrivate, maySend, oldest, onlyKept } from './cache-rules.ts'
import type { MeshReply } from './exchange.ts'
import { ageSaid, type Stored, StoredAnswers, type Wanted } from './stored.ts'
import { Tee } from './tee.ts'

/** Who asks. Exactly one of those below `fetch` is called, unless he leaves before. */
export interface CacheCaller extends Wanted {
  /** Sends the request for all who want the same. What comes back gives it up. */
  fetch(resolve: (reply: MeshReply) => void, reject: (error: unknown) => void): Fetch
  /** `joined`: not from the store, but what another one has asked for just now. */
  given(stored: Stored, joined: boolean): void
  /** The answer as it comes, beside others; `first`: the request was its own. */
  reads(reply: MeshReply, tee: Tee, first: boolean): void
  /** Nothing is kept for it, and nothing shall be sent. */
  notKept(): void
  /** The answer itself, for this caller alone; `first`: the request was its own. */
  got(reply: MeshReply, fetch: Fetch): void
  /** An answer that was made here. */
  told(reply: MeshReply, first: boolean): void
  /** Nobody could answer for it: it goes by itself. */
  alone(): void
  failed(error: unknown): void
  /** How long a body may come. */
  readonly care: BodyCare
}

/** A request under way. */
export interface Fetch {
  /** From now on this caller's abort is the request's. */
  follow(signal: AbortSignal | undefined): void
  cancel(reason: unknown): void
}

interface Flight {
  /** What it is known under; the answer may say that it depends on more. */
  key: string
  readonly waiting: Map<CacheCaller, Kept<Stored> | undefined>
  readonly by: CacheCaller
  fetch: Fetch
  /** The answer, while it comes; `fits`: it will be kept, so whoever comes may read along. */
  answer: { readonly reply: MeshReply; readonly tee: Tee; readonly fits: boolean } | undefined
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
    const most = oldest(caller)
    const found = most < 0 ? undefined : this.#stored.find(key, now)
    const kept = found !== undefined && this.age(found.value) <= most ? found : undefined
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
    if (onlyKept(caller)) {
      this.counts.misses++
      caller.notKept()
      return nothing
    }
    const flight = most < 0 || !this.#settings.coalesce ? undefined : this.#flights.get(key)
    if (flight !== undefined) return this.#join(flight, caller, kept)
    this.counts.misses++
    const own = this.#begin(key, caller, new Map([[caller, kept]]), this.#settings.coalesce)
    return reason => this.#leave(own, caller, reason)
  }

  #join(flight: Flight, caller: CacheCaller, kept: Kept<Stored> | undefined): (reason: unknown) => void {
    this.counts.joined++
    const { answer } = flight
    if (answer?.fits === true) {
      caller.reads(answer.reply, answer.tee, false)
      return nothing
    }
    flight.waiting.set(caller, kept)
    return reason => this.#leave(flight, caller, reason)
  }

  #begin(key: string, by: CacheCaller, waiting: Flight['waiting'], open: boolean): Flight {
    const flight: Flight = { key, waiting, by, fetch: undefined as unknown as Fetch, answer: undefined }
    if (open) this.#flights.set(key, flight)
    flight.fetch = by.fetch(
      reply => this.#arrived(flight, reply),
      error => this.#ended(flight, (caller, kept) => this.#orStale(caller, kept) || caller.failed(error)),
    )
    return flight
  }

  #leave(flight: Flight, caller: CacheCaller, reason: unknown): void {
    if (!flight.waiting.delete(caller) || flight.waiting.size > 0 || (flight.answer?.tee.readers ?? 0) > 0) return
    this.#close(flight)
    flight.fetch.cancel(reason)
  }

  #close(flight: Flight): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key)
  }

  /** The flight is over; each who waits is told. */
  #ended(flight: Flight, tell: (caller: CacheCaller, kept: Kept<Stored> | undefined) => void): void {
    this.#close(flight)
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

  #arrived(flight: Flight, reply: MeshReply): void {
    const { body, status } = reply
    const bad = status >= 500
    if (body === undefined)
      return this.#ended(flight, (caller, kept) => (bad && this.#orStale(caller, kept)) || caller.told(reply, caller === flight.by))
    if (status >= 200 && status < 300 && !isPrivate(reply) && (body.length ?? 0) <= this.#settings.maxBytes)
      return this.#giveOut(flight, reply, body)
    if (bad) for (const [caller, kept] of [...flight.waiting]) if (this.#orStale(caller, kept)) flight.waiting.delete(caller)
    this.#handOver(flight, reply)
  }

  /** One of those who wait gets the answer itself, the first if he is still there; the others ask by themselves. */
  #handOver(flight: Flight, reply: MeshReply): void {
    const [first] = flight.waiting.keys()
    if (first === undefined) reply.body?.cancel()
    this.#ended(flight, caller => (caller === first ? caller.got(reply, flight.fetch) : caller.alone()))
  }

  /** It is kept while it comes, and read meanwhile. */
  #giveOut(flight: Flight, reply: MeshReply, body: BodySource): void {
    const { status, statusText } = reply
    const headers = reply.headers.slice()
    const at = this.#clock.now()
    this.#rename(flight, this.#stored.learn(flight.by, headers))
    const tee = new Tee(body, this.#settings.maxBytes, {
      whole: chunks => {
        const stored: Stored = { status, statusText, headers, chunks, at, age: ageSaid(headers) }
        this.#stored.keep(flight.key, stored)
        this.#ended(flight, caller => caller.given(stored, true))
      },
      notKept: () => this.#ended(flight, caller => caller.alone()),
      giveUp: () => {
        if (flight.waiting.size > 0) return false
        this.#close(flight)
        return true
      },
    })
    const fits = body.length !== undefined
    flight.answer = { reply, tee, fits }
    for (const caller of [...flight.waiting.keys()]) {
      const same = this.#stored.keyOf(caller) === flight.key
      if (same && !fits && tee.readers > 0) continue // it waits whether the answer fits
      flight.waiting.delete(caller)
      if (same) caller.reads(reply, tee, caller === flight.by)
      else caller.alone()
    }
    tee.start(flight.by.care)
  }

  /** The answer says that it depends on more than was asked for. */
  #rename(flight: Flight, key: string): void {
    if (key === flight.key) return
    const open = this.#flights.get(flight.key) === flight
    this.#close(flight)
    flight.key = key
    if (open && !this.#flights.has(key)) this.#flights.set(key, flight)
  }
}

const nothing = () => {}
