/** What would happen to a request, and why: every route tried with each condition, the clusters and who of them may answer, limits and policy. */
import { anything, type InputOf, readOptions, string } from '../core/schema/index.ts'
import { forbiddenKind, type Trust } from '../core/trust.ts'
import type { Cluster, Route } from '../envoy/index.ts'
import { isEncryptedRoute } from '../rules/istio/encrypted-ports.ts'
import { fullName } from '../rules/istio/hosts.ts'
import { originOf } from '../rules/istio/provenance.ts'
import { callerOf, namespaceOf } from '../rules/istio/select-documents.ts'
import type { ClusterRuntime } from '../traffic/engine/cluster-runtime.ts'
import type { CompiledRoute } from '../traffic/routing/compiled-route.ts'
import { hashOf } from '../traffic/upstream/hash.ts'
import { localityText } from './endpoints.ts'
import { clusterValues, type Place, placeOf, routeValues, unnamedValues, type Value } from './explain-values.ts'
import type { MeshCore } from './mesh.ts'
import { type LookedAt, viewOf } from './request-view.ts'
import { hostOf } from './route-names.ts'
import { keyOf } from './rule-set.ts'

/** As fetch takes them. */
export type ExplainHeaders = NonNullable<ConstructorParameters<typeof Headers>[0]>

export const explainFields = {
  method: string('Method.', { default: 'GET' }),
  url: string('What is asked for, e.g. `http://reviews:9080/reviews/1`.', { required: true }),
  headers: anything<ExplainHeaders>('Headers, as fetch takes them. Default: none.'),
} as const

export interface ExplainRequest extends InputOf<typeof explainFields> {}

/** A route that was looked at. */
export interface TriedRoute {
  /** Its name, or `#2` for the second of its host. */
  route: string
  chosen: boolean
  conditions: readonly { text: string; held: boolean }[]
  /** The rule it was made from. */
  rule?: Place
}

export interface ExplainedEndpoint {
  address: string
  labels: Record<string, string>
  locality: string
  priority: number
  weight: number
  health: string
  /** Requests under way on it. */
  active: number
  /** Whether it may be chosen now. */
  candidate: boolean
  /** `in`, or `out: ` and the reason. */
  why: string
}

export interface ExplainedDestination {
  cluster: string
  /** Share of the requests. */
  percent: number
  endpoints: ExplainedEndpoint[]
  /** Names (`host:port`) that DNS is asked for its endpoints. */
  names: string[]
  /** Pool limits of the cluster with their current use. */
  limits: Record<string, { limit: number; used: number }>
  /** What stands in front of the cluster, with its state and figures. */
  policies: Record<string, unknown>
  /** What is in force for it and who said so. */
  policy: Value[]
}

export interface Explanation {
  host: string
  port: number
  /** In a sentence. */
  verdict: string
  virtualHost: string | undefined
  /** Every route tried, in order, to the one that was chosen. */
  tried: TriedRoute[]
  /** Name of the chosen route; `undefined` when none matched. */
  route: string | undefined
  /** The rule behind the chosen route. */
  rule: Place | undefined
  /** What is in force for the route and who said so: timeout, retries, faults. */
  policy: Value[]
  destinations: ExplainedDestination[]
  /** The one of them where this caller stays; `undefined`: chance decides, or there is only one. */
  staysAt: string | undefined
  /** Version of the rules, and how far they take effect. */
  version: number
  mode: 'enforce' | 'observe' | 'off'
  warnings: string[]
}

