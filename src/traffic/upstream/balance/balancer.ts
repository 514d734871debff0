/** One way of choosing among the hosts of a list. It is told when lists change, and allocates nothing while choosing. */
import type { Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'

export interface Balancer {
  /** One of `hosts` (never empty). The same list object comes again until something changed. */
  pick(hosts: readonly Host[], random: Random, hash: bigint | undefined, attempt: number): Host
}

/** A hash for a request that has none. */
export function randomHash(random: Random): bigint {
  return (BigInt(Math.floor(random() * 4_294_967_296)) << 32n) | BigInt(Math.floor(random() * 4_294_967_296))
}
