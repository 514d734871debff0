/**
 * One route configuration per HTTP port, one virtual host per service in it. A service follows the most specific VirtualService that has
 * a route for it; the others follow the default route. Hosts that only a VirtualService knows are reachable where its services are, or on port 80.
 */
import type { Steps } from '../../base/time/slices.ts'
import type { Route, RouteConfiguration, VirtualHost } from '../../envoy/index.ts'
import { covers, domainsOf, isWildcard } from './hosts.ts'
import { defaultRoute, routesOf, type Surroundings } from './route-actions.ts'
import type { DestinationRules } from './select-destination-rule.ts'
import type { Caller } from './select-documents.ts'
import type { Egress } from './select-egress.ts'
import { isHttp, isSniffed, type Service } from './select-services.ts'
import { Speakers, type VirtualService, type VirtualServices } from './select-virtual-services.ts'

export function* buildRoutes(
  services: ReadonlyMap<string, Service>,
  virtualServices: VirtualServices,
  rules: DestinationRules,
  egress: Egress,
  caller: Caller,
): Steps<RouteConfiguration[]> {
  const ports = new Map<number, Service[]>()
  const declared = new Set<number>()
  const sniffed: [Service, number][] = []
  for (const service of services.values()) {
    for (const port of service.ports) {
      if (!isHttp(port) && !isSniffed(port)) continue
      if (!egress.sees(service.namespace, service.host, port.number)) continue
      if (isHttp(port)) declared.add(port.number)
      else sniffed.push([service, port.number])
      const same = ports.get(port.number)
      if (same === undefined) ports.set(port.number, [service])
      else same.push(service)
    }
  }
  const speakers = new Speakers(virtualServices.list)
  const configurations: RouteConfiguration[] = []
  for (const port of [...declared].sort((a, b) => a - b)) {
    const around: Surroundings = { caller, port, services, rules }
    const here = ports.get(port)!
    const virtualHosts = yield* hostsOn(here, virtualServices.list, speakers, around)
    virtualHosts.push(egress.mode === 'REGISTRY_ONLY' ? blockAll() : allowAny())
    configurations.push(configuration(String(port), virtualHosts))
  }
  // What is recognised from its first bytes has a configuration of its own, for whatever Host it carries.
  for (const [service, port] of sniffed) {
    const routes = serviceRoutes(service, speakers, { caller, port, services, rules })
    configurations.push(configuration(`${service.host}:${port}`, [virtualHost(service.host, port, ['*'], routes)]))
  }
  return configurations
}

function configuration(name: string, virtualHosts: VirtualHost[]): RouteConfiguration {
  return { name, virtualHosts, validateClusters: false, ignorePortInHostMatching: true, maxDirectResponseBodySizeBytes: 1048576 }
}

function virtualHost(host: string, port: number, domains: string[], routes: Route[]): VirtualHost {
  return { name: `${host}:${port}`, domains, routes, includeRequestAttemptCount: true }
}

function serviceRoutes(service: Service, speakers: Speakers, around: Surroundings): Route[] {
  for (const virtualService of speakers.for(service.host)) {
    const routes = routesOf(virtualService.rules, around)
    if (routes.length > 0) return routes
  }
  return [defaultRoute(service, around)]
}

function* hostsOn(
  here: readonly Service[],
  list: readonly VirtualService[],
  speakers: Speakers,
  around: Surroundings,
): Steps<VirtualHost[]> {
  const { port, caller } = around
  const out: VirtualHost[] = []
  const taken = new Set<string>() // a domain may stand in one virtual host only
  const add = (host: string, domains: string[], routes: Route[]) => {
    const free = domains.filter(domain => !taken.has(domain))
    if (free.length === 0) return
    for (const domain of free) taken.add(domain)
    out.push(virtualHost(host, port, free, routes))
  }
  const known = new Set(here.map(service => service.host))
  const isSpokenFor = (host: string) => known.has(host) || (isWildcard(host) && here.some(service => covers(host, service.host)))
  for (const service of here) {
    add(service.host, domainsOf(service.host, service.addresses, caller.namespace), serviceRoutes(service, speakers, around))
    yield
  }
  for (const { hosts, rules } of list) {
    const lone = hosts.filter(host => !isSpokenFor(host))
    if (lone.length === 0 || (port !== 80 && lone.length === hosts.length)) continue
    const routes = routesOf(rules, around)
    if (routes.length > 0) for (const host of lone) add(host, [host], routes)
  }
  return out
}

/** A call to an unknown host goes where it wanted to go: no timeout, no retries. */
function allowAny(): VirtualHost {
  const route: Route = { name: 'allow_any', match: { prefix: '/' }, route: { cluster: 'PassthroughCluster', timeout: '0s' } }
  return { name: 'allow_any', domains: ['*'], routes: [route], includeRequestAttemptCount: true }
}

function blockAll(): VirtualHost {
  const route: Route = { name: 'block_all', match: { prefix: '/' }, directResponse: { status: 502 } }
  return { name: 'block_all', domains: ['*'], routes: [route], includeRequestAttemptCount: true }
}
