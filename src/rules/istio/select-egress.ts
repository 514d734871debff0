/**
 * What a workload sees. Its Sidecar has egress listeners: some for one port, at most one for the rest; each imports services and
 * VirtualServices. Destinations of an imported VirtualService are seen as well. Without a Sidecar one listener imports everything.
 */
import { narrower, type Trust } from '../../core/trust.ts'
import type { RuleDocument } from './document.ts'
import { covers, isWildcard, overlaps } from './hosts.ts'
import { type Caller, compare, hasLabels, namespaceOf, nearnessTo, ofKind } from './select-documents.ts'
import { type Declared, ofOneNamespace, type Service, see } from './select-services.ts'
import { destinationsFor, type VirtualService } from './select-virtual-services.ts'

export interface Listener {
  /** The one port it is for; absent: the ports without a listener of their own. */
  port?: number
  /** What its port speaks, whatever the services say; `''`: as they say. */
  protocol: string
  /** The one address it is at; absent: those of the services. */
  bind?: string
  /** Imported, of one namespace for each host, with the ports that matter here. */
  services: Service[]
  /** Imported, in order of preference. */
  virtualServices: VirtualService[]
}

export interface Scope {
  /** `REGISTRY_ONLY` or `ALLOW_ANY`. */
  mode: string
  /** Where calls to unknown hosts go, if not where they wanted to. */
  proxy?: { host: string; subset?: string; port?: { number?: number } }
  /** What bounds calls to unknown hosts that only this Sidecar lets through. */
  trust?: Trust
  listeners: Listener[]
  /** Everything seen, by whichever listener, or named by a rule. */
  services: Declared[]
}

export function selectScope(
  documents: readonly RuleDocument[],
  declared: readonly Declared[],
  services: readonly Service[],
  virtualServices: readonly VirtualService[],
  caller: Caller,
): Scope {
  const sidecar = sidecarOf(documents, caller)
  const spec = sidecar?.spec ?? {}
  const policy = spec.outboundTrafficPolicy
  const mode: string = (policy === undefined ? caller.mesh.outboundTrafficPolicy?.mode : (policy.mode ?? 'REGISTRY_ONLY')) ?? 'ALLOW_ANY'
  const written: any[] = spec.egress?.length > 0 ? spec.egress : [{ hosts: ['*/*'] }]
  const listeners = written.map(listener => imported(listener, services, virtualServices, caller))
  const scope: Scope = { mode, listeners, services: seenBy(listeners, declared, caller) }
  if (policy?.egressProxy != null) scope.proxy = policy.egressProxy
  const trust = narrower(sidecar?.trust, undefined)
  const opens = caller.mesh.outboundTrafficPolicy?.mode === 'REGISTRY_ONLY' || scope.proxy !== undefined
  if (policy !== undefined && trust !== undefined && opens) scope.trust = trust
  return scope
}

/** The listener that answers for a port. */
export function listenerFor(scope: Scope, port: number): Listener | undefined {
  return scope.listeners.find(listener => listener.port === undefined || listener.port === port)
}

/** The first Sidecar that selects the workload, else its namespace's, else the root namespace's. */
function sidecarOf(documents: readonly RuleDocument[], caller: Caller): RuleDocument | undefined {
  const sidecars = ofKind(documents, 'Sidecar')
  const mine = sidecars.filter(document => namespaceOf(document) === caller.namespace)
  const selector = (document: RuleDocument) => document.spec?.workloadSelector
  return (
    mine.find(document => selector(document) !== undefined && hasLabels(caller.labels, selector(document).labels)) ??
    mine.find(document => selector(document) === undefined) ??
    sidecars.find(document => namespaceOf(document) === caller.rootNamespace && selector(document) === undefined)
  )
}

