/** What a Sidecar document lets its workloads see. Without one everything exported is seen. */
import type { RuleDocument } from './document.ts'
import { covers } from './hosts.ts'
import { type Caller, hasLabels, namespaceOf, ofKind } from './select-documents.ts'
import type { Service } from './select-services.ts'

export interface Egress {
  /** Whether a host of a namespace is seen; on one port when that is given. */
  sees(namespace: string, host: string, port?: number): boolean
  /** `REGISTRY_ONLY` or `ALLOW_ANY`. */
  mode: string
}

/** The workload's own Sidecar, else the namespace's, else the root namespace's. */
export function selectEgress(documents: readonly RuleDocument[], caller: Caller): Egress {
  const sidecars = ofKind(documents, 'Sidecar')
  const mine = sidecars.filter(document => namespaceOf(document) === caller.namespace)
  const selects = (document: RuleDocument) => Object.keys(document.spec?.workloadSelector?.labels ?? {}).length > 0
  const sidecar =
    mine.find(document => selects(document) && hasLabels(caller.labels, document.spec.workloadSelector.labels)) ??
    mine.find(document => !selects(document)) ??
    sidecars.find(document => namespaceOf(document) === caller.rootNamespace && !selects(document))
  const mode = sidecar?.spec?.outboundTrafficPolicy?.mode ?? caller.mesh.outboundTrafficPolicy?.mode ?? 'ALLOW_ANY'
  const listeners: any[] = sidecar?.spec?.egress ?? []
  if (listeners.length === 0) return { mode, sees: () => true }
  const open = listeners.filter(listener => !listener.port?.number)
  const at = (port: number) => listeners.filter(listener => Number(listener.port?.number) === port)
  return {
    mode,
    sees(namespace, host, port) {
      const own = port === undefined ? listeners : at(port)
      return (own.length > 0 ? own : open).some(listener =>
        listener.hosts?.some((pattern: string) => admits(pattern, namespace, host, caller)),
      )
    },
  }
}

/** `namespace/host`, where the namespace may be `*`, `.` (the caller's) or `~` (none). */
function admits(pattern: string, namespace: string, host: string, caller: Caller): boolean {
  const slash = pattern.indexOf('/')
  const where = pattern.slice(0, Math.max(slash, 0))
  if (where === '~' || (where !== '*' && where !== (namespace === caller.namespace && where === '.' ? '.' : namespace))) return false
  return covers(pattern.slice(slash + 1), host)
}

/** The services seen, and those that a visible rule sends to. */
export function seenServices(services: ReadonlyMap<string, Service>, egress: Egress, destinations: ReadonlySet<string>): Service[] {
  return [...services.values()].filter(service => egress.sees(service.namespace, service.host) || destinations.has(service.host))
}
