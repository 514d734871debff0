/**
 * Hosts that only traffic brings: those that no rule names (ALLOW_ANY), and those of services whose requests go where they want to
 * (`resolution: NONE`, PASSTHROUGH). Each is a cluster of one endpoint, with limits and counters of its own. They are bounded, and the one
 * not used for longest goes first.
 */
import { narrower, TRUST, type Trust } from '../core/trust.ts'
import type { Cluster } from '../envoy/index.ts'
import type { ClusterRuntime } from '../traffic/engine/cluster-runtime.ts'
import { trustOf } from '../traffic/upstream/reach.ts'

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

  /**
   * `of`: the settings of the service's cluster. `trust`: of the rules that lead to the host; one that is bounded is a cluster of its own
   * and looked up here, where the gate is, instead of by the system while it connects.
   */
  get(scheme: 'http' | 'https', authority: string, port: number, of: Cluster = UNNAMED, trust?: Trust): ClusterRuntime {
    const host = authority.replace(/:\d+$/, '')
    const bounds = narrower(trust, trustOf(of.metadata))
    const key = `${of.name}|${scheme}|${host}|${port}${bounds === undefined ? '' : keyOf(bounds)}`
    const known = this.#hosts.get(key)
    if (known !== undefined) {
      this.#hosts.delete(key)
      this.#hosts.set(key, known)
      return known
    }
    if (this.#hosts.size >= this.#max) this.#makeRoom()
    const portValue = of.originalDstLbConfig?.upstreamPortOverride ?? port
    const made = this.#make(key, {
      ...settingsOf(of, bounds),
      loadAssignment: {
        clusterName: key,
        endpoints: [
          {
            lbEndpoints: [
              {
                endpoint: { address: { socketAddress: { address: host.replace(/^\[|\]$/g, ''), portValue } } },
                ...(bounds && { metadata: { filterMetadata: { [TRUST]: bounds } } }),
              },
            ],
          },
        ],
      },
    })
    this.#hosts.set(key, made)
    return made
  }

  /** The rules are others now: hosts of a service follow its settings, or go when it has other endpoints. */
  follow(cluster: (name: string) => Cluster | undefined): void {
    for (const [key, runtime] of this.#hosts) {
      if (runtime.name === UNNAMED.name) continue
      const of = cluster(runtime.name)
      if (of?.type === 'ORIGINAL_DST') runtime.update(settingsOf(of, runtime.trust))
      else this.#drop(key, runtime)
    }
  }

  #makeRoom(): void {
    const [key, runtime] = this.#hosts.entries().next().value!
    this.#drop(key, runtime)
  }

  #drop(key: string, runtime: ClusterRuntime): void {
    this.#hosts.delete(key)
    if (runtime.busy) this.#retire(key, runtime)
    else runtime.close()
  }

  close(): void {
    for (const runtime of this.#hosts.values()) runtime.close()
  }
}

/** What no rule speaks of. */
const UNNAMED: Cluster = { name: 'PassthroughCluster', type: 'ORIGINAL_DST', connectTimeout: '10s', lbPolicy: 'RANDOM' }

/** Without detection of outliers: as in Envoy the one address that was asked for is asked, however it has behaved. */
function settingsOf({ outlierDetection: _, ...settings }: Cluster, bounds: Trust | undefined): Cluster {
  if (bounds === undefined) return settings
  const metadata = { filterMetadata: { ...settings.metadata?.filterMetadata, [TRUST]: bounds } }
  return { ...settings, type: 'LOGICAL_DNS', dnsLookupFamily: 'ALL', respectDnsTtl: true, metadata }
}

const keyOf = ({ unixSockets, linkLocal }: Trust): string =>
  `|${unixSockets === false ? 'no Unix sockets' : ''}${linkLocal === false ? 'no link-local' : ''}`