/** @throws OptionsError for what is no request, TypeError for a URL or headers that fetch would refuse. */
export function explain(core: MeshCore, request: ExplainRequest): Explanation {
  const { method, url, headers } = readOptions(explainFields, request, 'explain')
  if (!URL.canParse(url)) throw new TypeError(`explain: url: ${JSON.stringify(url)} is no absolute URL, e.g. http://reviews:9080/reviews/1`)
  const view = viewOf(method, url, new Headers(headers))
  const { table, clusters, allowAny } = core.engine
  const warnings: string[] = []
  const { virtualHost, routes } = table.explain(view)
  const found = table.match(view)
  const configured = routesOf(core, view.port, virtualHost)
  const named = hostOf({ name: virtualHost ?? '' })
  const tried = routes.map((entry, at): TriedRoute => {
    const origin = configured[at] && originOf(configured[at])
    const name = entry.route || `#${at + 1}`
    const rule = origin && placeOf(origin.document, origin.match ?? origin.path)
    return { route: name, chosen: entry.chosen, conditions: entry.conditions, ...(rule && { rule }) }
  })
  const at = tried.findIndex(entry => entry.chosen)
  const route = at < 0 ? undefined : configured[at]
  const host = view.authority.replace(/:\d+$/, '')
  const passing = allowAny && !table.has(view.port) ? [{ cluster: 'PassthroughCluster', percent: 100 }] : []
  const destinations = (found?.shares() ?? passing).map(({ cluster, percent }): ExplainedDestination => {
    if (cluster === 'PassthroughCluster') return unnamedDestination(core, view.scheme, host, view.port, percent)
    const runtime = clusters.get(cluster)
    if (runtime === undefined)
      warnings.push(`${cluster} does not exist: answered ${found?.missing?.[cluster] ? 'by the fallback of its policies' : '503 NC'}`)
    const bounds = found?.trust?.clusters.has(cluster) ? found.trust.addresses : undefined
    const endpoints = runtime === undefined ? [] : endpointsOf(runtime, core, bounds)
    if (runtime !== undefined && runtime.original === undefined && endpoints.length === 0)
      warnings.push(`${cluster} has no endpoint: answered 503 UH${runtime.leftOut === undefined ? '' : `; ${runtime.leftOut.message}`}`)
    return {
      cluster,
      percent,
      endpoints,
      names: namesOf(core.rules.compiled.clusters.get(cluster)?.config),
      limits: runtime?.limitsInUse() ?? {},
      policies: runtime?.guardOf(found?.policies)?.snapshot() ?? {},
      policy: clusterValues(core, cluster, route, named),
    }
  })
  if (found === undefined)
    warnings.push(
      table.has(view.port)
        ? 'no route matches: answered 404'
        : `no rule speaks of port ${view.port}: ${allowAny ? 'passes ungoverned' : 'answered 502'}`,
    )
  if (route !== undefined && isEncryptedRoute(route))
    warnings.push(`port ${view.port} is HTTPS: Istio makes no HTTP routes for it; here every request goes to its cluster`)
  if (route === undefined || originOf(route) === undefined) for (const rule of rulesOfOthers(core, host)) warnings.push(rule)
  if (core.mode !== 'enforce') warnings.push(`the mesh is in mode ${core.mode}: requests go ungoverned`)
  const origin = route && originOf(route)
  const staysAt = found && stayOf(found, view, core)
  return {
    host,
    port: view.port,
    verdict: verdictOf(route, destinations, staysAt, table.has(view.port), allowAny),
    virtualHost,
    tried,
    route: found?.name,
    rule: origin && placeOf(origin.document, origin.match ?? origin.path),
    policy: route === undefined ? [] : routeValues(core, route, named),
    destinations,
    staysAt,
    version: core.rules.version,
    mode: core.mode,
    warnings,
  }
}

/** A short host means the service of that name in the rule's namespace, and so does a short host of a request. */
function rulesOfOthers(core: MeshCore, host: string): string[] {
  const { namespace: own, domain } = callerOf(core.settings.workload, core.settings.meshConfig)
  const found: string[] = []
  for (const document of core.rules.compiled.written) {
    const namespace = namespaceOf(document)
    const { hosts = [], gateways = ['mesh'] } = document.spec ?? {}
    if (document.kind !== 'VirtualService' || namespace === own || !gateways.includes('mesh')) continue
    const wanted = fullName(host, namespace, domain).toLowerCase()
    if (hosts.some((name: string) => fullName(name, namespace, domain).toLowerCase() === wanted))
      found.push(
        `${keyOf(document)} holds for callers in namespace ${namespace}; this one is in ${own}: set workload.namespace, or --namespace ${namespace} on the command line`,
      )
  }
  return found
}

