/** How near a target of a ResiliencePolicy is to where a request goes: route > host+subset+port > host+subset > host+port > host > wildcard host > "*". */

export type Client = { readonly namespace: string; readonly domain: string }

/** Where a request is on its way to. */
export interface Place {
  readonly host: string
  readonly subset: string
  readonly port: string
  /** Names that the route has; none: the cluster by itself. */
  readonly route: readonly string[]
  /** The host whose route it is. */
  readonly routeHost: string
}

/** Namespaces decide between equals: each rank has room for them, and for the length of a wildcard. */
const STEP = 4
const KIND = 1000 * STEP
export const ROUTE = 9 * KIND

/** How specific a target is: route, host+subset+port, host+subset, host+port, host, a wildcard likewise, "*" 0; -1: not meant. */
export function rankOf(target: any, place: Place, namespace: string, client: Client): number {
  if (target === '*') return 0
  if (typeof target?.route === 'string') return place.route.includes(target.route) ? ROUTE : -1
  if (typeof target?.host !== 'string') return -1
  const host = fullHost(target.host, namespace, client)
  const exact = host === place.host
  if (!exact && !(host.startsWith('*') && place.host.endsWith(host.slice(1)))) return -1
  const port = portOf(target)
  if (target.subset !== undefined && target.subset !== place.subset) return -1
  if (port !== undefined && port !== place.port) return -1
  const more = (port !== undefined ? 1 : 0) + (target.subset !== undefined ? 2 : 0)
  return exact ? (5 + more) * KIND : (1 + more) * KIND + host.length * STEP
}

/** A short name is completed by the namespace of who says it. */
export const fullHost = (host: string, namespace: string, { domain }: Client): string =>
  (host.includes('.') ? host : `${host}.${namespace}.svc.${domain}`).toLowerCase()

/** As a number, or as Istio writes it: `{ number }`. */
export const portOf = ({ port }: any): string | undefined => (port === undefined ? undefined : String(port?.number ?? port))
