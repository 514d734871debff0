/** Endpoints set from code, in Envoy's form; and localities as people write them. */
import type { Address, ClusterLoadAssignment, LbEndpoint, Locality, LocalityLbEndpoints } from '../envoy/index.ts'
import { byLocality, type Group, type Place, type Placement, placeGroups, withTopology } from '../rules/istio/cluster-locality.ts'
import { type EndpointSettings, localityOf, readEndpoints } from '../traffic/upstream/factories/endpoint.ts'
import type { EndpointInput } from './options.ts'

/** Judges and copies what code says. Throws an `OptionsError` that names every wrong endpoint. */
export function endpointsIn(clusterName: string, endpoints: readonly EndpointInput[]): EndpointSettings[] {
  return readEndpoints(endpoints, `setEndpoints(${JSON.stringify(clusterName)})`, wrongAddress)
}

/**
 * Where each belongs: near and far as the rules have it for endpoints of their own. Who gives one of them a priority decides for all,
 * and where the rules have no say they are equally near.
 */
export function assignmentOf(
  clusterName: string,
  endpoints: readonly EndpointSettings[],
  placement: Placement | undefined,
  caller: Place,
): ClusterLoadAssignment {
  if (placement === undefined || endpoints.some(({ priority }) => priority !== undefined)) return byHand(clusterName, endpoints)
  const groups = new Map<string, Group>()
  for (const endpoint of endpoints) {
    const { locality = '', labels } = endpoint
    let group = groups.get(locality)
    if (group === undefined) groups.set(locality, (group = { locality, endpoints: [], labels: [] }))
    group.endpoints.push(toEnvoy(endpoint))
    group.labels.push(withTopology(labels, locality))
  }
  return { clusterName, endpoints: placeGroups(byLocality(groups), placement, false, caller) }
}

/** By locality and priority, as an assignment has them. */
function byHand(clusterName: string, endpoints: readonly EndpointSettings[]): ClusterLoadAssignment {
  const groups = new Map<string, LocalityLbEndpoints>()
  for (const endpoint of endpoints) {
    const { priority = 0, locality = '' } = endpoint
    const key = `${priority}|${locality}`
    let group = groups.get(key)
    if (group === undefined) {
      const place = locality === '' ? undefined : localityOf(locality)
      group = { lbEndpoints: [], priority, ...(place && { locality: place }) }
      groups.set(key, group)
    }
    group.lbEndpoints!.push(toEnvoy(endpoint))
  }
  return { clusterName, endpoints: [...groups.values()] }
}

function toEnvoy({ address, weight, health, labels }: EndpointSettings): LbEndpoint {
  return {
    endpoint: { address: addressOf(address) },
    loadBalancingWeight: weight,
    ...(health === 'unhealthy' ? { healthStatus: 'UNHEALTHY' as const } : {}),
    ...(health === 'degraded' ? { healthStatus: 'DEGRADED' as const } : {}),
    metadata: { filterMetadata: { istio: { labels } } },
  }
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
