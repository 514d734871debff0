/**
 * Round robin, least request and random over the priorities and localities of a cluster: first the priority, then (by weight) the
 * locality, then the host. Every list has its own turn, as in Envoy, so that one that comes back goes on where it was.
 */
import { below, type Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'
import type { Level, LocalityHosts } from '../host-set.ts'
import { choosePriority, type Loads } from '../priority.ts'
import type { Balancer } from './balancer.ts'
import { Edf, MOST_PICKS } from './edf.ts'

/** Turns of one priority. */
interface Turns {
  level: Level
  readonly all: Balancer
  readonly healthy: Balancer
  readonly degraded: Balancer
  readonly healthyOf: Balancer[]
  readonly degradedOf: Balancer[]
  healthyLocality: Edf<number> | undefined
  degradedLocality: Edf<number> | undefined
}

export class ByTurn {
  readonly #make: () => Balancer
  readonly #byLocality: boolean
  readonly #seed: number
  readonly #turns: Turns[] = []
  /** Whether the last choice was made in panic. */
  panicked = false

  /** `byLocality`: localities share by their weights. */
  constructor(make: () => Balancer, byLocality: boolean, seed: number) {
    this.#make = make
    this.#byLocality = byLocality
    this.#seed = seed
  }

  once(levels: readonly Level[], loads: Loads, shares: Pick<Loads, 'healthy' | 'degraded'>, now: number, random: Random): Host | undefined {
    const at = shares.healthy[0] === 100 ? 0 : choosePriority(shares, below(random, 100))
    const priority = at < 0 ? ~at : at
    const turns = this.#of(priority, levels[priority]!, now)
    this.panicked = loads.panic[priority] === true
    if (this.panicked) return pick(turns.all, turns.level.hosts, now, random)
    const locality = at < 0 ? turns.degradedLocality : turns.healthyLocality
    if (locality === undefined)
      return at < 0 ? pick(turns.degraded, turns.level.degraded, now, random) : pick(turns.healthy, turns.level.healthy, now, random)
    const i = locality.next(now)
    const of = turns.level.localities[i]!
    const balancers = at < 0 ? turns.degradedOf : turns.healthyOf
    balancers[i] ??= this.#make()
    return pick(balancers[i], at < 0 ? of.degraded : of.healthy, now, random)
  }

  #of(priority: number, level: Level, now: number): Turns {
    let turns = this.#turns[priority]
    if (turns === undefined) {
      turns = {
        level,
        all: this.#make(),
        healthy: this.#make(),
        degraded: this.#make(),
        healthyOf: [],
        degradedOf: [],
        healthyLocality: this.#localities(level.localities, l => l.healthy, now),
        degradedLocality: this.#localities(level.localities, l => l.degraded, now),
      }
      this.#turns[priority] = turns
    } else if (turns.level !== level) {
      turns.level = level
      turns.healthyLocality = this.#localities(level.localities, l => l.healthy, now)
      turns.degradedLocality = this.#localities(level.localities, l => l.degraded, now)
    }
    return turns
  }

  /** Localities weigh what they are given, less what of them cannot be asked (and 40 % of overprovisioning make up for). */
  #localities(localities: readonly LocalityHosts[], usable: (l: LocalityHosts) => readonly Host[], now: number): Edf<number> | undefined {
    if (!this.#byLocality) return undefined
    const weights = localities.map(l => l.weight * Math.min(1, (1.4 * usable(l).length) / l.hosts.length))
    const some = weights.flatMap((weight, i) => (weight > 0 ? [i] : []))
    return some.length === 0 ? undefined : new Edf(some, i => weights[i]!, this.#seed % MOST_PICKS, now)
  }
}

function pick(balancer: Balancer, hosts: readonly Host[], now: number, random: Random): Host | undefined {
  return hosts.length === 0 ? undefined : balancer.pick(hosts, now, random)
}
