/** Which way of choosing a cluster's configuration asks for. */
import { parseDuration } from '../../../base/time/duration.ts'
import type { Cluster } from '../../../envoy/index.ts'
import type { Balancer } from './balancer.ts'
import { ByHash } from './by-hash.ts'
import { ByTurn } from './by-turn.ts'
import { LeastRequest } from './least-request.ts'
import { Maglev } from './maglev.ts'
import { randomBalancer } from './random.ts'
import { RingHash } from './ring-hash.ts'
import { RoundRobin } from './round-robin.ts'
import { SlowStart } from './slow-start.ts'

export interface Balancing {
  readonly strategy: ByTurn | ByHash
  readonly slowStart: SlowStart | undefined
}

export function balancing(cluster: Cluster, seed: number, now: number): Balancing {
  const byLocality = cluster.commonLbConfig?.localityWeightedLbConfig !== undefined
  const { ringHashLbConfig: ring, maglevLbConfig: maglev, leastRequestLbConfig: least } = cluster
  if (cluster.lbPolicy === 'RING_HASH')
    return {
      strategy: new ByHash(hosts => new RingHash(hosts, ring?.minimumRingSize, ring?.maximumRingSize), byLocality),
      slowStart: undefined,
    }
  if (cluster.lbPolicy === 'MAGLEV')
    return { strategy: new ByHash(hosts => new Maglev(hosts, maglev?.tableSize), byLocality), slowStart: undefined }
  const turns = (make: () => Balancer) => new ByTurn(make, byLocality, seed)
  if (cluster.lbPolicy === 'RANDOM' || cluster.lbPolicy === 'CLUSTER_PROVIDED')
    return { strategy: turns(() => randomBalancer), slowStart: undefined }
  const slowStart = slowStartOf(cluster, now)
  if (cluster.lbPolicy === 'LEAST_REQUEST') {
    const settings = { choices: least?.choiceCount ?? 2, bias: least?.activeRequestBias?.defaultValue ?? 1 }
    return { strategy: turns(() => new LeastRequest(seed, settings, slowStart)), slowStart }
  }
  return { strategy: turns(() => new RoundRobin(seed, slowStart)), slowStart }
}

function slowStartOf({ lbPolicy, leastRequestLbConfig, roundRobinLbConfig }: Cluster, now: number): SlowStart | undefined {
  const config = (lbPolicy === 'LEAST_REQUEST' ? leastRequestLbConfig : roundRobinLbConfig)?.slowStartConfig
  const window = config?.slowStartWindow === undefined ? 0 : (parseDuration(config.slowStartWindow) ?? 0)
  if (config === undefined || window <= 0) return undefined
  const aggression = config.aggression?.defaultValue ?? 1
  return new SlowStart(
    {
      window,
      aggression: aggression > 0 ? aggression : 1,
      least: (config.minWeightPercent?.value ?? (config.minWeightPercent ? 0 : 10)) / 100,
    },
    now,
  )
}

/** What of a cluster decides how it chooses: while it is the same, turns go on. */
export function shapeOf(c: Cluster): string {
  return JSON.stringify([
    c.lbPolicy,
    c.ringHashLbConfig,
    c.maglevLbConfig,
    c.leastRequestLbConfig,
    c.roundRobinLbConfig,
    c.commonLbConfig?.localityWeightedLbConfig,
  ])
}
