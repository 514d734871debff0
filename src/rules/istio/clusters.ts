/** One cluster per port of a service, and one more per subset of its destination rule. */
import type { Steps } from '../../base/time/slices.ts'
import type { Cluster, ClusterLoadAssignment } from '../../envoy/index.ts'
import { endpointsOf } from './cluster-endpoints.ts'
import { applyPolicy } from './cluster-policy.ts'
import { policyOf } from './merge-policies.ts'
import type { DestinationRule, DestinationRules } from './select-destination-rule.ts'
import type { Caller } from './select-documents.ts'
import type { Service, ServicePort } from './select-services.ts'

/** Istio's name of a destination: `outbound|9080|v1|reviews.default.svc.cluster.local`. */
export function clusterName(port: number, subset: string, host: string): string {
  return `outbound|${port}|${subset}|${host}`
}

export interface Clusters {
  clusters: Cluster[]
  endpoints: ClusterLoadAssignment[]
}

export function* buildClusters(services: Iterable<Service>, rules: DestinationRules, caller: Caller): Steps<Clusters> {
  const built: Clusters = { clusters: [blackHole(), passthrough()], endpoints: [] }
  for (const service of services) {
    const rule = rules.of(service)
    for (const port of service.ports) {
      if (port.protocol === 'UDP') continue
      addCluster(built, service, port, rule, undefined, caller)
      for (const subset of rule?.subsets ?? []) addCluster(built, service, port, rule, subset, caller)
    }
    yield
  }
  return built
}

const DISCOVERY: Record<string, NonNullable<Cluster['type']>> = {
  NONE: 'ORIGINAL_DST',
  STATIC: 'EDS',
  DNS: 'STRICT_DNS',
  DNS_ROUND_ROBIN: 'LOGICAL_DNS',
}

function addCluster(
  built: Clusters,
  service: Service,
  port: ServicePort,
  rule: DestinationRule | undefined,
  subset: any,
  caller: Caller,
): void {
  const name = clusterName(port.number, subset?.name ?? '', service.host)
  const policy = policyOf(rule, subset, port.number, caller.mesh)
  const cluster: Cluster = { name, type: DISCOVERY[service.resolution] ?? 'STRICT_DNS' }
  applyPolicy(cluster, policy, port, caller.mesh)
  cluster.metadata = { filterMetadata: { istio: describe(service, port, rule, subset) } }
  built.clusters.push(cluster)

  if (cluster.type === 'ORIGINAL_DST') return
  const assignment = endpointsOf(name, service, port, subset?.labels, policy, caller)
  if (cluster.type === 'EDS') {
    cluster.edsClusterConfig = { serviceName: name }
    built.endpoints.push(assignment)
    return
  }
  cluster.loadAssignment = assignment
  cluster.dnsRefreshRate = '60s'
  cluster.dnsJitter = '0.1s'
  cluster.respectDnsTtl = true
  cluster.dnsLookupFamily = 'V4_ONLY'
  Object.assign(cluster, { typedDnsResolverConfig: RESOLVER })
}

/** Envoy's c-ares, as istiod asks for it; our engine has its own resolver. */
const RESOLVER = {
  name: 'envoy.network.dns_resolver.cares',
  typedConfig: {
    '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
    udpMaxQueries: 100,
  },
}

/** What later readers want to know without taking the name apart. */
function describe(service: Service, port: ServicePort, rule: DestinationRule | undefined, subset: any): Record<string, unknown> {
  const about: Record<string, unknown> = {
    services: [{ host: service.host, name: service.name, namespace: service.namespace }],
    host: service.host,
    port: port.number,
  }
  if (rule !== undefined) about.config = `${rule.document.metadata.namespace ?? 'default'}/${rule.document.metadata.name}`
  if (subset !== undefined) {
    about.subset = subset.name
    about.labels = subset.labels ?? {}
  }
  return about
}

function blackHole(): Cluster {
  return { name: 'BlackHoleCluster', type: 'STATIC', connectTimeout: '10s' }
}

function passthrough(): Cluster {
  const limit = 4294967295
  return {
    name: 'PassthroughCluster',
    type: 'ORIGINAL_DST',
    connectTimeout: '10s',
    lbPolicy: 'CLUSTER_PROVIDED',
    circuitBreakers: { thresholds: [{ maxConnections: limit, maxPendingRequests: limit, maxRequests: limit, maxRetries: limit }] },
  }
}
