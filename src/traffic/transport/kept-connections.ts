/**
 * Which peers keep a connection after a response. HTTP/1.1 peers do, unless they say otherwise; but some close without a word, and a
 * request that is written before their FIN arrives is lost. So the first request that would follow another one on a connection to an
 * address waits a moment; once a peer was seen to keep one, its connections are used at once.
 */

/** ms within which the FIN of a peer that closes with its response arrives, also from a busy machine. */
export const CLOSE_WAIT_MS = 3

/** Addresses that are remembered. */
const MOST_ADDRESSES = 10_000

export class KeptConnections {
  readonly #addresses = new Set<string>()

  isKeptBy(address: string): boolean {
    return this.#addresses.has(address)
  }

  /** A peer has answered a second request, or closed where one was about to follow. */
  learn(address: string, kept: boolean): void {
    if (!kept) return void this.#addresses.delete(address)
    if (this.#addresses.size >= MOST_ADDRESSES) this.#addresses.clear()
    this.#addresses.add(address)
  }
}
