/**
 * Connections for code that brings its own client: each is a place for one call, ready at once. So the pool that counts and queues for
 * real connections counts and queues for code as well.
 */
import type {
  Connection,
  ConnectionListener,
  ConnectTarget,
  ResetReason,
  Stream,
  StreamListener,
  Transport,
  WireRequest,
} from '../../../core/transport.ts'
import type { HostPool } from './host-pool.ts'
import type { Lease } from './member.ts'
import type { PoolListener, PoolTicket } from './waiter.ts'

export const PLACE: ConnectTarget = { address: '', protocol: 'http1', connectTimeout: Infinity }

export class Places implements Transport {
  #fresh: { place: Place; listener: ConnectionListener }[] = []

  connect(_target: ConnectTarget, listener: ConnectionListener): Connection {
    const place = new Place(listener)
    this.#fresh.push({ place, listener })
    return place
  }

  /** Those asked for are ready. After everything that may ask for one. */
  open(): void {
    for (let next = this.#fresh.shift(); next !== undefined; next = this.#fresh.shift()) next.listener.connected(next.place)
  }
}

class Place implements Connection, Stream {
  readonly concurrency = 1
  readonly #listener: ConnectionListener

  constructor(listener: ConnectionListener) {
    this.#listener = listener
  }

  send(): Stream {
    return this
  }

  /** The call in it is over, and the place is given up: an idle one would count as a call. */
  cancel(): void {
    this.#listener.closed(this)
  }

  drain(): void {
    this.#listener.closed(this)
  }

  destroy(): void {
    this.#listener.closed(this)
  }
}

const REQUEST = {} as WireRequest
const NOBODY: StreamListener = { response() {}, reset() {}, complete() {} }

/** A call's way through a pool: it has a place, waits for one, or was refused. */
export class Stay implements PoolListener {
  readonly #places: Places
  #stream: Stream | undefined
  #ticket: PoolTicket | undefined
  #resolve: (() => void) | undefined
  #reject: ((error: unknown) => void) | undefined
  #unlisten: (() => void) | undefined
  /** Why it was refused. */
  refusal: Error | undefined

  constructor(pool: HostPool, places: Places) {
    this.#places = places
    this.#ticket = pool.acquire(this)
    places.open()
  }

  get granted(): boolean {
    return this.#stream !== undefined
  }

  /** Resolves when it has a place; rejects with the reason of an abort. */
  wait(onAbort: (listener: (reason: unknown) => void) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#unlisten = onAbort(reason => {
        if (this.#stream !== undefined) return
        this.#ticket?.cancel()
        this.#settle(() => reject(reason))
      })
    })
  }

  ready(lease: Lease): void {
    this.#stream = lease.send(REQUEST, NOBODY)
    this.#settle(this.#resolve)
  }

  rejected(_reason: ResetReason, error: Error): void {
    this.refusal = error
    const reject = this.#reject
    this.#settle(reject && (() => reject(error)))
  }

  #settle(how: (() => void) | undefined): void {
    this.#unlisten?.()
    this.#resolve = this.#reject = this.#unlisten = undefined
    how?.()
  }

  /** The call is over. */
  leave(): void {
    const stream = this.#stream
    if (stream === undefined) return
    this.#stream = undefined
    stream.cancel()
    this.#places.open()
  }
}
