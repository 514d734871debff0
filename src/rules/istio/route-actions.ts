/** One HTTP rule of a VirtualService as Envoy routes: one per condition, with its action, rewrites, retries, mirrors and faults. */
import type { HashPolicy, RedirectAction, Route, RouteAction, WeightedCluster } from '../../envoy/index.ts'
import { protoDuration } from './cluster-policy.ts'
import { clusterName } from './clusters.ts'
import type { HttpRule } from './delegates.ts'
import { setOrigin } from './provenance.ts'
import { corsOf, faultOf, hashPolicies, mirrorsOf } from './route-filters.ts'
import { applyHeaders } from './route-headers.ts'
import { concerns, isCatchAll, routeMatch } from './route-match.ts'
import { retryPolicy } from './route-retry.ts'
import type { DestinationRules } from './select-destination-rule.ts'
import type { Caller } from './select-documents.ts'
import type { Declared } from './select-services.ts'
import { withTrust } from './trust/routes.ts'

/** What a route on one port may refer to. */
export interface Surroundings {
  caller: Caller
  port: number
  services: ReadonlyMap<string, Declared>
  rules: DestinationRules
}

/** The routes of a VirtualService on a port; those after one that takes everything are left out. */
export function routesOf(rules: readonly HttpRule[], around: Surroundings): Route[] {
  const routes: Route[] = []
  for (const rule of rules) {
    const { http, document, path } = rule
    if (!http.match?.length) {
      const route = withTrust(toRoute(http, undefined, around), rule, around.caller)
      routes.push(setOrigin(route, { document, path, match: undefined }))
      break
    }
    for (const [index, match] of http.match.entries()) {
      if (!concerns(match, around.caller, around.port)) continue
      const route = withTrust(toRoute(http, match, around), rule, around.caller)
      routes.push(setOrigin(route, { document, path, match: `${path}.match[${index}]` }))
      if (isCatchAll(route.match)) return routes
    }
  }
  return routes
}

/** The route of a service about which no VirtualService speaks. */
export function defaultRoute(service: Declared, around: Surroundings): Route {
  const action: RouteAction = { cluster: clusterName(around.port, '', service.host), ...timeouts('0s') }
  const hash = hashPolicies(hashOnPort(service, around))
  if (hash.length > 0) action.hashPolicy = hash
  const retries = retryPolicy(undefined, around.caller.mesh.defaultHttpRetryPolicy, false)
  if (retries !== undefined) action.retryPolicy = retries
  return { name: 'default', match: { prefix: '/' }, route: action }
}

function toRoute(http: any, match: any, around: Surroundings): Route {
  const route: Route = { match: routeMatch(match) }
  if (match?.statPrefix) route.statPrefix = match.statPrefix
  const name = match?.name ? `${http.name ?? ''}.${match.name}` : http.name
  if (name) route.name = name
  const authority = applyHeaders(route, http.headers)

  if (http.redirect != null) {
    const redirect = redirectOf(http.redirect, around.port)
    if (redirect !== undefined) route.redirect = redirect
  } else if (http.directResponse != null) {
    route.directResponse = directResponseOf(http.directResponse)
  } else {
    route.route = actionOf(http, route, authority, around)
  }

  const fault = faultOf(http.fault)
  const cors = corsOf(http.corsPolicy)
  if (fault !== undefined || cors !== undefined) route.typedPerFilterConfig = {}
  if (fault !== undefined) route.typedPerFilterConfig!['envoy.filters.http.fault'] = fault
  if (cors !== undefined) route.typedPerFilterConfig!['envoy.filters.http.cors'] = cors
  return route
}

