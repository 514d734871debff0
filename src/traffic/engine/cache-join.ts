/** A request at its cluster's cache: what it asks for there, and what becomes of it with an answer that is kept, joined or its own. */
import { getHeader, setHeader } from '../../base/formats/headers.ts'
import type { BodyCare } from '../../core/body.ts'
import type { BodySource } from '../../core/transport.ts'
import type { Asked } from './asked.ts'
import { BytesBody } from './bytes-body.ts'
import type { MeshReply } from './exchange.ts'
import type { Fallback } from './guard.ts'
import { type LocalReply, REPLIES } from './local-reply.ts'
import type { CacheCaller, Fetch, ResponseCache } from './response-cache.ts'
import type { Stored } from './stored.ts'
import type { Tee } from './tee.ts'

/** The request in front of the cache. */
export interface InFront extends Asked {
  /** What stands behind the cache. */
  inside(): void
  /** The same request from here on, for all who want the answer. */
  behind(resolve: (reply: MeshReply) => void, reject: (error: unknown) => void): Fetch
  /** What its destination has for a failure. */
  readonly fallback: Fallback | undefined
  /** `otherwise`: what is said when the fallback fails as well; `drop`: lets go of what is held until then. */
  fallBack(fallback: Fallback, otherwise: () => void, drop?: () => void): void
  /** Gives the answer with a body that ends for this caller alone; `ended` is called then. */
  reads(reply: MeshReply, read: (ended: () => void) => BodySource): void
  local(reply: LocalReply): void
  finish(status: number, headers: string[], text: string): void
}

export class CacheJoin implements CacheCaller {
  readonly method: string
  readonly identity: string
  readonly #front: InFront
  readonly #cache: ResponseCache

  /** `varying`: what else than its headers the answer depends on. */
  constructor(front: InFront, cache: ResponseCache, varying: string) {
    const { method, scheme, authority, path } = front.request
    this.method = method
    this.identity = `${scheme}://${authority}${path} ${front.outcome.cluster}${varying}`
    this.#front = front
    this.#cache = cache
  }

  get care(): BodyCare {
    return this.#front.engine
  }

  header(name: string): string | undefined {
    return getHeader(this.#front.request.headers, name)
  }

  fetch(resolve: (reply: MeshReply) => void, reject: (error: unknown) => void): Fetch {
    return this.#front.behind(resolve, reject)
  }

  given(stored: Stored, joined: boolean): void {
    const { outcome, over } = this.#front
    const { status, statusText } = stored
    const headers = stored.headers.slice()
    if (!joined) setHeader(headers, 'age', String(this.#cache.age(stored)))
    outcome.details = joined ? 'meshless_coalesced' : 'meshless_cache_hit'
    over || this.#deliver({ status, statusText, headers, body: new BytesBody(stored.chunks), text: undefined, outcome })
  }

  reads(reply: MeshReply, tee: Tee, first: boolean): void {
    const front = this.#front
    if (front.over) return
    if (first) front.outcome = reply.outcome
    else front.outcome.details = 'meshless_coalesced'
    front.reads(reply, ended => tee.reading(ended))
  }

  notKept(): void {
    this.#front.local(REPLIES.not_kept)
  }

  got(reply: MeshReply, fetch: Fetch): void {
    const front = this.#front
    const deliver = () => {
      fetch.follow(front.request.signal)
      this.#deliver(reply)
    }
    if (reply.status < 500 || front.fallback === undefined) return deliver()
    front.flag(reply.outcome.flags)
    front.outcome.attempts = reply.outcome.attempts
    front.fallBack(front.fallback, deliver, () => reply.body?.cancel())
  }

  told(reply: MeshReply, first: boolean): void {
    const front = this.#front
    const { outcome } = front
    const { flags, details, error, endpoint, attempts, cluster } = reply.outcome
    front.flag(flags)
    Object.assign(outcome, { error, endpoint, cluster, attempts: first ? attempts : 0 })
    const finish = () => {
      outcome.details = details
      front.finish(reply.status, reply.headers.slice(), reply.text ?? '')
    }
    if (reply.status < 500 || front.fallback === undefined) finish()
    else front.fallBack(front.fallback, finish)
  }

  alone(): void {
    this.#front.inside()
  }

  failed(error: unknown): void {
    this.#front.fail(error)
  }

  #deliver(reply: MeshReply): void {
    const front = this.#front
    front.headersAreHere()
    front.end()
    front.give(reply)
  }
}
