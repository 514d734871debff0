/** Host names as Istio reads them: short names, wildcards, and the further names under which a service answers. */

import { coversHost as covers } from '../../core/trust.ts'

/** Whether every name meant by one host or wildcard is also meant by another. */
export { covers }

const IP = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$/

/** A name without dot belongs to the namespace of the document that says it; anything else stays as written. */
export function fullName(host: string, namespace: string, domain: string): string {
  return host.includes('.') || host.startsWith('*') || IP.test(host) ? host : `${host}.${namespace}.svc.${domain}`
}

export function isAddress(host: string): boolean {
  return IP.test(host)
}

export function isWildcard(host: string): boolean {
  return host.startsWith('*')
}

/** The exact name, else the longest wildcard that covers the host. */
export function mostSpecific<T>(host: string, entries: ReadonlyMap<string, T>, wildcards: Iterable<string>): T | undefined {
  const exact = entries.get(host)
  if (exact !== undefined) return exact
  let best: string | undefined
  for (const pattern of wildcards) if (covers(pattern, host) && (best === undefined || pattern.length > best.length)) best = pattern
  return best === undefined ? undefined : entries.get(best)
}

/** Whether some name is meant by both. */
export function overlaps(a: string, b: string): boolean {
  return covers(a, b) || covers(b, a)
}

/**
 * All names by which a caller in `namespace` may reach a service: with a final dot, shorter ones for services of the caller's own
 * cluster, for a headless one whatever stands before each of these (its pods have names), and its address.
 */
export function domainsOf(
  host: string,
  address: string | undefined,
  { namespace, domain }: { namespace: string; domain: string },
  isHeadless = false,
): { domains: string[]; shortened: string[] } {
  const shortened = isAddress(host) ? [] : [`${host}.`]
  const end = host.indexOf('.svc.')
  const dot = host.indexOf('.')
  if (end > 0 && dot < end && host.endsWith(`.svc.${domain}`)) {
    if (host.slice(dot + 1, end) === namespace) shortened.push(host.slice(0, dot))
    shortened.push(`${host.slice(0, end)}.svc`, host.slice(0, end))
  }
  const names = [host, ...shortened]
  const below = isHeadless ? names.map(name => `*.${name}`) : []
  return { domains: [...names, ...below, ...(address === undefined ? [] : [inBrackets(address)])], shortened }
}

/** An IPv6 address as a Host header has it. */
export function inBrackets(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
