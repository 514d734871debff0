/**
 * Which ResiliencePolicy acts where. Per block the most specific target wins (route > host+subset+port > host+subset > host+port > host >
 * wildcard host, the longer first > "*"); then the client's namespace, the service's, the root; then load order. Envoy has no words for these blocks: what holds for a cluster
 * travels in its plan, and a route that has something of its own names it by a typed extension.
 */
import { isTrustedWith, narrower, type Trust } from '../core/trust.ts'
import type { Route, RouteConfiguration, VirtualHost } from '../envoy/index.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import { fullName } from '../rules/istio/hosts.ts'
import { originOf, setOrigin } from '../rules/istio/provenance.ts'
import { hashPolicies } from '../rules/istio/route-filters.ts'
import { namespaceOf } from '../rules/istio/select-documents.ts'
import { RESILIENCE } from '../traffic/routing/compiled-route.ts'
import { SPLIT } from '../traffic/routing/split.ts'
import { type Client, type Place, portOf, ROUTE, rankOf } from './resilience-targets.ts'
import { hostOf, namesOf } from './route-names.ts'

type Options = Record<string, unknown>

/** The blocks that apply to one cluster, as written. */
export interface Resilience {
  circuitBreaker?: Options
  bulkhead?: Options
  rateLimiter?: Options
  timeLimiter?: Options
  adaptiveConcurrency?: Options
  hedge?: Options
  cache?: Options
  fallback?: {
    directResponse?: { status?: number; body?: { string?: string; bytes?: string } }
    /** The cluster that is asked instead. */
    cluster?: string
    /** What bounds the endpoints of that cluster: the policy leads there what was on its way elsewhere. */
    trust?: Trust
  }
}

/** What a route has for itself, over what its cluster has. */
export interface RouteResilience extends Resilience {
  /** The breaker is the route's, whatever cluster it leads to: under this name. */
  breakerKey?: string
}

export interface ClusterResilience {
  readonly own: Resilience | undefined
  /** By the key that the route names. */
  readonly routes: { readonly [key: string]: RouteResilience } | undefined
}

export const BLOCKS = [
  'circuitBreaker',
  'bulkhead',
  'rateLimiter',
  'timeLimiter',
  'adaptiveConcurrency',
  'hedge',
  'cache',
  'fallback',
] as const

type Block = (typeof BLOCKS)[number]
interface Found {
  readonly rank: number
  readonly document: RuleDocument
  /** The target that won, without its namespace: policies for the same target share a route's breaker. */
  readonly target: string
}
type Chosen = Partial<Record<Block, Found>>

/** A route with what is needed to find its policies. */
interface NamedRoute {
  readonly key: string
  /** The host that it is for. */
  readonly host: string
  readonly names: readonly string[]
  readonly clusters: readonly string[]
}

/** Works out once what holds for all clusters and routes of a configuration. */
export class Policies {
  readonly #documents: readonly RuleDocument[]
  readonly #client: Client
  readonly #routes = new Map<string, NamedRoute[]>()

