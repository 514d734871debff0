/** Endpoints set from code, in Envoy's form; and localities as people write them. */
import type { Address, ClusterLoadAssignment, Locality, LocalityLbEndpoints } from '../envoy/index.ts'
import { localityOf, readEndpoints } from '../traffic/upstream/factories/endpoint.ts'
import type { EndpointInput } from './options.ts'

/** Groups endpoints by locality and priority, as an assignment has them. Throws an `OptionsError` that names every wrong one. */
export function assignmentOf(clusterName: string, endpoints: readonly EndpointInput[]): ClusterLoadAssignment {
  const groups = new Map<string, LocalityLbEndpoints>()
  for (const endpoint of readEndpoints(endpoints, `setEndpoints(${JSON.stringify(clusterName)})`, wrongAddress)) {
    const { priority, locality = '', weight, health, labels } = endpoint
    const key = `${priority}|${locality}`
    let group = groups.get(key)
    if (group === undefined) {
      const place = locality === '' ? undefined : localityOf(locality)
      group = { lbEndpoints: [], priority, ...(place && { locality: place }) }
      groups.set(key, group)
    }
    group.lbEndpoints!.push({
      endpoint: { address: addressOf(endpoint.address) },
      loadBalancingWeight: weight,
      ...(health === 'unhealthy' ? { healthStatus: 'UNHEALTHY' as const } : {}),
      ...(health === 'degraded' ? { healthStatus: 'DEGRADED' as const } : {}),
      metadata: { filterMetadata: { istio: { labels } } },
    })
  }
  return { clusterName, endpoints: [...groups.values()] }
}

const isSocket = (address: string) => address.startsWith('/') || address.startsWith('@')

function wrongAddress(address: string): string | undefined {
  if (isSocket(address)) return undefined
  const [, host, port] = /^(\[[0-9a-f:.%\w]+\]|[^:[\]\s]+):(\d+)$/i.exec(address) ?? []
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return undefined
  return `${JSON.stringify(address)} is not "ip:port", e.g. "10.0.0.7:8080" or "[::1]:8080"`
}

function addressOf(text: string): Address {
  if (isSocket(text)) return { pipe: { path: text } }
  const at = text.lastIndexOf(':')
  return { socketAddress: { address: text.slice(0, at).replace(/^\[|\]$/g, ''), portValue: Number(text.slice(at + 1)) } }
}

export function localityText(locality: Locality | string | undefined): string {
  if (locality === undefined || typeof locality === 'string') return locality ?? ''
  return [locality.region, locality.zone, locality.subZone].filter(Boolean).join('/')
}
