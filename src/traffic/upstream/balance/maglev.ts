/** Consistent hashing by Maglev's table, equal to Envoy's maglev_lb bit for bit. */
import { xxhash64 } from '../../../base/formats/xxhash64.ts'
import type { Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'
import { type Balancer, randomHash } from './balancer.ts'

const WIDE = (1n << 64n) - 1n

export class Maglev implements Balancer {
  readonly #size: number
  #list: readonly Host[] | undefined
  #table: Host[] = []

  constructor(tableSize = 65_537) {
    this.#size = tableSize
  }

  pick(hosts: readonly Host[], random: Random, hash: bigint | undefined, attempt: number): Host {
    if (hosts !== this.#list) this.#build(hosts)
    let wanted = hash ?? randomHash(random)
    if (attempt > 1) wanted ^= (WIDE - BigInt(attempt - 1) + 1n) & WIDE
    return this.#table[Number(wanted % BigInt(this.#size))]!
  }

  #build(hosts: readonly Host[]): void {
    this.#list = hosts
    const size = this.#size
    const wide = BigInt(size)
    const sum = hosts.reduce((total, host) => total + host.weight, 0)
    const heaviest = Math.max(...hosts.map(host => host.weight / sum))
    const entries = [...hosts]
      .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0))
      .map(host => ({
        host,
        weight: host.weight / sum,
        offset: Number(xxhash64(host.address) % wide),
        skip: Number((xxhash64(host.address, 1n) % (wide - 1n)) + 1n),
        next: 0,
        target: 0,
      }))
    const table: Host[] = new Array(size)
    let filled = 0
    for (let iteration = 1; filled < size; iteration++)
      for (const entry of entries) {
        if (filled >= size) break
        if (iteration * entry.weight < entry.target) continue
        entry.target += heaviest
        let slot = (entry.offset + entry.skip * entry.next) % size
        while (table[slot] !== undefined) slot = (entry.offset + entry.skip * ++entry.next) % size
        table[slot] = entry.host
        entry.next++
        filled++
      }
    this.#table = table
  }
}
