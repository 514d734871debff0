/**
 * One route configuration per HTTP port, one virtual host per service in it. A service follows the most specific VirtualService that has
 * a route for it; the others follow the default route. Hosts that only a VirtualService knows are reachable where its services are, or on port 80.
 */
import type { Steps } from '../../base/time/slices.ts'
import type { Route, RouteConfiguration, VirtualHost } from '../../envoy/index.ts'
import { clusterName } from './clusters.ts'
import { domainsOf, inBrackets, isWildcard, overlaps } from './hosts.ts'
import { defaultRoute, routesOf, type Surroundings, timeouts } from './route-actions.ts'
import type { DestinationRules } from './select-destination-rule.ts'
import type { Caller } from './select-documents.ts'
import { type Listener, listenerFor, type Scope } from './select-egress.ts'
import { isHeadless, isHttp, isSniffed, type Service } from './select-services.ts'
import { Speakers, type VirtualService } from './select-virtual-services.ts'
import { bounded } from './trust/routes.ts'

export function* buildRoutes(scope: Scope, rules: DestinationRules, caller: Caller): Steps<RouteConfiguration[]> {
  const services = new Map(scope.services.map(service => [service.host, service]))
  const configurations: RouteConfiguration[] = []
  for (const { port, listener, http, sniffed } of listening(scope)) {
    const around: Surroundings = { caller, port, services, rules }
    const speakers = new Speakers(listener.virtualServices)
    const here = oneOfEachHost(listener.services.filter(service => service.ports.some(({ number }) => number === port)).map(inLowerCase))
    if (http) {
      const virtualHosts = yield* hostsOn(here, listener, speakers, around)
      virtualHosts.push(forUnknown(scope))
      configurations.push(configuration(String(port), virtualHosts))
    }
    // What is recognised from its first bytes has a configuration of its own, for whatever Host it carries.
    for (const service of oneOfEachHost(sniffed)) {
      const routes = serviceRoutes(inLowerCase(service), speakers, around)
      configurations.push(configuration(`${service.host}:${port}`, [virtualHost(service.host, port, ['*'], routes)]))
    }
  }
  return configurations
}

/** Of a service with several addresses, or several entries, the last one gives the names under which it is called. */
export function oneOfEachHost(services: readonly Service[]): Service[] {
  return [...new Map(services.map(service => [service.host, service])).values()]
}

/**
 * Hosts of requests are compared in lower case, so istiod writes routes for them so. Clusters keep the letters of their ServiceEntry: the
 * default route of a host with capitals leads to a cluster that is not there, while a VirtualService may name it as it is written.
 */
function inLowerCase(service: Service): Service {
  const host = service.host.toLowerCase()
  return host === service.host ? service : { ...service, host }
}

interface Listening {
  port: number
  listener: Listener
  /** Somebody may be called here by the name in the Host header. */
  http: boolean
  /** Those with an address of their own, on which HTTP is recognised from its first bytes. */
  sniffed: Service[]
}

const EVERYWHERE = '0.0.0.0'

/** The ports on which HTTP may be spoken, in order. */
function listening(scope: Scope): Listening[] {
  const ports = new Map<number, Listening>()
  const first = new Map<string, string>() // by address and port, the protocol of whoever came first
  const portOf = (port: number, listener: Listener): Listening => {
    let known = ports.get(port)
    if (known === undefined) ports.set(port, (known = { port, listener, http: false, sniffed: [] }))
    return known
  }
  for (const listener of scope.listeners) {
    // A Sidecar's own port is listened on though no service has it: calls to it are calls to unknown hosts.
    if (listener.port !== undefined && listener.protocol !== 'HTTP_PROXY' && isHttp(listener)) portOf(listener.port, listener).http = true
    for (const service of listener.services)
      for (const port of service.ports) {
        if (listenerFor(scope, port.number) !== listener) continue
        const spoken = listener.protocol === '' ? port : listener
        for (const bind of listener.bind === undefined ? bindsOf(service, spoken) : [listener.bind]) {
          const key = `${bind} ${port.number}`
          const before = first.get(key)
          if (before === undefined) first.set(key, spoken.protocol)
          if (!isHttp(spoken) && !isSniffed(spoken)) continue
          if (before === 'MONGO' || before === 'MYSQL') continue // there the server speaks first: nothing can be recognised
          const known = portOf(port.number, listener)
          if (isHttp(spoken) || bind === EVERYWHERE) known.http = true
          else if (before !== '') known.sniffed.push(service) // of several at one address the first
        }
      }
  }
  return [...ports.values()].filter(({ http, sniffed }) => http || sniffed.length > 0).sort((a, b) => a.port - b.port)
}

/** Where a service is listened for: HTTP everywhere, since the Host tells services apart; all else at the service's or its endpoints' own address. */
function bindsOf({ address, resolution, endpoints, selects }: Service, spoken: { protocol: string }): string[] {
  if (isHttp(spoken)) return [EVERYWHERE]
  if (address !== undefined) return [address.includes('/') ? EVERYWHERE : address]
  if (resolution !== 'NONE' || (endpoints.length === 0 && !selects)) return [EVERYWHERE]
  return endpoints.map(endpoint => endpoint.address)
}

