/** Consistent hashing on a ring, equal to Envoy's ring_hash_lb bit for bit: the same key goes to the same host, here and there. */
import { xxhash64 } from '../../../base/formats/xxhash64.ts'
import type { Random } from '../../../base/time/random.ts'
import type { Host } from '../host.ts'
import { type Balancer, randomHash } from './balancer.ts'

const LARGEST = 8_388_608

export class RingHash implements Balancer {
  readonly #smallest: number
  #list: readonly Host[] | undefined
  #hashes = new BigUint64Array(0)
  #hosts: Host[] = []

  constructor(minimumRingSize = 1024) {
    this.#smallest = minimumRingSize
  }

  pick(hosts: readonly Host[], random: Random, hash: bigint | undefined, attempt: number): Host {
    if (hosts !== this.#list) this.#build(hosts)
    const wanted = hash ?? randomHash(random)
    const hashes = this.#hashes
    let low = 0
    let high = hashes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (hashes[middle]! < wanted) low = middle + 1
      else high = middle
    }
    const at = low === hashes.length ? 0 : low
    return this.#hosts[(at + attempt - 1) % hashes.length]!
  }

  #build(hosts: readonly Host[]): void {
    this.#list = hosts
    const sum = hosts.reduce((total, host) => total + host.weight, 0)
    const weights = hosts.map(host => host.weight / sum)
    const least = Math.min(...weights)
    const scale = Math.min(Math.ceil(least * this.#smallest) / least, LARGEST)
    const ring: { hash: bigint; host: Host }[] = []
    let current = 0
    let target = 0
    hosts.forEach((host, i) => {
      target += scale * weights[i]!
      for (let n = 0; current < target; n++, current++) ring.push({ hash: xxhash64(`${host.address}_${n}`), host })
    })
    ring.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0))
    this.#hashes = BigUint64Array.from(ring, entry => entry.hash)
    this.#hosts = ring.map(entry => entry.host)
  }
}