function imported(written: any, services: readonly Service[], virtualServices: readonly VirtualService[], caller: Caller): Listener {
  const imports = new Imports(written.hosts ?? [], caller)
  const number = Number(written.port?.number) || undefined
  const listener: Listener = {
    protocol: String(written.port?.protocol ?? '').toUpperCase(),
    services: ofOneNamespace(
      services.filter(service => imports.service(service.namespace, service.host)).flatMap(service => onPort(service, number)),
      caller,
    ),
    virtualServices: virtualServices.filter(({ document, hosts }) => hosts.some(host => imports.rule(namespaceOf(document), host))),
  }
  if (number !== undefined) listener.port = number
  if (written.bind) listener.bind = written.bind
  return listener
}

/** The service with this port only; nothing when it has none such. */
function onPort<S extends Declared>(service: S, number: number | undefined): S[] {
  if (number === undefined) return [service]
  const ports = service.ports.filter(port => port.number === number)
  return ports.length === 0 ? [] : [ports.length === service.ports.length ? service : { ...service, ports }]
}

/** `namespace/host` patterns, where the namespace may be `*` or `.` (the caller's). */
class Imports {
  readonly #exact = new Set<string>()
  readonly #hosts = new Map<string, string[]>()

  constructor(patterns: readonly string[], caller: Caller) {
    for (const pattern of patterns) {
      const slash = pattern.indexOf('/')
      const written = pattern.slice(0, Math.max(slash, 0))
      const namespace = written === '.' ? caller.namespace : written
      const host = pattern.slice(slash + 1).toLowerCase()
      if (!isWildcard(host)) this.#exact.add(`${namespace}/${host}`)
      const same = this.#hosts.get(namespace)
      if (same === undefined) this.#hosts.set(namespace, [host])
      else same.push(host)
    }
  }

  service(namespace: string, host: string): boolean {
    return this.#some(namespace, host.toLowerCase(), pattern => covers(pattern, host.toLowerCase()))
  }

  /** A rule is imported when its host and the pattern have some name in common. */
  rule(namespace: string, host: string): boolean {
    return this.#some(namespace, host, pattern => (isWildcard(host) || isWildcard(pattern)) && overlaps(pattern, host))
  }

  #some(namespace: string, host: string, matches: (pattern: string) => boolean): boolean {
    return [namespace, '*'].some(where => this.#exact.has(`${where}/${host}`) || this.#hosts.get(where)?.some(matches) === true)
  }
}

/**
 * What the listeners import, then what their rules send to: the caller's own service of that host, exported or not, else that of the first
 * namespace in the alphabet that exports it.
 */
function seenBy(listeners: readonly Listener[], declared: readonly Declared[], caller: Caller): Declared[] {
  const seen = new Map<string, Declared>()
  const named = new Map<string, Declared[]>() // the oldest of each namespace
  for (const service of declared) {
    const same = named.get(service.host)
    if (same === undefined) named.set(service.host, [service])
    else if (!same.some(({ namespace }) => namespace === service.namespace)) same.push(service)
  }
  const find = (host: string): Declared | undefined => {
    const all = named.get(host) ?? []
    return (
      all.find(({ namespace }) => namespace === caller.namespace) ??
      all
        .filter(({ document }) => nearnessTo(caller.namespace, document, caller.mesh.defaultServiceExportTo) !== undefined)
        .sort((a, b) => compare(a.namespace, b.namespace))[0]
    )
  }
  for (const listener of listeners) {
    for (const service of listener.services) see(seen, service)
    for (const virtualService of listener.virtualServices)
      for (const [host, ports] of destinationsFor(virtualService, caller)) {
        const service = find(host)
        if (service === undefined) continue
        const [trimmed] = listener.port === undefined ? withPorts(service, ports) : onPort(service, listener.port)
        if (trimmed !== undefined) see(seen, trimmed)
      }
  }
  return [...seen.values()]
}

/** The ports that rules name; all of them when a rule names none. */
function withPorts(service: Declared, ports: ReadonlySet<number>): Declared[] {
  if (ports.has(0)) return [service]
  const wanted = service.ports.filter(port => ports.has(port.number))
  return wanted.length === 0 ? [] : [wanted.length === service.ports.length ? service : { ...service, ports: wanted }]
}
