/** Who of a cluster's endpoints gets the next try: the priority first, then one of its hosts; panic and tried hosts included. */
import { below, type Random } from '../../base/time/random.ts'
import type { Cluster } from '../../envoy/index.ts'
import type { Balancer } from './balance/balancer.ts'
import { LeastRequest } from './balance/least-request.ts'
import { Maglev } from './balance/maglev.ts'
import { randomBalancer } from './balance/random.ts'
import { RingHash } from './balance/ring-hash.ts'
import { RoundRobin } from './balance/round-robin.ts'
import type { Host } from './host.ts'
import type { HostSet } from './host-set.ts'
import { choosePriority, type Loads, priorityLoads } from './priority.ts'

/** Picks beyond the first that a retry may take to find a host not yet tried. */
const HOST_SELECTION_RETRIES = 5

export class LoadBalancer {
  /** Choices made in panic, and choices asked of an empty cluster. */
  panics = 0
  readonly #hosts: HostSet
  readonly #random: Random
  #threshold: number
  #make: () => Balancer
  #balancers: Balancer[] = []
  #loads: Loads = { load: [], panic: [] }
  #version = -1

  constructor(hosts: HostSet, cluster: Cluster, random: Random) {
    this.#hosts = hosts
    this.#random = random
    this.#threshold = thresholdOf(cluster)
    this.#make = makerOf(cluster, random)
  }

  /** New settings; positions are kept when the policy is the same. */
  update(before: Cluster, now: Cluster): void {
    this.#threshold = thresholdOf(now)
    const shape = (c: Cluster) => JSON.stringify([c.lbPolicy, c.ringHashLbConfig, c.maglevLbConfig, c.leastRequestLbConfig])
    if (shape(before) !== shape(now)) {
      this.#make = makerOf(now, this.#random)
      this.#balancers = []
    }
    this.#version = -1
  }

  /** A host, or nobody. `tried`: hosts that a retry would rather not meet again. */
  choose(hash: bigint | undefined, attempt: number, tried: readonly Host[] | undefined): Host | undefined {
    let host = this.#once(hash, attempt)
    if (tried !== undefined && tried.length > 0)
      for (let i = 0; i < HOST_SELECTION_RETRIES && host !== undefined && tried.includes(host); i++)
        host = this.#once(hash, attempt + i + 1)
    return host
  }

  #once(hash: bigint | undefined, attempt: number): Host | undefined {
    const set = this.#hosts
    if (this.#version !== set.version) {
      this.#version = set.version
      this.#loads = priorityLoads(set.levels, this.#threshold)
      while (this.#balancers.length < set.levels.length) this.#balancers.push(this.#make())
    }
    if (set.all.length === 0) {
      this.panics++
      return undefined
    }
    const at =
      set.levels.length === 1 ? 0 : choosePriority(this.#loads, hash === undefined ? below(this.#random, 100) : Number(hash % 100n))
    const level = set.levels[at]!
    let hosts = level.healthy
    if (this.#loads.panic[at]) {
      this.panics++
      hosts = level.hosts
    }
    return hosts.length === 0 ? undefined : this.#balancers[at]!.pick(hosts, this.#random, hash, attempt)
  }
}

const thresholdOf = (cluster: Cluster): number => {
  const set = cluster.commonLbConfig?.healthyPanicThreshold
  return set === undefined ? 50 : (set.value ?? 0)
}

function makerOf(cluster: Cluster, random: Random): () => Balancer {
  switch (cluster.lbPolicy) {
    case 'RANDOM':
    case 'CLUSTER_PROVIDED':
      return () => randomBalancer
    case 'LEAST_REQUEST':
      return () => new LeastRequest(random, cluster.leastRequestLbConfig?.choiceCount ?? 2)
    case 'RING_HASH':
      return () => new RingHash(cluster.ringHashLbConfig?.minimumRingSize ?? 1024)
    case 'MAGLEV':
      return () => new Maglev(cluster.maglevLbConfig?.tableSize ?? 65_537)
    default:
      return () => new RoundRobin(random)
  }
}
