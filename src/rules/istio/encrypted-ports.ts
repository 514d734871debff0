/**
 * Ports of protocol HTTPS and TLS. What is encrypted when it reaches the sidecar has no HTTP routes, so istiod makes none. In the caller's
 * own process a request is seen before it is encrypted: it gets one route, to the cluster of its service. VirtualServices are not asked.
 */
import type { Route, RouteConfiguration } from '../../envoy/index.ts'
import { domainsOf } from './hosts.ts'
import { originOf } from './provenance.ts'
import { defaultRoute } from './route-actions.ts'
import { configuration, forUnknown, oneOfEachHost, virtualHost } from './routes.ts'
import type { DestinationRules } from './select-destination-rule.ts'
import type { Caller } from './select-documents.ts'
import { listenerFor, type Scope } from './select-egress.ts'
import { isHeadless } from './select-services.ts'

const ENCRYPTED = 'encrypted'

/** Whether the route is one of those added here. */
export function isEncryptedRoute(route: Route): boolean {
  return route.name === ENCRYPTED && originOf(route) === undefined
}

/** Adds the routes. A name that is routed already on a port stays as it is. */
export function addEncryptedPorts(routes: RouteConfiguration[], scope: Scope, rules: DestinationRules, caller: Caller): void {
  const services = new Map(scope.services.map(service => [service.host, service]))
  const byPort = new Map(routes.map(config => [config.name, { config, taken: domainsIn(config) }]))
  for (const listener of scope.listeners)
    for (const service of oneOfEachHost(listener.services))
      for (const { number, protocol } of service.ports) {
        if ((protocol !== 'HTTPS' && protocol !== 'TLS') || listenerFor(scope, number) !== listener) continue
        let here = byPort.get(String(number))
        if (here === undefined) {
          const config = configuration(String(number), [forUnknown(scope)])
          here = { config, taken: domainsIn(config) }
          byPort.set(config.name, here)
          routes.push(config)
        }
        const { config, taken } = here
        const domains = domainsOf(service.host, service.address, caller, isHeadless(service)).domains.filter(domain => !taken.has(domain))
        if (domains.length === 0) continue
        for (const domain of domains) taken.add(domain)
        const route = { ...defaultRoute(service, { caller, port: number, services, rules }), name: ENCRYPTED }
        config.virtualHosts!.splice(-1, 0, virtualHost(service.host, number, domains, [route]))
      }
}

function domainsIn({ virtualHosts = [] }: RouteConfiguration): Set<string> {
  return new Set(virtualHosts.flatMap(host => host.domains))
}
