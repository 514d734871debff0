/**
 * Hosts that have rules but no ServiceEntry. People bring the VirtualServices of their cluster, which name Kubernetes services that no
 * document describes; such a host gets a service of its own whose one endpoint is its name, found by DNS.
 */
import { narrower, type Trust } from '../core/trust.ts'
import { ASSUMED } from '../rules/istio/clusters.ts'
import { DescribedHosts } from '../rules/istio/described-hosts.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import { type Caller, hostIn, namespaceOf } from '../rules/istio/select-documents.ts'

/** ServiceEntries for what the documents name and nobody describes, each with the document that named it first and a warning. */
export function unlistedServices(
  documents: readonly RuleDocument[],
  caller: Caller,
): { documents: RuleDocument[]; owners: Map<RuleDocument, RuleDocument>; diagnostics: Diagnostic[] } {
  const described = new DescribedHosts(documents, caller)
  const ports = new Map<string, Set<number>>()
  const owner = new Map<string, RuleDocument>()
  /** Such a host is found by its name alone, so the trust of every document that names it counts. */
  const trusts = new Map<string, Trust | undefined>()
  /** Hosts to which calls are sent. One that only has rules of its own (a direct response, routes to others) needs no endpoint. */
  const called = new Set<string>()
  const need = (host: unknown, from: RuleDocument, port: number | undefined, isCalled = true) => {
    if (typeof host !== 'string' || host === '' || host.includes('*')) return
    const fqdn = hostIn(from, host, caller)
    if (described.has(fqdn)) return
    const lower = fqdn.toLowerCase() // DNS knows no capitals
    trusts.set(lower, narrower(trusts.get(lower), from.trust))
    if (isCalled) called.add(fqdn)
    let known = ports.get(fqdn)
    if (known === undefined) {
      known = new Set()
      ports.set(fqdn, known)
      owner.set(fqdn, from)
    }
    if (port !== undefined) known.add(port)
  }
  for (const document of documents) {
    if (document.kind === 'VirtualService') {
      const gateways: unknown = document.spec?.gateways
      const isRouted = document.spec?.http?.length > 0
      if (!Array.isArray(gateways) || gateways.includes('mesh'))
        for (const host of document.spec?.hosts ?? [])
          need(typeof host === 'string' ? host.toLowerCase() : host, document, undefined, !isRouted)
      for (const http of document.spec?.http ?? []) {
        for (const route of http?.route ?? []) need(route?.destination?.host, document, route?.destination?.port?.number)
        for (const mirror of [http?.mirror, ...(http?.mirrors ?? []).map((m: any) => m?.destination)])
          if (mirror) need(mirror.host, document, mirror.port?.number)
      }
    } else if (document.kind === 'DestinationRule') need(document.spec?.host, document, undefined)
  }
  const made: RuleDocument[] = []
  const owners = new Map<RuleDocument, RuleDocument>()
  const diagnostics: Diagnostic[] = []
  for (const [host, numbers] of ports) {
    if (numbers.size === 0) numbers.add(80)
    const from = owner.get(host)!
    const entry: RuleDocument = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: `unlisted-${host}`, namespace: namespaceOf(from), annotations: { [ASSUMED]: 'true' } },
      spec: {
        hosts: [host],
        location: 'MESH_INTERNAL',
        resolution: 'DNS',
        ports: [...numbers].map(number => ({ number, name: `http-${number}`, protocol: 'HTTP' })),
      },
    }
    const trust = trusts.get(host.toLowerCase())
    if (trust !== undefined) entry.trust = trust
    made.push(entry)
    owners.set(entry, from)
    if (!called.has(host)) continue
    diagnostics.push({
      severity: 'warning',
      code: 'host-without-endpoints',
      message: `${host} has rules but no ServiceEntry: its own name is resolved by DNS, and its subsets stay empty`,
      kind: from.kind,
      name: from.metadata.name,
      ...placeOf(from),
      hint: `add a ServiceEntry for ${host}, or setEndpoints, or discovery: { unlisted: 'none' }`,
    })
  }
  return { documents: made, owners, diagnostics }
}

function placeOf({ origin }: RuleDocument): Pick<Diagnostic, 'source' | 'document' | 'line'> {
  if (origin === undefined) return {}
  const { source, document, line } = origin
  return { document, ...(source !== undefined && { source }), ...(line > 0 && { line }) }
}
