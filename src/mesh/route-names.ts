/** How rules call a route, and which host it is for. */
import type { Route, VirtualHost } from '../envoy/index.ts'
import { originOf } from '../rules/istio/provenance.ts'

/** As Envoy calls it, and as its rule does: a match with a name of its own adds that to the route's. */
export function namesOf(route: Route): string[] {
  const origin = originOf(route)
  const at = origin === undefined ? undefined : /^spec\.http\[(\d+)\]/.exec(origin.path)?.[1]
  const written = at === undefined ? undefined : origin!.document.spec?.http?.[Number(at)]?.name
  return [route.name, written].filter(name => typeof name === 'string' && name !== '')
}

/** The host of a virtual host. */
export function hostOf({ name }: Pick<VirtualHost, 'name'>): string {
  return name.replace(/:\d+$/, '')
}
