/** One cluster per port of a service, and one more per subset of its destination rule. */
import type { Steps } from '../../base/time/slices.ts'
import { common, narrower, TRUST, type Trust } from '../../core/trust.ts'
import type { Cluster, ClusterLoadAssignment } from '../../envoy/index.ts'
import { endpointsOf } from './cluster-endpoints.ts'
import { type Placement, placementFor } from './cluster-locality.ts'
import { applyPolicy, protoDuration } from './cluster-policy.ts'
import { policyOf } from './merge-policies.ts'
import type { DestinationRule, DestinationRules } from './select-destination-rule.ts'
import type { Caller } from './select-documents.ts'
import type { Declared, ServicePort } from './select-services.ts'

/** Istio's name of a destination: `outbound|9080|v1|reviews.default.svc.cluster.local`. */
export function clusterName(port: number, subset: string, host: string): string {
  return `outbound|${port}|${subset}|${host}`
}

export interface Clusters {
  clusters: Cluster[]
  endpoints: ClusterLoadAssignment[]
  /** How endpoints that do not come from documents are placed, by cluster; those of the others are equally near. */
  placements: Map<string, Placement>
}

export function* buildClusters(services: Iterable<Declared>, rules: DestinationRules, caller: Caller): Steps<Clusters> {
  const built: Clusters = { clusters: [blackHole(), passthrough()], endpoints: [], placements: new Map() }
  for (const service of services) {
    if (service.resolution === 'DYNAMIC_DNS') continue // for ztunnel and waypoints, a sidecar has no cluster for it
    const rule = rules.of(service)
    for (const port of service.ports) {
      if (port.protocol === 'UDP') continue
      const whole = addCluster(built, service, port, rule, undefined, caller)
      if (whole === undefined) continue
      for (const subset of rule?.subsets ?? []) addCluster(built, service, port, rule, subset, caller, whole)
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

/**
 * `undefined`: nobody is there. A cluster whose endpoints have names is left out then, with what depends on it. A subset's cluster finds its
 * endpoints as the whole host's does, once policies have had their say: PASSTHROUGH asks nobody.
 */
function addCluster(
  built: Clusters,
  service: Declared,
  port: ServicePort,
  rule: DestinationRule | undefined,
  subset: any,
  caller: Caller,
  whole?: Cluster,
): Cluster | undefined {
  const name = clusterName(port.number, subset?.name ?? '', service.host)
  const policy = policyOf(rule, subset, port.number, caller.mesh)
  const passes = subset?.trafficPolicy?.loadBalancer?.simple === 'PASSTHROUGH'
  const type = passes ? 'ORIGINAL_DST' : (whole?.type ?? DISCOVERY[service.resolution] ?? 'STRICT_DNS')
  const cluster: Cluster = { name, type }
  const placement = placementFor(policy, caller.mesh, service)
  const assignment = type === 'ORIGINAL_DST' ? undefined : endpointsOf(name, service, port, subset?.labels, placement, caller)
  const isNamed = assignment !== undefined && type !== 'EDS'
  if (isNamed && assignment.endpoints === undefined && !isAssumed(service)) return undefined
  applyPolicy(cluster, policy, service, port, caller.mesh)
  const trust = trustOf(service, rule)
  cluster.metadata = { filterMetadata: { istio: describe(service, port, rule, subset), ...(trust && { [TRUST]: trust }) } }
  built.clusters.push(cluster)
  if (placement !== undefined) built.placements.set(name, placement)

  if (type === 'ORIGINAL_DST' && service.resolution === 'NONE' && port.targetPort)
    cluster.originalDstLbConfig = { upstreamPortOverride: port.targetPort }
  if (cluster.type === 'EDS') {
    cluster.edsClusterConfig = { serviceName: name }
    built.endpoints.push(assignment!)
  }
  if (!isNamed) return cluster
  if (cluster.type !== 'ORIGINAL_DST') cluster.loadAssignment = assignment
  cluster.dnsRefreshRate = caller.mesh.dnsRefreshRate === undefined ? '60s' : protoDuration(caller.mesh.dnsRefreshRate)
  cluster.dnsJitter = '0.1s'
  cluster.respectDnsTtl = true
  cluster.dnsLookupFamily = 'V4_ONLY'
  Object.assign(cluster, { typedDnsResolverConfig: RESOLVER })
  return cluster
}

/** On a service that somebody took for granted: its clusters stay, so that endpoints can still be set. */
export const ASSUMED = 'meshless.dev/assumed'

function isAssumed({ document }: Declared): boolean {
  return document.metadata.annotations?.[ASSUMED] !== undefined
}

/** Envoy's c-ares, as istiod asks for it; our engine has its own resolver. */
const RESOLVER = {
  name: 'envoy.network.dns_resolver.cares',
  typedConfig: {
    '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
    udpMaxQueries: 100,
  },
}

/** What bounds the addresses that the documents behind a cluster may lead to, and the hosts that its endpoints may redirect to. */
function trustOf(service: Declared, rule: DestinationRule | undefined): Trust | undefined {
  let trust = narrower(rule?.trust, undefined)
  for (const { document, endpoints } of service.all) {
    trust = common(trust, document.trust)
    for (const endpoint of endpoints) if (endpoint.trust !== undefined) trust = common(trust, endpoint.trust)
  }
  return trust
}

/** What later readers want to know without taking the name apart. */
function describe(service: Declared, port: ServicePort, rule: DestinationRule | undefined, subset: any): Record<string, unknown> {
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
