/** The endpoints of one cluster: those of the service that have the subset's labels, at the port's address, grouped by locality. */
import type { ClusterLoadAssignment, LbEndpoint } from '../../envoy/index.ts'
import { type Group, localitySetting, placeGroups } from './cluster-locality.ts'
import type { TrafficPolicy } from './merge-policies.ts'
import { type Caller, hasLabels } from './select-documents.ts'
import type { Service, ServiceEndpoint, ServicePort } from './select-services.ts'

export function endpointsOf(
  clusterName: string,
  service: Service,
  port: ServicePort,
  labels: Record<string, string> | undefined,
  policy: TrafficPolicy,
  caller: Caller,
): ClusterLoadAssignment {
  const groups = new Map<string, Group>()
  for (const endpoint of candidates(service)) {
    if (!hasLabels(endpoint.labels, labels)) continue
    let group = groups.get(endpoint.locality)
    if (group === undefined) groups.set(endpoint.locality, (group = { locality: endpoint.locality, endpoints: [], labels: [] }))
    group.endpoints.push(toEnvoy(endpoint, port))
    group.labels.push(endpoint.labels)
  }
  if (groups.size === 0) return { clusterName }
  const sorted = [...groups.values()].sort((a, b) => (a.locality < b.locality ? -1 : 1))
  const setting = localitySetting(policy.loadBalancer?.localityLbSetting, caller.mesh.localityLbSetting)
  const byName = service.resolution.startsWith('DNS')
  return { clusterName, endpoints: placeGroups(sorted, setting, { detectsOutliers: policy.outlierDetection != null, byName }, caller) }
}

/** A DNS service without endpoints is found under its own name. */
function candidates(service: Service): readonly ServiceEndpoint[] {
  if (service.endpoints.length > 0 || service.selects || !service.resolution.startsWith('DNS')) return service.endpoints
  return [{ address: service.host, ports: {}, labels: {}, locality: '', weight: 1 }]
}

function toEnvoy({ address, ports, labels, weight }: ServiceEndpoint, port: ServicePort): LbEndpoint {
  return {
    endpoint: {
      address: address.startsWith('unix://')
        ? { pipe: { path: address.slice('unix://'.length) } }
        : { socketAddress: { address, portValue: Number(ports[port.name] ?? port.targetPort ?? port.number) } },
    },
    loadBalancingWeight: weight,
    metadata: { filterMetadata: { istio: { labels } } },
  }
}
