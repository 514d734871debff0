/** In turns; by weight when weights differ. The start is random, so that many clients do not begin at the same host. */
import type { Host } from '../host.ts'
import type { Balancer } from './balancer.ts'
import type { SlowStart } from './slow-start.ts'
import { Schedule } from './weights.ts'

export class RoundRobin implements Balancer {
  readonly #schedule: Schedule
  #index: number

  constructor(seed: number, slowStart?: SlowStart) {
    this.#index = seed
    this.#schedule = new Schedule(host => host.weight, slowStart, seed)
  }

  pick(hosts: readonly Host[], now: number): Host {
    return this.#schedule.next(hosts, now) ?? hosts[this.#index++ % hosts.length]!
  }
}
