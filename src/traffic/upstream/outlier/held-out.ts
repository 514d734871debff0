/** Hosts taken out by hand: whatever a detector thinks of them, and whether there is one, they stay out until their time or until somebody takes them back. */

export class HeldOut<K> {
  readonly #until = new Map<K, number>()

  /** `until`: ms of the clock; `Infinity`: until `release`. Holding again sets the new time. */
  hold(host: K, until: number): void {
    this.#until.set(host, until)
  }

  /** False: it was not held. */
  release(host: K): boolean {
    return this.#until.delete(host)
  }

  /** Until when; `undefined`: it is not held. */
  until(host: K): number | undefined {
    return this.#until.get(host)
  }

  /** The next time at which somebody comes back; `Infinity`: nobody does by himself. */
  get next(): number {
    let next = Infinity
    for (const until of this.#until.values()) next = Math.min(next, until)
    return next
  }

  /** Those whose time is over; they are held no longer. */
  due(now: number): K[] {
    const back: K[] = []
    for (const [host, until] of this.#until) {
      if (until > now) continue
      this.#until.delete(host)
      back.push(host)
    }
    return back
  }
}
