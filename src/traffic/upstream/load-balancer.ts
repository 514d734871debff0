/** Who of a cluster's endpoints gets the next try: panic, retries and hosts already tried included. */
import { below, type Random } from '../../base/time/random.ts'
import type { Cluster } from '../../envoy/index.ts'
import { ByHash } from './balance/by-hash.ts'
import type { ByTurn } from './balance/by-turn.ts'
import { balancing, shapeOf } from './balance/settings.ts'
import type { SlowStart } from './balance/slow-start.ts'
import type { Host } from './host.ts'
import type { HostSet } from './host-set.ts'
import { type Loads, priorityLoads } from './priority.ts'
import type { RetryPriorities } from './retry-priorities.ts'

/** Picks beyond the first that a retry may take to find a host not yet tried. */
const HOST_SELECTION_RETRIES = 5

export class LoadBalancer {
  /** Choices made in panic, and choices asked of an empty cluster. */
  panics = 0
  readonly #hosts: HostSet
  readonly #random: Random
  readonly #seed: number
  #threshold: number
  #strategy: ByTurn | ByHash
  #slowStart: SlowStart | undefined
  #loads: Loads = priorityLoads([], 0)
  #version = -1

  constructor(hosts: HostSet, cluster: Cluster, random: Random, now: number) {
    this.#hosts = hosts
    this.#random = random
    this.#seed = below(random, 4_294_967_296)
    this.#threshold = thresholdOf(cluster)
    const { strategy, slowStart } = balancing(cluster, this.#seed, now)
    this.#strategy = strategy
    this.#slowStart = slowStart
  }

  get hashes(): boolean {
    return this.#strategy instanceof ByHash
  }

  /** New settings; positions are kept when the policy is the same. */
  update(before: Cluster, cluster: Cluster, now: number): void {
    this.#threshold = thresholdOf(cluster)
    if (shapeOf(before) !== shapeOf(cluster)) {
      const { strategy, slowStart } = balancing(cluster, this.#seed, now)
      this.#strategy = strategy
      this.#slowStart = slowStart
    }
    this.#version = -1
  }

  /** A host, or nobody. `tried`: hosts that a retry would rather not meet again; `retry`: which priorities it shall leave out. */
  choose(now: number, hash?: bigint, tried?: readonly Host[], retry?: RetryPriorities): Host | undefined {
    const { levels, all, version } = this.#hosts
    if (this.#version !== version) {
      this.#version = version
      this.#loads = priorityLoads(levels, this.#threshold)
      this.#slowStart?.hosts(all)
    }
    if (all.length === 0) {
      this.panics++
      return undefined
    }
    const strategy = this.#strategy
    if (strategy instanceof ByHash) {
      const host = strategy.choose(levels, this.#loads, hash, this.#random, tried, HOST_SELECTION_RETRIES)
      if (strategy.panicked) this.panics++
      return host
    }
    for (let i = 0; ; i++) {
      const host = strategy.once(levels, this.#loads, retry?.loads(this.#loads) ?? this.#loads, now, this.#random)
      if (strategy.panicked) this.panics++
      if (host === undefined || tried === undefined || i === HOST_SELECTION_RETRIES || !tried.includes(host)) return host
    }
  }
}

function thresholdOf(cluster: Cluster): number {
  const set = cluster.commonLbConfig?.healthyPanicThreshold
  return set === undefined ? 50 : (set.value ?? 0)
}
