/** The endpoints of one cluster: those declared for the host that have the subset's labels, at the port's address, grouped by locality. */
import { common, narrower, TRUST } from '../../core/trust.ts'
import type { ClusterLoadAssignment, LbEndpoint } from '../../envoy/index.ts'
import { byLocality, type Group, type Placement, placeGroups, withTopology } from './cluster-locality.ts'
import { type Caller, hasLabels } from './select-documents.ts'
import type { Declared, ServiceEndpoint, ServicePort } from './select-services.ts'

export function endpointsOf(
  clusterName: string,
  service: Declared,
  port: ServicePort,
  labels: Record<string, string> | undefined,
  placement: Placement | undefined,
  caller: Caller,
): ClusterLoadAssignment {
  const groups = new Map<string, Group>()
  for (const declared of service.all) {
    const at = portIn(declared, port)
    if (at === undefined) continue
    for (const endpoint of candidates(declared)) {
      if (groups.size > 0 && declared.resolution === 'DNS_ROUND_ROBIN' && !declared.selects) break // one name, its addresses in turn
      const its = withTopology(endpoint.labels, endpoint.locality, endpoint.network)
      if (!hasLabels(its, labels)) continue
      let group = groups.get(endpoint.locality)
      if (group === undefined) groups.set(endpoint.locality, (group = { locality: endpoint.locality, endpoints: [], labels: [] }))
      group.endpoints.push(toEnvoy(endpoint, at))
      group.labels.push(its)
    }
  }
  if (groups.size === 0) return { clusterName }
  return { clusterName, endpoints: placeGroups(byLocality(groups), placement, service.resolution.startsWith('DNS'), caller) }
}

/** The port of another entry for the same host: by name where endpoints are sent to it, by number where they stand in the cluster. */
function portIn({ ports, resolution }: Declared, wanted: ServicePort): ServicePort | undefined {
  if (ports.includes(wanted)) return wanted
  return ports.find(port => (resolution.startsWith('DNS') ? port.number === wanted.number : port.name === wanted.name))
}

/** A DNS service without endpoints is found under its own name. */
function candidates({ endpoints, selects, resolution, host, document }: Declared): readonly ServiceEndpoint[] {
  if (endpoints.length > 0 || selects || !resolution.startsWith('DNS')) return endpoints
  const trust = common(document.trust, undefined)
  return [{ address: host, ports: {}, labels: {}, locality: '', network: '', weight: 1, trust }]
}

function toEnvoy({ address, ports, labels, weight, trust }: ServiceEndpoint, port: ServicePort): LbEndpoint {
  const bounds = narrower(trust, undefined)
  return {
    endpoint: {
      address: address.startsWith('unix://')
        ? { pipe: { path: address.slice('unix://'.length) } }
        : { socketAddress: { address, portValue: Number(ports[port.name] ?? port.targetPort ?? port.number) } },
    },
    loadBalancingWeight: weight,
    metadata: { filterMetadata: { istio: { labels }, ...(bounds && { [TRUST]: bounds }) } },
  }
}
