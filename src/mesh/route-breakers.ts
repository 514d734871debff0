/** The circuit breakers of routes (`scope: route`), each shared by the clusters that its route leads to. One that no rule names is kept for the grace. */
import type { Clock } from '../base/time/clock.ts'
import type { WireResponse } from '../core/transport.ts'
import type { CircuitBreaker } from '../policies/circuit-breaker/index.ts'
import { GRACE } from './cluster-states.ts'

type Breaker = CircuitBreaker<WireResponse>

export class RouteBreakers {
  readonly #clock: Clock
  readonly #known = new Map<string, { readonly breaker: Breaker; named: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(key: string): Breaker | undefined {
    return this.#known.get(key)?.breaker
  }

  set(key: string, breaker: Breaker): void {
    this.#known.set(key, { breaker, named: this.#clock.now() })
  }

  /** New rules are in force, and these are the keys in them. */
  keep(keys: ReadonlySet<string>): void {
    const now = this.#clock.now()
    for (const [key, entry] of this.#known)
      if (keys.has(key)) entry.named = now
      else if (now - entry.named >= GRACE) this.#known.delete(key)
  }
}
