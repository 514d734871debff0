/** In turns; by weight when weights differ. The start is random, so that many clients do not begin at the same host. */
import { below, type Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'
import type { Balancer } from './balancer.ts'
import { Edf } from './edf.ts'

/** Envoy bounds the turns it pretends to have taken. */
const MOST_PICKS = 429_496_729

export class RoundRobin implements Balancer {
  readonly #seed: number
  #index: number
  #list: readonly Host[] | undefined
  #ordered: readonly Host[] = []
  #edf: Edf | undefined

  constructor(random: Random) {
    this.#seed = below(random, 4_294_967_296)
    this.#index = this.#seed
  }

  pick(hosts: readonly Host[]): Host {
    if (hosts !== this.#list) {
      this.#list = hosts
      this.#ordered = byLocality(hosts)
      this.#edf = equalWeights(hosts) ? undefined : new Edf(this.#ordered, h => h.weight, this.#seed % MOST_PICKS)
    }
    return this.#edf === undefined ? this.#ordered[this.#index++ % this.#ordered.length]! : this.#edf.next()
  }
}

export function equalWeights(hosts: readonly Host[]): boolean {
  return hosts.every(h => h.weight === hosts[0]!.weight)
}

/** Hosts grouped by locality, each group at the place of its first member, as Envoy's host lists have them. */
function byLocality(hosts: readonly Host[]): readonly Host[] {
  const groups = new Map<string, Host[]>()
  for (const host of hosts) {
    const { region = '', zone = '', subZone = '' } = host.locality ?? {}
    const key = `${region}/${zone}/${subZone}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [host])
    else group.push(host)
  }
  return [...groups.values()].flat()
}
