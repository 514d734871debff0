/** Which VirtualServices speak to this client: exported to it, meant for the mesh, seen through its Sidecar. Hosts and delegates are resolved. */
import { delegateKey, type HttpRule, httpRules } from './delegates.ts'
import type { RuleDocument } from './document.ts'
import { covers, isWildcard } from './hosts.ts'
import { type Caller, hostIn, isExportedTo, namespaceOf, ofKind } from './select-documents.ts'
import type { Egress } from './select-egress.ts'

export interface VirtualService {
  document: RuleDocument
  /** In full, lower case. */
  hosts: string[]
  rules: HttpRule[]
}

export interface VirtualServices {
  /** In order of preference. */
  list: VirtualService[]
  /** By `namespace/name`: those that others may delegate to. */
  delegates: ReadonlyMap<string, RuleDocument>
  /** Hosts that visible rules send to; they are seen whatever the Sidecar says. */
  destinations: ReadonlySet<string>
}

export function selectVirtualServices(documents: readonly RuleDocument[], egress: Egress, caller: Caller): VirtualServices {
  const all = ofKind(documents, 'VirtualService')
  const delegates = new Map<string, RuleDocument>()
  for (const document of all)
    if (!document.spec?.hosts?.length) delegates.set(delegateKey(namespaceOf(document), document.metadata.name), document)

  const list: VirtualService[] = []
  const destinations = new Set<string>()
  for (const document of all) {
    const { hosts, gateways } = document.spec ?? {}
    if (!hosts?.length || (gateways?.length && !gateways.includes('mesh'))) continue
    if (!isExportedTo(document, caller.namespace, caller.mesh.defaultVirtualServiceExportTo)) continue
    const full: string[] = hosts.map((host: unknown) => hostIn(document, String(host), caller).toLowerCase())
    if (!full.some(host => egress.sees(namespaceOf(document), host))) continue
    const rules = httpRules(document, delegates, caller)
    list.push({ document, hosts: full, rules })
    for (const { http } of rules) for (const { host } of destinationsOf(http)) destinations.add(host)
  }
  return { list, delegates, destinations }
}

/** Everything an HTTP rule sends to, copies included. */
export function destinationsOf(http: any): any[] {
  const out: any[] = (http.route ?? []).map((route: any) => route.destination)
  if (http.mirror != null) out.push(http.mirror)
  for (const mirror of http.mirrors ?? []) out.push(mirror.destination)
  return out.filter(destination => destination?.host != null)
}

/** For every host that a VirtualService names, those who name it, in order of preference. */
export class Speakers {
  readonly #exact = new Map<string, VirtualService[]>()
  readonly #wild: [string, VirtualService][] = []

  constructor(list: readonly VirtualService[]) {
    for (const virtualService of list)
      for (const host of virtualService.hosts) {
        if (isWildcard(host)) this.#wild.push([host, virtualService])
        const same = this.#exact.get(host)
        if (same === undefined) this.#exact.set(host, [virtualService])
        else same.push(virtualService)
      }
    this.#wild.sort(([a], [b]) => b.length - a.length) // stable: the older stays first
  }

  /** Who may speak for a service: the exact name before longer wildcards before shorter ones. */
  for(host: string): VirtualService[] {
    const speakers = [...(this.#exact.get(host) ?? [])]
    for (const [pattern, virtualService] of this.#wild) if (pattern !== host && covers(pattern, host)) speakers.push(virtualService)
    return speakers
  }
}
