/** The less busy of two chosen by chance; by weight and load when weights differ. */
import { below, type Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'
import type { Balancer } from './balancer.ts'
import { Edf } from './edf.ts'
import { equalWeights } from './round-robin.ts'

export class LeastRequest implements Balancer {
  readonly #choices: number
  readonly #seed: number
  #list: readonly Host[] | undefined
  #edf: Edf | undefined

  constructor(random: Random, choices = 2) {
    this.#choices = choices
    this.#seed = below(random, 429_496_729)
  }

  pick(hosts: readonly Host[], random: Random): Host {
    if (hosts !== this.#list) {
      this.#list = hosts
      this.#edf = equalWeights(hosts) ? undefined : new Edf(hosts, h => h.weight / (h.active + 1), this.#seed)
    }
    if (this.#edf !== undefined) return this.#edf.next()
    let best = hosts[below(random, hosts.length)]!
    for (let i = 1; i < this.#choices; i++) {
      const other = hosts[below(random, hosts.length)]!
      if (other.active < best.active) best = other
    }
    return best
  }
}
