/** Which documents a workload sees, in the order in which Istio prefers them: oldest first, then by name, then by namespace. */
import type { RuleDocument } from './document.ts'
import { fullName } from './hosts.ts'
import type { MeshConfig, Workload } from './mesh-config.ts'

/** Everything that the steps of a translation need to know about the caller. */
export interface Caller {
  namespace: string
  labels: Record<string, string>
  locality: string
  domain: string
  rootNamespace: string
  mesh: MeshConfig
}

export function callerOf(workload: Workload, mesh: MeshConfig): Caller {
  return {
    namespace: workload.namespace ?? 'default',
    labels: workload.labels ?? {},
    locality: workload.locality ?? '',
    domain: workload.domain ?? 'cluster.local',
    rootNamespace: mesh.rootNamespace ?? 'istio-system',
    mesh,
  }
}

export function namespaceOf(document: RuleDocument): string {
  return document.metadata.namespace || 'default'
}

/** A host written in a document, in full. */
export function hostIn(document: RuleDocument, host: string, caller: Caller): string {
  return fullName(host, namespaceOf(document), caller.domain)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function byAge(a: RuleDocument, b: RuleDocument): number {
  const born = (document: RuleDocument) => Date.parse(document.metadata.creationTimestamp ?? '') || 0
  return born(a) - born(b) || compare(a.metadata.name, b.metadata.name) || compare(namespaceOf(a), namespaceOf(b))
}

const GROUP = /^networking\.istio\.io\//

/** The documents of one kind, in order of preference; seen or not. */
export function ofKind(documents: readonly RuleDocument[], kind: string): RuleDocument[] {
  return documents.filter(document => document.kind === kind && GROUP.test(document.apiVersion)).sort(byAge)
}

/** Whether a document is exported to a namespace. */
export function isExportedTo(document: RuleDocument, namespace: string, fallback: readonly string[] | undefined): boolean {
  const written: readonly string[] | undefined = document.spec?.exportTo
  const exportTo = written?.length ? written : fallback?.length ? fallback : ['*']
  return exportTo.some(to => to === '*' || to === namespace || (to === '.' && namespaceOf(document) === namespace))
}

/** Whether a workload has all labels of a selector. */
export function hasLabels(labels: Record<string, string>, wanted: Record<string, string> | undefined): boolean {
  if (wanted !== undefined) for (const key in wanted) if (labels[key] !== wanted[key]) return false
  return true
}