function actionOf(http: any, route: Route, authority: string | undefined, around: Surroundings): RouteAction {
  const action: RouteAction = timeouts(http.timeout == null ? '0s' : protoDuration(http.timeout))
  const { uri, uriRegexRewrite, authority: rewritten } = http.rewrite ?? {}
  if (uriRegexRewrite != null)
    action.regexRewrite = { pattern: { regex: uriRegexRewrite.match }, substitution: uriRegexRewrite.rewrite ?? '' }
  else if (uri) action.prefixRewrite = uri
  if (rewritten || authority) action.hostRewriteLiteral = rewritten || authority

  const destinations: any[] = http.route ?? []
  const hashes: HashPolicy[] = []
  const hashed = destinations.length === 1 && hashFor(destinations[0].destination, around) !== undefined
  if (destinations.length === 1) {
    const [{ destination, headers }] = destinations as [any]
    action.cluster = clusterOf(destination, around)
    const own = applyHeaders(route, headers) // after the route's own, so that the destination's `set` wins
    if (own !== undefined) action.hostRewriteLiteral ??= own
    hashes.push(...hashPolicies(hashFor(destination, around)))
  } else {
    const clusters: WeightedCluster[] = []
    for (const { destination, weight, headers } of destinations) {
      if (!Number(weight)) continue
      const cluster: WeightedCluster = { name: clusterOf(destination, around), weight: Number(weight) }
      const own = applyHeaders(cluster, headers)
      if (own !== undefined) cluster.hostRewriteLiteral = own
      clusters.push(cluster)
      hashes.push(...hashPolicies(hashFor(destination, around))) // also when another destination has said the same
    }
    action.weightedClusters = { clusters }
  }
  if (hashes.length > 0) action.hashPolicy = hashes

  const retries = retryPolicy(http.retries, around.caller.mesh.defaultHttpRetryPolicy, hashed)
  if (retries !== undefined) action.retryPolicy = retries
  const mirrors = mirrorsOf(http, destination => clusterOf(destination, around))
  if (mirrors.length > 0) action.requestMirrorPolicies = mirrors
  return action
}

/** The route's time; it bounds the `grpc-timeout` of gRPC requests as well, which holds where the route has none. */
export function timeouts(timeout: string): Pick<RouteAction, 'timeout' | 'maxGrpcTimeout'> {
  return { timeout, maxGrpcTimeout: timeout }
}

/** The port a destination means: its own, else the one the call came to (a sidecar knows no other port of a service there). */
export function portOf(destination: any, port: number): number {
  return Number(destination.port?.number) || port
}

function clusterOf(destination: any, { port }: Surroundings): string {
  return clusterName(portOf(destination, port), destination.subset ?? '', destination.host)
}

/**
 * The hash for a destination. Other than the policy of its cluster it is looked for place by place: what a subset or a port leaves out
 * comes from the rule; entries for a port count only when the destination names the port.
 */
function hashFor(destination: any, { services, rules }: Surroundings): any {
  const service = services.get(destination.host)
  const rule = service && rules.of(service)
  if (rule === undefined) return undefined
  const subset = rule.subsets.find(({ name }) => name === (destination.subset ?? ''))?.trafficPolicy
  const port = Number(destination.port?.number) || undefined
  return (
    hashAt(subset, port) ??
    subset?.loadBalancer?.consistentHash ??
    hashAt(rule.trafficPolicy, port) ??
    rule.trafficPolicy?.loadBalancer?.consistentHash
  )
}

/** The hash of a service about which no VirtualService speaks. */
function hashOnPort(service: Declared, { rules, port }: Surroundings): any {
  const policy = rules.of(service)?.trafficPolicy
  return hashAt(policy, port) ?? policy?.loadBalancer?.consistentHash
}

function hashAt(policy: any, port: number | undefined): any {
  if (port === undefined) return undefined
  return policy?.portLevelSettings?.find((entry: any) => Number(entry.port?.number) === port)?.loadBalancer?.consistentHash
}

const REDIRECTS: Record<number, RedirectAction['responseCode'] | 'default'> = {
  0: 'default',
  301: 'default', // proto3's zero value
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
}

export function isRedirectCode(code: unknown): boolean {
  return REDIRECTS[Number(code ?? 0)] !== undefined
}

/** `undefined`: a code that Envoy does not know; istiod then sends a route without any action. */
function redirectOf(redirect: any, port: number): RedirectAction | undefined {
  const code = REDIRECTS[Number(redirect.redirectCode ?? 0)]
  if (code === undefined) return undefined
  const out: RedirectAction = {}
  if (redirect.prefixRewrite) out.prefixRewrite = redirect.prefixRewrite
  else if (redirect.uri) out.pathRedirect = redirect.uri
  if (redirect.authority) out.hostRedirect = redirect.authority
  if (redirect.scheme) out.schemeRedirect = redirect.scheme
  const wanted = redirect.derivePort === 'FROM_REQUEST_PORT' ? port : Number(redirect.port ?? 0)
  const usual = (redirect.scheme || 'http') === 'https' ? 443 : 80
  if (wanted && wanted !== usual) out.portRedirect = wanted
  if (code !== 'default') out.responseCode = code
  return out
}

function directResponseOf({ status, body }: any): NonNullable<Route['directResponse']> {
  if (body?.string != null) return { status: Number(status), body: { inlineString: body.string } }
  if (body?.bytes != null) return { status: Number(status), body: { inlineBytes: body.bytes } }
  return { status: Number(status) }
}
