/** Hosts that only traffic brings (ALLOW_ANY): each is a cluster of one endpoint, and the least recently used one goes first. */
import type { Cluster } from '../envoy/index.ts'
import type { ClusterRuntime } from '../traffic/engine/cluster-runtime.ts'

export class DynamicHosts {
  readonly #max: number
  readonly #make: (name: string, cluster: Cluster) => ClusterRuntime
  readonly #hosts = new Map<string, ClusterRuntime>()

  constructor(max: number, make: (name: string, cluster: Cluster) => ClusterRuntime) {
    this.#max = max
    this.#make = make
  }

  has(name: string): boolean {
    return this.#hosts.has(name)
  }

  get(scheme: 'http' | 'https', authority: string, port: number): ClusterRuntime {
    const host = authority.replace(/:\d+$/, '')
    const key = `PassthroughCluster|${scheme}|${host}|${port}`
    const known = this.#hosts.get(key)
    if (known !== undefined) {
      this.#hosts.delete(key)
      this.#hosts.set(key, known)
      return known
    }
    if (this.#hosts.size >= this.#max) {
      const [oldest, runtime] = this.#hosts.entries().next().value!
      this.#hosts.delete(oldest)
      runtime.close()
    }
    const made = this.#make(key, {
      name: 'PassthroughCluster',
      type: 'ORIGINAL_DST',
      connectTimeout: '10s',
      lbPolicy: 'RANDOM',
      loadAssignment: {
        clusterName: key,
        endpoints: [
          { lbEndpoints: [{ endpoint: { address: { socketAddress: { address: host.replace(/^\[|\]$/g, ''), portValue: port } } } }] },
        ],
      },
    })
    this.#hosts.set(key, made)
    return made
  }
}
