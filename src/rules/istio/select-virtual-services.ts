/** Which VirtualServices speak to this client: exported to it, meant for the mesh. Hosts and delegates are resolved. */
import { delegateKey, type HttpRule, httpRules } from './delegates.ts'
import type { RuleDocument } from './document.ts'
import { isWildcard, mostSpecific } from './hosts.ts'
import { type Caller, hostIn, namespaceOf, ofKind, reaching } from './select-documents.ts'

export interface VirtualService {
  document: RuleDocument
  /** In full, lower case. */
  hosts: string[]
  readonly rules: readonly HttpRule[]
}

export interface VirtualServices {
  /** In order of preference. */
  list: VirtualService[]
  /** By `namespace/name`: those that others may delegate to. */
  delegates: ReadonlyMap<string, RuleDocument>
}

/** Those exported to the caller and meant for the mesh; nearest first, the older before the younger. */
export function selectVirtualServices(documents: readonly RuleDocument[], caller: Caller): VirtualServices {
  const all = ofKind(documents, 'VirtualService')
  const delegates = new Map<string, RuleDocument>()
  for (const document of all)
    if (!document.spec?.hosts?.length) delegates.set(delegateKey(namespaceOf(document), document.metadata.name), document)

  const list: VirtualService[] = []
  for (const document of reaching(all, caller.namespace, caller.mesh.defaultVirtualServiceExportTo)) {
    const { hosts, gateways } = document.spec ?? {}
    if (!hosts?.length || (gateways?.length && !gateways.includes('mesh'))) continue
    const full: string[] = hosts.map((host: unknown) => hostIn(document, String(host), caller).toLowerCase())
    let rules: HttpRule[] | undefined
    list.push({
      document,
      hosts: full,
      // Read when somebody asks: many who look at hosts never do.
      get rules() {
        return (rules ??= httpRules(document, delegates, caller))
      },
    })
  }
  return { list, delegates }
}

/** For each host that a rule sends to the ports it names; 0 stands for "the one it was called on". */
export type Destinations = ReadonlyMap<string, ReadonlySet<number>>

/** Where a VirtualService may send calls of this caller's namespace. */
export function destinationsFor({ document, rules }: VirtualService, caller: Caller): Destinations {
  const found = new Map<string, Set<number>>()
  const add = (host: string, port: any) => {
    const ports = found.get(host) ?? new Set<number>()
    found.set(host, ports.add(Number(port?.number) || 0))
  }
  for (const { http } of rules) {
    const from = (http.match ?? []).map((match: any) => match.sourceNamespace).filter(Boolean)
    if (from.length > 0 && !from.includes(caller.namespace)) continue
    for (const { host, port } of destinationsOf(http)) add(host, port)
  }
  for (const route of [...(document.spec.tcp ?? []), ...(document.spec.tls ?? [])])
    for (const { destination } of route.route ?? [])
      if (destination?.host != null) add(hostIn(document, String(destination.host), caller), destination.port)
  return found
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
  readonly #wild = new Map<string, VirtualService>()

  constructor(list: readonly VirtualService[]) {
    for (const virtualService of list)
      for (const host of virtualService.hosts) {
        if (isWildcard(host)) {
          if (!this.#wild.has(host)) this.#wild.set(host, virtualService)
          continue
        }
        const same = this.#exact.get(host)
        if (same === undefined) this.#exact.set(host, [virtualService])
        else same.push(virtualService)
      }
  }

  /** Who may speak for a service: those who name it, else the one with the most specific wildcard. */
  for(host: string): readonly VirtualService[] {
    const exact = this.#exact.get(host)
    if (exact !== undefined) return exact
    const wild = mostSpecific(host, this.#wild, this.#wild.keys())
    return wild === undefined ? [] : [wild]
  }
}
