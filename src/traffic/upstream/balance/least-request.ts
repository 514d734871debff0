/** The less busy of two chosen by chance; by weight and load when weights differ. */
import { below, type Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'
import type { Balancer } from './balancer.ts'
import type { SlowStart } from './slow-start.ts'
import { Schedule } from './weights.ts'

export interface LeastRequestSettings {
  /** Hosts looked at when all weigh the same. Default 2. */
  readonly choices?: number
  /** How much running requests lessen a weight: weight / (active + 1) ^ bias. Default 1. */
  readonly bias?: number
}

export class LeastRequest implements Balancer {
  readonly #choices: number
  readonly #schedule: Schedule

  constructor(seed: number, { choices = 2, bias = 1 }: LeastRequestSettings = {}, slowStart?: SlowStart) {
    this.#choices = choices
    const exponent = bias >= 0 ? bias : 1 // also when it is no number
    this.#schedule = new Schedule(host => host.weight / (exponent === 1 ? host.active + 1 : (host.active + 1) ** exponent), slowStart, seed)
  }

  pick(hosts: readonly Host[], now: number, random: Random): Host {
    const next = this.#schedule.next(hosts, now)
    if (next !== undefined) return next
    let best = hosts[below(random, hosts.length)]!
    for (let i = 1; i < this.#choices; i++) {
      const other = hosts[below(random, hosts.length)]!
      if (other.active < best.active) best = other
    }
    return best
  }
}
