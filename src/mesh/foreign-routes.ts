/** ResiliencePolicies that name a route: routes of hosts that their source is not trusted with go without them. */
import { isTrustedWith } from '../core/trust.ts'
import type { RouteConfiguration } from '../envoy/index.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import type { OverreachReport } from '../rules/istio/trust/overreach.ts'
import { untrustedHost } from '../rules/istio/trust.ts'
import { hostOf, namesOf } from './route-names.ts'

/** Policies whose target fits such routes, and no route besides them. */
export function foreignRoutes(documents: readonly RuleDocument[], routes: readonly RouteConfiguration[]): OverreachReport[] {
  const found: OverreachReport[] = []
  for (const document of documents) {
    if (document.kind !== 'ResiliencePolicy' || document.trust?.hosts === undefined) continue
    for (const [index, target] of (document.spec?.targets ?? []).entries()) {
      if (typeof target?.route !== 'string') continue
      const hosts = hostsWith(target.route, routes)
      const foreign = hosts.find(host => !isTrustedWith(document.trust, host))
      if (foreign === undefined || hosts.some(host => isTrustedWith(document.trust, host))) continue
      const { code, message, hint } = untrustedHost(document.trust, foreign)
      const path = `spec.targets[${index}].route`
      found.push({ document, code, path, message: `the route ${target.route} goes without this policy: ${message}`, hint })
    }
  }
  return found
}

function hostsWith(name: string, routes: readonly RouteConfiguration[]): string[] {
  return routes
    .flatMap(({ virtualHosts = [] }) => virtualHosts)
    .filter(host => (host.routes ?? []).some(route => namesOf(route).includes(name)))
    .map(hostOf)
}
