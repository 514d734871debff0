/** By chance, all alike; weights are ignored, as in Envoy. */
import { below, type Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'
import type { Balancer } from './balancer.ts'

export const randomBalancer: Balancer = {
  pick: (hosts: readonly Host[], _now: number, random: Random) => hosts[below(random, hosts.length)]!,
}