export function configuration(name: string, virtualHosts: VirtualHost[]): RouteConfiguration {
  return { name, virtualHosts, validateClusters: false, ignorePortInHostMatching: true, maxDirectResponseBodySizeBytes: 1048576 }
}

export function virtualHost(host: string, port: number, domains: string[], routes: Route[]): VirtualHost {
  return { name: `${host}:${port}`, domains, routes, includeRequestAttemptCount: true }
}

function serviceRoutes(service: Service, speakers: Speakers, around: Surroundings): Route[] {
  for (const virtualService of speakers.for(service.host)) {
    const routes = routesOf(virtualService.rules, around)
    if (routes.length > 0) return routes
  }
  return [defaultRoute(service, around)]
}

/** The virtual hosts of a port: what VirtualServices speak for, in their order, then the services nobody speaks for. */
function* hostsOn(here: readonly Service[], listener: Listener, speakers: Speakers, around: Surroundings): Steps<VirtualHost[]> {
  const { port, caller } = around
  const out: VirtualHost[] = []
  const names = new Set<string>()
  const taken = new Set<string>() // a domain may stand in one virtual host only
  const known = new Map(here.map(service => [service.host, service]))
  const add = (host: string, domains: readonly string[], shortened: readonly string[], routes: Route[]) => {
    if (names.has(host)) return
    names.add(host)
    const free = domains.filter(domain => !taken.has(domain) && !(shortened.includes(domain) && known.has(domain)))
    if (free.length === 0) return
    for (const domain of free) taken.add(domain)
    out.push(virtualHost(host, port, free, routes))
  }
  const addService = (service: Service, routes: Route[]) => {
    const { domains, shortened } = domainsOf(service.host, service.address, caller, isHeadless(service))
    add(service.host, domains, shortened, routes)
  }
  const spokenFor = spokenServices(
    here.filter(service => speaksHttp(service, port)),
    speakers,
  )
  const done = new Set<Service>()
  for (const virtualService of listener.virtualServices) {
    yield
    const own = spokenFor.get(virtualService) ?? []
    // A rule whose hosts are no services here is heard on port 80 all the same.
    if (own.length === 0 && port !== 80) continue
    const lone = virtualService.hosts.filter(host => !isKnown(host, known))
    if (own.length === 0 && lone.length === 0) continue
    const routes = routesOf(virtualService.rules, around)
    if (routes.length === 0) continue
    for (const host of lone) add(host, [inBrackets(host)], [], routes)
    for (const service of own) {
      done.add(service)
      addService(service, routes)
    }
  }
  for (const service of here) {
    if (done.has(service) || !speaksHttp(service, port)) continue
    yield
    addService(service, [defaultRoute(service, around)])
  }
  return out
}

function speaksHttp(service: Service, port: number): boolean {
  return service.ports.some(own => own.number === port && (isHttp(own) || isSniffed(own)))
}

/** Which services each VirtualService may speak for. */
function spokenServices(here: readonly Service[], speakers: Speakers): Map<VirtualService, Service[]> {
  const spoken = new Map<VirtualService, Service[]>()
  for (const service of here)
    for (const virtualService of speakers.for(service.host)) {
      const same = spoken.get(virtualService)
      if (same === undefined) spoken.set(virtualService, [service])
      else same.push(service)
    }
  return spoken
}

/** Whether a host of a rule is, or has to do with, a service on this port. */
function isKnown(host: string, known: ReadonlyMap<string, Service>): boolean {
  if (known.has(host)) return true
  if (!isWildcard(host)) return false
  for (const name of known.keys()) if (overlaps(name, host)) return true
  return false
}

/** What is done with calls to hosts that nobody declares. */
export function forUnknown(scope: Scope): VirtualHost {
  return scope.mode === 'REGISTRY_ONLY' ? blockAll() : allowAny(scope)
}

/** A call to an unknown host goes where it wanted to go, or to the Sidecar's proxy: no timeout, no retries. */
function allowAny({ proxy, trust }: Scope): VirtualHost {
  const cluster = proxy === undefined ? 'PassthroughCluster' : clusterName(proxy.port?.number ?? 0, proxy.subset ?? '', proxy.host)
  const route: Route = { name: 'allow_any', match: { prefix: '/' }, route: { cluster, ...timeouts('0s') } }
  if (trust !== undefined) bounded(route, trust, [cluster])
  return { name: 'allow_any', domains: ['*'], routes: [route], includeRequestAttemptCount: true }
}

function blockAll(): VirtualHost {
  const route: Route = { name: 'block_all', match: { prefix: '/' }, directResponse: { status: 502 } }
  return { name: 'block_all', domains: ['*'], routes: [route], includeRequestAttemptCount: true }
}
