/**
 * Which priorities a retry goes to: those that were tried are left out, after every so many tries, until none is left and all may be
 * tried again. Envoy's previous_priorities, which Istio's retryRemoteLocalities asks for. One object per request that retries.
 */
import type { Host } from './host.ts'
import { type Loads, share } from './priority.ts'

export class RetryPriorities {
  readonly #every: number
  #tried: Host[] = []
  #excluded: boolean[] = []
  #loads: Pick<Loads, 'healthy' | 'degraded'> | undefined

  /** `every`: tries between two looks. */
  constructor(every: number) {
    this.#every = Math.max(1, every)
  }

  /** A host was asked. */
  attempted(host: Host): void {
    this.#tried.push(host)
  }

  /** The loads for the next choice. */
  loads(all: Loads): Pick<Loads, 'healthy' | 'degraded'> {
    const tries = this.#tried.length
    if (tries < this.#every) return all
    if (tries % this.#every === 0) {
      for (const host of this.#tried) this.#excluded[host.priority] = true
      if (!this.#adjust(all)) return all
    }
    return this.#loads ?? all
  }

  /** False: nobody anywhere could be asked. */
  #adjust(all: Loads): boolean {
    const left = (health: readonly number[]) => health.map((h, i) => (this.#excluded[i] ? 0 : h))
    const total = (a: readonly number[], b: readonly number[]) =>
      Math.min(
        100,
        [...a, ...b].reduce((x, y) => x + y, 0),
      )
    let health = left(all.health)
    let degraded = left(all.degradedHealth)
    let available = total(health, degraded)
    if (available === 0) {
      this.#excluded = []
      this.#tried = []
      health = left(all.health)
      degraded = left(all.degradedHealth)
      available = total(health, degraded)
    }
    if (available === 0) return false
    this.#loads = share(health, degraded, available)
    return true
  }
}
