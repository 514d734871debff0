/** Everything there is to see of a mesh, as plain JSON. */
import type { ClusterRuntime } from '../traffic/engine/cluster-runtime.ts'
import { localityText } from './endpoints.ts'
import type { MeshCore } from './mesh.ts'
import type { SourceStatus } from './source-feed.ts'

export interface MeshSnapshot {
  /** Of the rules; goes up with every change. */
  version: number
  mode: 'enforce' | 'observe' | 'off'
  /** By name. Counters are Envoy's, under its names. */
  clusters: Record<string, { endpoints: EndpointSnapshot[]; stats: Record<string, number> }>
  /** What stands in front of a cluster: states and metrics of its policies, by cluster. */
  policies: Record<string, unknown>
  /** Counters of the whole outbound side: no_route, fault.aborts_injected … */
  stats: Record<string, number>
  routes: { port: string; hosts: string[] }[]
  sources: SourceStatus[]
}

export interface EndpointSnapshot {
  address: string
  labels: Record<string, string>
  /** `region/zone/subzone`. */
  locality: string
  priority: number
  weight: number
  health: 'healthy' | 'ejected' | 'unhealthy' | 'degraded'
  /** ms on the mesh clock. */
  ejectedUntil?: number
  /** Requests under way on it. */
  active: number
}

export function snapshotOf(core: MeshCore): MeshSnapshot {
  const clusters: MeshSnapshot['clusters'] = {}
  const policies: MeshSnapshot['policies'] = {}
  const add = (name: string, runtime: ClusterRuntime) => {
    clusters[name] = { endpoints: runtime.hosts().map(h => ({ ...h, locality: localityText(h.locality) })), stats: runtime.allStats() }
    Object.assign(policies, runtime.policySnapshot())
  }
  for (const [name, runtime] of core.clusters) add(name, runtime)
  for (const [name, runtime] of core.dynamicHosts) add(name, runtime)
  return {
    version: core.rules.version,
    mode: core.settings.mode,
    clusters,
    policies,
    stats: { ...core.stats } as unknown as Record<string, number>,
    routes: core.rules.compiled.config.routes.map(r => ({ port: r.name, hosts: (r.virtualHosts ?? []).map(v => v.domains[0] ?? '') })),
    sources: core.sources,
  }
}