  constructor(documents: readonly RuleDocument[], routes: readonly RouteConfiguration[], client: Client) {
    this.#documents = documents.filter(d => d.kind === 'ResiliencePolicy')
    this.#client = client
    if (!this.#documents.some(ofRoutes)) return
    for (const { virtualHosts = [] } of routes)
      for (const host of virtualHosts)
        for (const route of host.routes ?? []) {
          const named = { key: keyOf(host, route), host: hostOf(host), names: namesOf(route), clusters: clustersOf(route) }
          for (const cluster of named.clusters) {
            const known = this.#routes.get(cluster)
            if (known === undefined) this.#routes.set(cluster, [named])
            else known.push(named)
          }
        }
  }

  of(cluster: string): ClusterResilience | undefined {
    const place = placeOf(cluster)
    if (this.#documents.length === 0 || place === undefined) return undefined
    const own = this.#chosen(place)
    const blocks = this.#blocks(own, place)
    if (own.circuitBreaker !== undefined && blocks !== undefined && perRoute(own.circuitBreaker)) delete blocks.circuitBreaker
    const routes: { [key: string]: RouteResilience } = {}
    for (const { key, host, names } of this.#routes.get(cluster) ?? []) {
      const all = this.#chosen({ ...place, route: names, routeHost: host })
      const differing: Chosen = {}
      for (const block of BLOCKS) {
        const found = all[block]
        if (found !== undefined && (found.document !== own[block]?.document || (block === 'circuitBreaker' && perRoute(found))))
          differing[block] = found
      }
      const special: RouteResilience | undefined = this.#blocks(differing, place)
      if (special === undefined) continue
      if (differing.circuitBreaker !== undefined && perRoute(differing.circuitBreaker))
        special.breakerKey = `${key}${differing.circuitBreaker.target}`
      routes[key] = special
    }
    const some = Object.keys(routes).length > 0
    const left = blocks !== undefined && Object.keys(blocks).length > 0
    return left || some ? { own: left ? blocks : undefined, routes: some ? routes : undefined } : undefined
  }

  /** For a host that no rule names: each is a cluster of its own. */
  ofUnnamed(host: string, port: number): ClusterResilience | undefined {
    if (this.#documents.length === 0) return undefined
    const place = placeUnnamed(host, port)
    const own = this.#blocks(this.#chosen(place), place)
    return own === undefined ? undefined : { own, routes: undefined }
  }

  documentsUnnamed(host: string, port: number): Partial<Record<Block, RuleDocument>> {
    return documentsOf(this.#chosen(placeUnnamed(host, port)))
  }

  /** The document that gives each block for a cluster, on a route of a host when one is named. */
  documents(cluster: string, route: Route | undefined, host: string): Partial<Record<Block, RuleDocument>> {
    const place = placeOf(cluster)
    if (place === undefined) return {}
    return documentsOf(this.#chosen({ ...place, route: route === undefined ? [] : namesOf(route), routeHost: host }))
  }

  /** The document that keeps callers of a weighted route at one destination. There is no destination yet, so that only a route, or "*", can be meant. */
  splitOf(route: Route, host: string): RuleDocument | undefined {
    if (clustersOf(route).length < 2) return undefined
    return this.#nearest({ host: '', subset: '', port: '', route: namesOf(route), routeHost: host }, ['split']).split?.document
  }

  /** Routes that have something of their own, named by an extension; the others are the same objects as before. */
  marked(routes: readonly RouteConfiguration[], plans: ReadonlyMap<string, ClusterResilience | undefined>): RouteConfiguration[] {
    if (this.#documents.length === 0) return [...routes]
    const markedRoute = (host: VirtualHost, route: Route): Route => {
      const key = keyOf(host, route)
      const clusters = clustersOf(route)
      const special = clusters.some(cluster => plans.get(cluster)?.routes?.[key] !== undefined)
      const missing = this.#standIns(
        clusters.filter(cluster => !plans.has(cluster)),
        key,
      )
      const by = this.splitOf(route, hostOf(host))?.spec.split.by
      if (!special && missing === undefined && by === undefined) return route
      const own = {
        ...((special || missing) && { [RESILIENCE]: { ...(special && { key }), ...(missing && { missing }) } }),
        ...(by && { [SPLIT]: { hashPolicy: hashPolicies(by) } }),
      }
      const copy = { ...route, typedPerFilterConfig: { ...route.typedPerFilterConfig, ...own } }
      const origin = originOf(route)
      return origin === undefined ? copy : setOrigin(copy, origin)
    }
    return routes.map(config => ({
      ...config,
      ...(config.virtualHosts && {
        virtualHosts: config.virtualHosts.map(host => ({ ...host, routes: (host.routes ?? []).map(route => markedRoute(host, route)) })),
      }),
    }))
  }

  /** The fallbacks of clusters that do not exist. */
  #standIns(clusters: readonly string[], key: string): Record<string, object> | undefined {
    const found: Record<string, object> = {}
    for (const cluster of clusters) {
      const plan = this.of(cluster)
      const fallback = plan?.routes?.[key]?.fallback ?? plan?.own?.fallback
      if (fallback !== undefined) found[cluster] = fallback
    }
    return Object.keys(found).length === 0 ? undefined : found
  }

  #chosen(place: Place): Chosen {
    return this.#nearest(place, BLOCKS)
  }

  /** For each block what speaks of it in the target that is nearest. */
  #nearest<B extends string>(place: Place, blocks: readonly B[]): Partial<Record<B, Found>> {
    const best: Partial<Record<B, Found>> = {}
    for (const document of this.#documents) {
      const namespace = namespaceOf(document)
      for (const target of document.spec?.targets ?? []) {
        const rank = rankOf(target, place, namespace, this.#client)
        if (rank < 0 || (rank === ROUTE && !isTrustedWith(document.trust, place.routeHost))) continue
        const near = rank + (namespace === this.#client.namespace ? 2 : place.host.includes(`.${namespace}.`) ? 1 : 0)
        const said = rank === ROUTE || target === '*' ? '' : `|${place.host}|${target.subset ?? ''}|${portOf(target) ?? ''}`
        for (const block of blocks)
          if (document.spec[block] !== undefined && near > (best[block]?.rank ?? -1)) best[block] = { rank: near, document, target: said }
      }
    }
    return best
  }

  #blocks(chosen: Chosen, place: Place): Resilience | undefined {
    const entries = Object.entries(chosen).map(([block, { document }]) => {
      const written = document.spec[block]
      return [block, block === 'fallback' ? this.#fallback(written, document, place) : written]
    })
    return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Resilience)
  }

  /** A destination by the name of its cluster; its port is that of the request unless it says another. */
  #fallback(written: any, document: RuleDocument, place: Place): Resilience['fallback'] {
    const { destination } = written
    if (destination === undefined) return written
    const host = fullName(destination.host, namespaceOf(document), this.#client.domain)
    const trust = host.toLowerCase() === place.host ? undefined : narrower(document.trust, undefined)
    return { cluster: `outbound|${portOf(destination) ?? place.port}|${destination.subset ?? ''}|${host}`, ...(trust && { trust }) }
  }
}

const ofRoutes = (document: RuleDocument): boolean =>
  document.spec?.circuitBreaker?.scope === 'route' || (document.spec?.targets ?? []).some((t: any) => t?.route !== undefined)

const documentsOf = (chosen: Chosen): Partial<Record<Block, RuleDocument>> =>
  Object.fromEntries(Object.entries(chosen).map(([block, found]) => [block, found.document]))

const placeUnnamed = (host: string, port: number): Place => ({
  host: host.toLowerCase(),
  subset: '',
  port: String(port),
  route: [],
  routeHost: '',
})

const perRoute = ({ document }: Found): boolean => document.spec.circuitBreaker?.scope === 'route'

function placeOf(cluster: string): Place | undefined {
  const [direction, port = '', subset = '', host = ''] = cluster.split('|')
  return direction === 'outbound' ? { host: host.toLowerCase(), subset, port, route: [], routeHost: '' } : undefined
}

/** Virtual host and name; a route without a name is known by what it matches. */
const keyOf = (host: VirtualHost, route: Route): string => `${host.name}|${route.name || JSON.stringify(route.match)}`

function clustersOf({ route }: Route): string[] {
  if (route === undefined) return []
  return route.weightedClusters === undefined ? [route.cluster ?? ''] : route.weightedClusters.clusters.map(c => c.name)
}
