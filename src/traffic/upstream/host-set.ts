/** The endpoints of a cluster by priority, with the healthy ones of each. Lists are rebuilt when something changes, never while choosing. */
import type { ClusterLoadAssignment, LbEndpoint } from '../../envoy/index.ts'
import { Host } from './host.ts'

export interface Level {
  readonly hosts: readonly Host[]
  readonly healthy: readonly Host[]
}

export class HostSet {
  levels: readonly Level[] = []
  all: readonly Host[] = []
  /** Goes up whenever a list was rebuilt. */
  version = 0
  readonly #byAddress = new Map<string, Host>()

  /** Takes over an assignment; endpoints that were known keep their state. */
  assign(assignment: ClusterLoadAssignment): void {
    const seen = new Set<string>()
    const all: Host[] = []
    for (const group of assignment.endpoints ?? []) {
      for (const lb of group.lbEndpoints ?? []) {
        const address = addressOf(lb)
        if (address === undefined || seen.has(address)) continue
        seen.add(address)
        const labels = (lb.metadata?.filterMetadata?.['istio']?.labels ?? {}) as Record<string, string>
        const priority = group.priority ?? 0
        const weight = lb.loadBalancingWeight ?? 1
        let host = this.#byAddress.get(address)
        if (host === undefined) {
          host = new Host(address, labels, group.locality, priority, weight)
          this.#byAddress.set(address, host)
        } else {
          host.labels = labels
          host.locality = group.locality
          host.priority = priority
          host.weight = weight
        }
        host.configured =
          lb.healthStatus === 'UNHEALTHY' || lb.healthStatus === 'DRAINING'
            ? 'unhealthy'
            : lb.healthStatus === 'DEGRADED'
              ? 'degraded'
              : 'healthy'
        all.push(host)
      }
    }
    for (const address of this.#byAddress.keys()) if (!seen.has(address)) this.#byAddress.delete(address)
    this.all = all
    this.refresh()
  }

  /** Takes over hosts made elsewhere. */
  take(hosts: readonly Host[]): void {
    this.#byAddress.clear()
    for (const host of hosts) this.#byAddress.set(host.address, host)
    this.all = hosts
    this.refresh()
  }

  get(address: string): Host | undefined {
    return this.#byAddress.get(address)
  }

  /** After somebody's health changed. */
  refresh(): void {
    const levels: { hosts: Host[]; healthy: Host[] }[] = []
    for (const host of this.all) {
      while (levels.length <= host.priority) levels.push({ hosts: [], healthy: [] })
      const level = levels[host.priority]!
      level.hosts.push(host)
      if (host.healthy) level.healthy.push(host)
    }
    this.levels = levels
    this.version++
  }
}

function addressOf(lb: LbEndpoint): string | undefined {
  const { socketAddress, pipe } = lb.endpoint.address
  if (pipe !== undefined) return pipe.path
  if (socketAddress === undefined) return undefined
  return socketAddress.address.includes(':')
    ? `[${socketAddress.address}]:${socketAddress.portValue}`
    : `${socketAddress.address}:${socketAddress.portValue}`
}
