/** Hosts that only traffic brings (ALLOW_ANY): each is a cluster of one endpoint. They are bounded, and the one not used for longest goes first. */
import type { Cluster } from '../envoy/index.ts'
import type { ClusterRuntime } from '../traffic/engine/cluster-runtime.ts'

export class DynamicHosts {
  readonly #max: number
  readonly #make: (name: string, cluster: Cluster) => ClusterRuntime
  readonly #retire: (name: string, runtime: ClusterRuntime) => void
  readonly #hosts = new Map<string, ClusterRuntime>()

  /** `retire` takes a cluster that is still in use when its turn to go has come. */
  constructor(
    max: number,
    make: (name: string, cluster: Cluster) => ClusterRuntime,
    retire: (name: string, runtime: ClusterRuntime) => void,
  ) {
    this.#max = max
    this.#make = make
    this.#retire = retire
  }

  get all(): ReadonlyMap<string, ClusterRuntime> {
    return this.#hosts
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
    if (this.#hosts.size >= this.#max) this.#makeRoom()
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

  #makeRoom(): void {
    const [name, runtime] = this.#hosts.entries().next().value!
    this.#hosts.delete(name)
    if (runtime.busy) this.#retire(name, runtime)
    else runtime.close()
  }

  close(): void {
    for (const runtime of this.#hosts.values()) runtime.close()
  }
}
