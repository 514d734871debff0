/**
 * Routes carry the trust of the documents that wrote them: a route may lead to a service of other
 * documents, and what it leads to is known only when an endpoint is chosen.
 */
import { narrower, TRUST, type Trust } from '../../../core/trust.ts'
import type { Route } from '../../../envoy/index.ts'
import type { HttpRule } from '../delegates.ts'
import { type Caller, hostIn } from '../select-documents.ts'

/** The extension of a route: see `TRUST`. */
export interface RouteTrust {
  /** What bounds the redirects that come back by this route. */
  readonly addresses: Trust
  /** The clusters whose endpoints are bounded by it as well. */
  readonly clusters: readonly string[]
}

/** A route with the trust of its documents, where that bounds addresses. */
export function withTrust(route: Route, { document, root }: HttpRule, caller: Caller): Route {
  const trust = narrower(document.trust, root.trust)
  if (trust === undefined) return route
  const hosts: unknown[] = root.spec?.hosts ?? []
  // Requests for the service itself go there without the rule as well: it does not lead them there.
  const isOwn = (cluster: string) =>
    hosts.every(host => hostIn(root, String(host), caller).toLowerCase() === cluster.slice(cluster.lastIndexOf('|') + 1).toLowerCase())
  return bounded(
    route,
    trust,
    clustersOf(route).filter(cluster => !isOwn(cluster)),
  )
}

export function bounded(route: Route, addresses: Trust, clusters: readonly string[]): Route {
  const trust: RouteTrust = { addresses, clusters }
  route.typedPerFilterConfig = { ...route.typedPerFilterConfig, [TRUST]: trust }
  return route
}

function clustersOf({ route }: Route): string[] {
  const weighted = route?.weightedClusters?.clusters.map(({ name }) => name) ?? []
  const mirrors = route?.requestMirrorPolicies?.map(({ cluster }) => cluster) ?? []
  return [...new Set([route?.cluster, ...weighted, ...mirrors].filter(name => name !== undefined))]
}
