/** Load balancing for code: Istio's settings over a list of endpoints. */

import { xxhash64 } from '../../../base/formats/xxhash64.ts'
import { type Clock, systemClock } from '../../../base/time/clock.ts'
import { type Random, systemRandom } from '../../../base/time/random.ts'
import { readAround } from '../../../core/schema/around.ts'
import { HostSet } from '../host-set.ts'
import { LoadBalancer as Chooser } from '../load-balancer.ts'
import { type Endpoint, entriesOf } from './endpoint.ts'
import { balancingOf, type LoadBalancerOptions, loadBalancerAroundFields } from './options/load-balancer.ts'

export type { Endpoint, LoadBalancerOptions }

export interface Picked {
  /** The very object that was given. */
  readonly endpoint: Endpoint
  /** The call is over. Once is enough. */
  release(): void
}

export interface LoadBalancer {
  /** An endpoint for the next call; `undefined` when there is none. `hash`: a key (hashed by XXH64) or a hash. */
  pick(hash?: string | bigint): Picked | undefined
  /** The endpoints there are now. Those that stay keep their turn and their running calls. */
  update(endpoints: readonly Endpoint[]): void
}

/**
 * Makes a balancer with Istio's options. Default: LEAST_REQUEST.
 *
 * @throws OptionsError naming every wrong option and endpoint.
 * @example
 * const balancer = loadBalancer({ simple: 'ROUND_ROBIN' }, { endpoints: [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }] })
 * const [first, second] = [balancer.pick(), balancer.pick()]
 * console.log(first.endpoint === second.endpoint) // => false
 * first.release()
 * second.release()
 */
export function loadBalancer(
  settings: LoadBalancerOptions,
  around: { endpoints: readonly Endpoint[]; random?: Random | undefined; clock?: Clock | undefined },
): LoadBalancer {
  const { random = systemRandom, clock = systemClock, endpoints: first } = readAround(around, 'loadBalancer', loadBalancerAroundFields)
  const cluster = { ...balancingOf(settings, 'loadBalancer'), commonLbConfig: { healthyPanicThreshold: {} } }
  const hosts = new HostSet()
  let endpoints = new Map<string, Endpoint>()
  const update = (given: readonly Endpoint[]) => {
    hosts.put(entriesOf(given, 'loadBalancer'), clock.now())
    endpoints = new Map(given.map(e => [e.address, e]))
  }
  update(first)
  const chooser = new Chooser(hosts, cluster, random, clock.now())
  return {
    pick(key) {
      const host = chooser.choose(clock.now(), typeof key === 'string' ? xxhash64(key) : key)
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
    update,
  }
}
