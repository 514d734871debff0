/**
 * A host that has just come gets little at first: its weight grows with the time it has been there, until the window has passed.
 * Envoy's slow start, Istio's warmup.
 */
import type { Host } from '../host.ts'

export interface SlowStartSettings {
  /** ms. */
  readonly window: number
  /** 1: linear; more: faster at first. */
  readonly aggression: number
  /** Never less than this share of the weight, 0 to 1. */
  readonly least: number
}

export class SlowStart {
  readonly #settings: SlowStartSettings
  #latest: number

  constructor(settings: SlowStartSettings, now: number) {
    this.#settings = settings
    this.#latest = now
  }

  /** The hosts there are now. */
  hosts(hosts: readonly Host[]): void {
    for (const { healthy, healthySince } of hosts) if (healthy && healthySince! > this.#latest) this.#latest = healthySince!
  }

  /** Whether anybody may still be warming up. */
  active(now: number): boolean {
    return Math.floor(now - this.#latest) <= this.#settings.window
  }

  /** What of its weight a host has now, 0 to 1. */
  factor({ healthy, healthySince }: Pick<Host, 'healthy' | 'healthySince'>, now: number): number {
    const { window, aggression, least } = this.#settings
    if (!healthy || healthySince === undefined) return 1
    const there = Math.floor(now - healthySince)
    if (there >= window) return 1
    const share = Math.max(1, there) / window
    return Math.max(aggression === 1 ? share : share ** (1 / aggression), least)
  }
}
