/** One way of choosing among the hosts of a list. */
import type { Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'

export interface Balancer {
  /** One of `hosts` (never empty). The same list object comes again until something changed; nothing is allocated for it then. */
  pick(hosts: readonly Host[], now: number, random: Random): Host
}

/** One way of choosing by a hash. It is built for one list of hosts. */
export interface HashTable {
  /** `skip`: how many answers for this hash the caller did not want. */
  lookup(hash: bigint, skip: number): Host | undefined
}

/** A hash for a request that has none. */
export function randomHash(random: Random): bigint {
  return (BigInt(Math.floor(random() * 4_294_967_296)) << 32n) | BigInt(Math.floor(random() * 4_294_967_296))
}

/** A host with its share of all (together 1). */
export interface WeightedHost {
  readonly host: Host
  readonly weight: number
}
