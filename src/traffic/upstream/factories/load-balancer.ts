/** Load balancing for code: Istio's settings over a list of endpoints. */
import { xxhash64 } from '../../../base/formats/xxhash64.ts'
import { type Random, systemRandom } from '../../../base/time/random.ts'
import { integer, object, oneOf, readOptions } from '../../../core/schema/index.ts'
import type { Cluster } from '../../../envoy/index.ts'
import { Host } from '../host.ts'
import { HostSet } from '../host-set.ts'
import { LoadBalancer as Chooser } from '../load-balancer.ts'

export const loadBalancerFields = {
  simple: oneOf('The rule.', ['LEAST_REQUEST', 'ROUND_ROBIN', 'RANDOM'], {}),
  consistentHash: object('By a hash that `pick` is given.', {
    ringHash: object('On a ring.', { minimumRingSize: integer('Its least size.', { default: 1024, min: 1 }) }),
    maglev: object('By Maglev.', { tableSize: integer('A prime.', { default: 65_537, min: 2 }) }),
  }),
} as const

/** Istio's LoadBalancerSettings: one of `simple` and `consistentHash`. Default LEAST_REQUEST. */
export interface LoadBalancerOptions {
  simple?: 'LEAST_REQUEST' | 'ROUND_ROBIN' | 'RANDOM'
  consistentHash?: { ringHash?: { minimumRingSize?: number }; maglev?: { tableSize?: number } }
}

export interface Endpoint {
  /** `ip:port`. */
  address: string
  weight?: number
  priority?: number
  labels?: Record<string, string>
}

export interface Picked {
  readonly endpoint: Endpoint
  /** The call is over. Once is enough. */
  release(): void
}

export interface LoadBalancer {
  /** An endpoint for the next call; `undefined` when there is none. `hash`: a key (hashed by XXH64) or a hash. */
  pick(hash?: string | bigint): Picked | undefined
}

/**
 * Makes a balancer.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const balancer = loadBalancer({ simple: 'ROUND_ROBIN' }, { endpoints: [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }] })
 */
export function loadBalancer(settings: LoadBalancerOptions, around: { endpoints: readonly Endpoint[]; random?: Random }): LoadBalancer {
  const given = readOptions(loadBalancerFields, settings, 'loadBalancer')
  const random = around.random ?? systemRandom
  const hash = given.consistentHash
  const cluster: Cluster = {
    name: 'loadBalancer',
    commonLbConfig: { healthyPanicThreshold: {} },
    lbPolicy: hash === undefined ? (given.simple ?? 'LEAST_REQUEST') : hash.maglev === undefined ? 'RING_HASH' : 'MAGLEV',
    ...(hash?.ringHash === undefined ? {} : { ringHashLbConfig: { minimumRingSize: hash.ringHash.minimumRingSize } }),
    ...(hash?.maglev === undefined ? {} : { maglevLbConfig: { tableSize: hash.maglev.tableSize } }),
  }
  const hosts = new HostSet()
  const endpoints = new Map(around.endpoints.map(e => [e.address, e]))
  hosts.take(
    around.endpoints.map(e => new Host(e.address, e.labels ?? {}, undefined, e.priority ?? 0, e.weight ?? 1)),
    0,
  )
  const chooser = new Chooser(hosts, cluster, random, 0)
  return {
    pick(key) {
      const host = chooser.choose(0, typeof key === 'string' ? xxhash64(key) : key)
      if (host === undefined) return undefined
      host.active++
      let held = true
      return {
        endpoint: endpoints.get(host.address)!,
        release() {
          if (held) host.active--
          held = false
        },
      }
    },
  }
}
