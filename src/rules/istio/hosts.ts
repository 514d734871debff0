/** Host names as Istio reads them: short names, wildcards, and the further names under which a service answers. */

const IP = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$/

/** A name without dot belongs to the namespace of the document that says it; anything else stays as written. */
export function fullName(host: string, namespace: string, domain: string): string {
  return host.includes('.') || host.startsWith('*') || IP.test(host) ? host : `${host}.${namespace}.svc.${domain}`
}

export function isWildcard(host: string): boolean {
  return host.startsWith('*')
}

/** Whether every name meant by `host` is also meant by `pattern`. `*.foo.com` does not mean `foo.com`. */
export function covers(pattern: string, host: string): boolean {
  if (!isWildcard(pattern)) return pattern === host
  const suffix = pattern.slice(1)
  return isWildcard(host) ? host.length >= pattern.length && host.slice(1).endsWith(suffix) : host.endsWith(suffix)
}

/** The exact name, else the longest wildcard that covers the host. */
export function mostSpecific<T>(host: string, entries: ReadonlyMap<string, T>, wildcards: Iterable<string>): T | undefined {
  const exact = entries.get(host)
  if (exact !== undefined) return exact
  let best: string | undefined
  for (const pattern of wildcards) if (covers(pattern, host) && (best === undefined || pattern.length > best.length)) best = pattern
  return best === undefined ? undefined : entries.get(best)
}

/** All names by which a caller in `namespace` may reach a service: with a final dot, and shorter ones for services of a cluster. */
export function domainsOf(host: string, addresses: readonly string[], namespace: string): string[] {
  const domains = [host, `${host}.`]
  const end = host.indexOf('.svc.')
  const dot = host.indexOf('.')
  if (end > 0 && dot < end) {
    if (host.slice(dot + 1, end) === namespace) domains.push(host.slice(0, dot))
    domains.push(`${host.slice(0, end)}.svc`, host.slice(0, end))
  }
  for (const address of addresses) if (!address.includes('/')) domains.push(address.includes(':') ? `[${address}]` : address)
  return domains
}
