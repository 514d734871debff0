/** Consistent hashing over the priorities of a cluster: a table for each, built when it is first asked, kept until its hosts change. */
import type { Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'
import type { Level } from '../host-set.ts'
import { choosePriority, type Loads } from '../priority.ts'
import { type HashTable, randomHash, type WeightedHost } from './balancer.ts'

export type MakeTable = (hosts: readonly WeightedHost[]) => HashTable

export class ByHash {
  readonly #make: MakeTable
  readonly #byLocality: boolean
  /** Whether the last choice was made in panic. */
  panicked = false
  #built: { hosts: readonly Host[]; table: HashTable }[] = []

  /** `byLocality`: shares follow the weights of localities first. */
  constructor(make: MakeTable, byLocality: boolean) {
    this.#make = make
    this.#byLocality = byLocality
  }

  /** The host of a hash; up to `most` more are looked at while the caller has tried them already. */
  choose(
    levels: readonly Level[],
    loads: Loads,
    hash: bigint | undefined,
    random: Random,
    tried: readonly Host[] | undefined,
    most: number,
  ): Host | undefined {
    const wanted = hash ?? randomHash(random)
    const at = loads.healthy[0] === 100 ? 0 : choosePriority(loads, Number(wanted % 100n))
    // Degraded hosts are never on a ring: who is sent to them finds the healthy ones of that priority, or nobody.
    const priority = at < 0 ? ~at : at
    const level = levels[priority]
    this.panicked = loads.panic[priority] === true
    if (level === undefined) return undefined
    const table = this.#table(priority, level, this.panicked)
    let host = table.lookup(wanted, 0)
    for (let skip = 1; skip <= most && host !== undefined && tried?.includes(host); skip++) host = table.lookup(wanted, skip)
    return host
  }

  #table(priority: number, level: Level, panic: boolean): HashTable {
    const hosts = panic ? level.hosts : level.healthy
    const known = this.#built[priority]
    if (known?.hosts === hosts) return known.table
    const table = this.#make(this.#byLocality ? sharesByLocality(level, panic) : shares(hosts, 1))
    this.#built[priority] = { hosts, table }
    return table
  }
}

function shares(hosts: readonly Host[], of: number): WeightedHost[] {
  const sum = hosts.reduce((total, host) => total + host.weight, 0)
  return hosts.map(host => ({ host, weight: (host.weight * of) / sum }))
}

function sharesByLocality({ localities }: Level, panic: boolean): WeightedHost[] {
  const sum = localities.reduce((total, { weight }) => total + weight, 0)
  return localities.flatMap(l => (l.weight === 0 ? [] : shares(panic ? l.hosts : l.healthy, l.weight / sum)))
}
