/** Consistent hashing by Maglev's table, equal to Envoy's maglev_lb bit for bit. */
import { xxhash64 } from '../../../base/formats/xxhash64.ts'
import type { Host } from '../host.ts'
import type { HashTable, WeightedHost } from './balancer.ts'

const WIDE = (1n << 64n) - 1n

export class Maglev implements HashTable {
  readonly #wide: bigint
  readonly #table: readonly Host[]

  constructor(hosts: readonly WeightedHost[], size = 65_537) {
    const wide = BigInt(size)
    this.#wide = wide
    const heaviest = hosts.reduce((max, { weight }) => Math.max(max, weight), 0)
    const entries = [...hosts]
      .sort((a, b) => (a.host.address < b.host.address ? -1 : a.host.address > b.host.address ? 1 : 0))
      .map(({ host, weight }) => ({
        host,
        weight,
        offset: Number(xxhash64(host.address) % wide),
        skip: size > 1 ? Number((xxhash64(host.address, 1n) % (wide - 1n)) + 1n) : 1,
        next: 0,
        target: 0,
      }))
    const table: Host[] = new Array(entries.length === 0 ? 0 : size)
    let filled = 0
    for (let iteration = 1; filled < table.length; iteration++)
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

  lookup(hash: bigint, skip: number): Host | undefined {
    const wanted = skip === 0 ? hash : hash ^ ((WIDE - BigInt(skip) + 1n) & WIDE)
    return this.#table[Number(wanted % this.#wide)]
  }
}
