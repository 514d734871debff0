/** Endpoints set from code, in Envoy's form; and localities as people write them. */
import type { Address, ClusterLoadAssignment, Locality, LocalityLbEndpoints } from '../envoy/index.ts'
import type { EndpointInput } from './options.ts'

/** Groups endpoints by locality and priority, as an assignment has them. Throws a `TypeError` for an address without a port. */
export function assignmentOf(clusterName: string, endpoints: readonly EndpointInput[]): ClusterLoadAssignment {
  const groups = new Map<string, LocalityLbEndpoints>()
  for (const endpoint of endpoints) {
    const priority = endpoint.priority ?? 0
    const key = `${priority}|${endpoint.locality ?? ''}`
    let group = groups.get(key)
    if (group === undefined) {
      group = { lbEndpoints: [], priority }
      if (endpoint.locality) group.locality = localityOf(endpoint.locality)
      groups.set(key, group)
    }
    group.lbEndpoints!.push({
      endpoint: { address: addressOf(endpoint.address) },
      loadBalancingWeight: endpoint.weight ?? 1,
      ...(endpoint.health === 'unhealthy' ? { healthStatus: 'UNHEALTHY' as const } : {}),
      ...(endpoint.health === 'degraded' ? { healthStatus: 'DEGRADED' as const } : {}),
      metadata: { filterMetadata: { istio: { labels: { ...endpoint.labels } } } },
    })
  }
  return { clusterName, endpoints: [...groups.values()] }
}

function addressOf(text: string): Address {
  if (text.startsWith('/') || text.startsWith('@')) return { pipe: { path: text } }
  const at = text.lastIndexOf(':')
  const port = Number(text.slice(at + 1))
  if (at <= 0 || !Number.isInteger(port) || port < 1 || port > 65535)
    throw new TypeError(`endpoint address ${JSON.stringify(text)}: expected "ip:port", e.g. "10.0.0.7:8080" or "[::1]:8080"`)
  return { socketAddress: { address: text.slice(0, at).replace(/^\[|\]$/g, ''), portValue: port } }
}

export function localityOf(text: string): Locality {
  const [region, zone, subZone] = text.split('/')
  return { ...(region ? { region } : {}), ...(zone ? { zone } : {}), ...(subZone ? { subZone } : {}) }
}

export function localityText(locality: Locality | string | undefined): string {
  if (locality === undefined || typeof locality === 'string') return locality ?? ''
  return [locality.region, locality.zone, locality.subZone].filter(Boolean).join('/')
}
