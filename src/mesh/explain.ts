/** What would happen to a request, and why: the route with every condition tried, the cluster, and who may answer. */
import type { MeshCore } from './mesh.ts'

export interface Explanation {
  /** Host, port and virtual host that were looked at. */
  host: string
  port: number
  /** Every route tried, in order, with each condition and whether it held. */
  tried: unknown
  /** Name of the chosen route; `undefined` when none matched. */
  route: string | undefined
  /** Clusters it may go to, with their shares in percent. */
  destinations: {
    cluster: string
    percent: number
    endpoints: { address: string; health: string; active: number; why: string }[]
    limits: Record<string, { limit: number; used: number }>
  }[]
  warnings: string[]
}

export function explain(core: MeshCore, request: { method?: string; url: string; headers?: Record<string, string> }): Explanation {
  const url = new URL(request.url)
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const given = Object.fromEntries(Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
  const view = {
    method: (request.method ?? 'GET').toUpperCase(),
    authority: url.host,
    path: url.pathname + url.search,
    scheme: url.protocol.slice(0, -1),
    port,
    header: (name: string) => given[name.toLowerCase()],
  }
  const warnings: string[] = []
  const { table, clusters, allowAny } = core.engine
  const found = table.match(view)
  if (found === undefined)
    warnings.push(
      table.has(port)
        ? 'no route matches: answered 404'
        : `no rule speaks of port ${port}: ${allowAny ? 'passes ungoverned' : 'answered 502'}`,
    )
  const shares = found?.route.shares() ?? []
  return {
    host: url.hostname,
    port,
    tried: table.explain(view),
    route: found?.route.name,
    destinations: shares.map(({ cluster, percent }) => {
      const runtime = clusters.get(cluster)
      if (runtime === undefined) {
        if (cluster !== 'PassthroughCluster') warnings.push(`${cluster} does not exist: answered 503 NC`)
        return { cluster, percent, endpoints: [], limits: {} }
      }
      const endpoints = runtime.hosts().map(host => ({
        address: host.address,
        health: host.health,
        active: host.active,
        why:
          host.health === 'healthy'
            ? 'in'
            : host.health === 'ejected'
              ? `out: ejected${host.ejectedUntil === undefined ? '' : ` for ${Math.max(0, Math.round(host.ejectedUntil - core.settings.clock.now()))} ms more`}`
              : 'out: unhealthy',
      }))
      if (endpoints.length === 0) warnings.push(`${cluster} has no endpoint: answered 503 UH`)
      return { cluster, percent, endpoints, limits: runtime.limitsInUse() }
    }),
    warnings,
  }
}
