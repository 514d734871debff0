/** Consistent hashing on a ring, equal to Envoy's ring_hash_lb bit for bit: the same key goes to the same host, here and there. */
import { xxhash64 } from '../../../base/formats/xxhash64.ts'
import type { Host } from '../host.ts'
import type { HashTable, WeightedHost } from './balancer.ts'

const LARGEST = 8_388_608

export class RingHash implements HashTable {
  readonly #hashes: BigUint64Array
  readonly #hosts: readonly Host[]

  constructor(hosts: readonly WeightedHost[], smallest = 1024, largest = LARGEST) {
    const least = hosts.reduce((min, { weight }) => Math.min(min, weight), 1)
    const scale = Math.min(Math.ceil(least * smallest) / least, largest)
    const ring: { hash: bigint; host: Host }[] = []
    let current = 0
    let target = 0
    for (const { host, weight } of hosts) {
      target += scale * weight
      for (let n = 0; current < target; n++, current++) ring.push({ hash: xxhash64(`${host.address}_${n}`), host })
    }
    ring.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0))
    this.#hashes = BigUint64Array.from(ring, entry => entry.hash)
    this.#hosts = ring.map(entry => entry.host)
  }

  /** The first on the ring at or after the hash; each one not wanted moves one place on. */
  lookup(hash: bigint, skip: number): Host | undefined {
    const hashes = this.#hashes
    let low = 0
    let high = hashes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (hashes[middle]! < hash) low = middle + 1
      else high = middle
    }
    return this.#hosts[((low === hashes.length ? 0 : low) + skip) % hashes.length]
  }
}