/** A host that no rule names: a cluster of its own, once it was asked for. */
function unnamedDestination(core: MeshCore, scheme: string, host: string, port: number, percent: number): ExplainedDestination {
  const cluster = 'PassthroughCluster'
  const known = core.dynamicHosts.get(`${cluster}|${scheme}|${host}|${port}`)
  const policies = known?.guardOf(undefined)?.snapshot() ?? {}
  const policy = unnamedValues(core, host, port)
  return { cluster, percent, endpoints: [], names: [`${host}:${port}`], limits: known?.limitsInUse() ?? {}, policies, policy }
}

function namesOf(config: Cluster | undefined): string[] {
  if (config?.type !== 'STRICT_DNS' && config?.type !== 'LOGICAL_DNS') return []
  const entries = (config.loadAssignment?.endpoints ?? []).flatMap(group => group.lbEndpoints ?? [])
  return entries.flatMap(({ endpoint }) => {
    const at = endpoint?.address?.socketAddress
    return at === undefined ? [] : [`${at.address}:${at.portValue}`]
  })
}

function routesOf(core: MeshCore, port: number, virtualHost: string | undefined): readonly Route[] {
  const config = core.rules.compiled.config.routes.find(c => Number(c.name) === port)
  return config?.virtualHosts?.find(host => host.name === virtualHost)?.routes ?? []
}

function verdictOf(
  route: Route | undefined,
  destinations: readonly ExplainedDestination[],
  staysAt: string | undefined,
  spoken: boolean,
  allowAny: boolean,
): string {
  if (!spoken) return allowAny ? 'passes ungoverned' : 'answered 502'
  if (route === undefined) return 'answered 404 NR: no route matches'
  if (route.redirect !== undefined) return 'redirected'
  if (route.directResponse !== undefined) return `answered ${route.directResponse.status} by the rule itself`
  if (staysAt !== undefined) return `sent to ${staysAt}, as always with this caller`
  const shares = destinations.map(({ cluster, percent }) => (percent === 100 ? cluster : `${Math.round(percent * 100) / 100} % ${cluster}`))
  return `sent to ${shares.join(', ')}`
}

/** A cookie that is yet to be made decides nothing. */
function stayOf({ splitsBy, clusterFor }: CompiledRoute, view: LookedAt, core: MeshCore): string | undefined {
  const found = splitsBy && hashOf(splitsBy, view, core.engine.clientAddress)
  return found?.hash === undefined || found.setCookies.length > 0 ? undefined : clusterFor!(0, view, found.hash).cluster
}

/** `bounds`: the trust of the rules that lead to them. */
function endpointsOf(runtime: ClusterRuntime, core: MeshCore, bounds: Trust | undefined): ExplainedEndpoint[] {
  const hosts = runtime.hosts()
  const config = core.rules.compiled.clusters.get(runtime.name)?.config
  const given = config?.commonLbConfig?.healthyPanicThreshold
  const threshold = given === undefined ? 50 : (given.value ?? 0)
  const now = core.settings.clock.now()
  const shareOf = (priority: number) => {
    const level = hosts.filter(host => host.priority === priority)
    return level.length === 0 ? 0 : (100 * level.filter(host => host.health === 'healthy').length) / level.length
  }
  return hosts.map(host => {
    const share = shareOf(host.priority)
    const left = host.ejectedUntil === undefined ? '' : ` for ${Math.max(0, Math.round(host.ejectedUntil - now))} ms more`
    let why = host.health === 'healthy' ? 'in' : host.health === 'ejected' ? `out: ejected${left}` : `out: ${host.health}`
    if (host.health === 'degraded' && share < 100 / 1.4) why = 'in: degraded, and the healthy ones are too few'
    const healthier = [...new Set(hosts.map(h => h.priority))].find(p => p < host.priority && shareOf(p) * 1.4 >= 100)
    if (healthier !== undefined) why = `out: priority ${healthier} is healthy enough (${Math.round(shareOf(healthier))} %)`
    else if (why.startsWith('out') && share < threshold) why = `in: panic, only ${Math.round(share)} % of its priority are healthy; ${why}`
    const kind = forbiddenKind(bounds, host.address)
    if (kind !== undefined) why = `out: ${kind}, and the source of the route is not trusted with it`
    return { ...host, locality: localityText(host.locality), candidate: why.startsWith('in'), why }
  })
}
