/**
 * Finds HTTP/2 connections that are dead without anybody saying so. After a peer's violation of the protocol node:http2 stops reading and
 * reports nothing, not even the close of the socket; the same holds for a peer that vanished. Requests on such a connection would wait
 * for ever, and so would every later one.
 */
import type { Clock, Timer } from '../../base/time/clock.ts'

/** ms without a byte from the peer, while a request waits, after which it is pinged. */
const QUIET = 15_000
/** The same after a ping that was answered: peers that guard against floods of pings take one in five minutes (gRPC's servers). */
const STILL_QUIET = 300_000
/** ms that a ping may take. */
const PING = 15_000

/** What is watched. */
export interface Pinged {
  /** Whether a request waits for something. */
  readonly waits: boolean
  /** Bytes received so far. */
  readonly received: number
  ping(answered: () => void): void
  /** It does not answer. */
  dead(error: Error): void
}

export class Liveness {
  readonly #of: Pinged
  readonly #clock: Clock
  #timer: Timer | undefined
  #received = -1

  constructor(of: Pinged, clock: Clock) {
    this.#of = of
    this.#clock = clock
  }

  /** A request was sent. One timer for all: it looks now and then, none is set per request. */
  watch(): void {
    this.#timer ??= this.#clock.schedule(QUIET, () => this.#look())
  }

  #look(): void {
    this.#timer = undefined
    const { waits, received } = this.#of
    if (!waits) return
    if (received !== this.#received) {
      this.#received = received
      return this.watch()
    }
    this.#timer = this.#clock.schedule(PING, () => {
      const error = new Error(`the peer sent nothing for ${QUIET} ms and did not answer a ping within ${PING} ms`)
      this.#of.dead(Object.assign(error, { code: 'UND_ERR_SOCKET' }))
    })
    this.#of.ping(() => {
      if (this.#timer === undefined) return
      this.#timer.cancel()
      this.#received = this.#of.received
      this.#timer = this.#clock.schedule(STILL_QUIET, () => this.#look())
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
