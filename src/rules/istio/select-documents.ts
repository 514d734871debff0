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

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** When a document was made; those that do not say are the oldest. */
export function bornAt(document: RuleDocument): number {
  return Date.parse(document.metadata.creationTimestamp ?? '') || 0
}

function byAge(a: RuleDocument, b: RuleDocument): number {
  return bornAt(a) - bornAt(b) || compare(a.metadata.name, b.metadata.name) || compare(namespaceOf(a), namespaceOf(b))
}

const GROUP = /^networking\.istio\.io\//

/** One document of each name: of several the last, as when they are applied one after the other. */
export function lastOfEachName(documents: readonly RuleDocument[]): RuleDocument[] {
  const last = new Map<string, RuleDocument>()
  for (const document of documents) last.set(identityOf(document) ?? `${last.size} without a name`, document)
  return [...last.values()]
}

/** Kind, namespace and name; `undefined` for a document without a name. */
export function identityOf({ apiVersion, kind, metadata }: RuleDocument): string | undefined {
  return metadata.name ? `${apiVersion.split('/')[0]}/${kind}/${metadata.namespace || 'default'}/${metadata.name}` : undefined
}

/** The documents of one kind, in order of preference; seen or not. */
export function ofKind(documents: readonly RuleDocument[], kind: string): RuleDocument[] {
  return documents.filter(document => document.kind === kind && GROUP.test(document.apiVersion)).sort(byAge)
}

/** How a document reaches a namespace: as its own, by name, or like everything public. What is nearer is preferred. */
export const NEARNESS = ['private', 'exported', 'public'] as const
export type Nearness = (typeof NEARNESS)[number]

/** `undefined`: not at all. Of a mesh's defaults only "." and "*" count, as in Istio. */
export function nearnessTo(namespace: string, document: RuleDocument, defaults: readonly string[] | undefined): Nearness | undefined {
  const written: readonly string[] = document.spec?.exportTo ?? []
  const own = namespaceOf(document)
  if (written.length === 0) {
    const exportTo = defaults?.length ? defaults : ['*']
    if (exportTo.includes('.')) return own === namespace ? 'private' : undefined
    return exportTo.includes('*') ? 'public' : undefined
  }
  if (written.includes('*')) return 'public'
  if (written.includes('~')) return undefined
  if (own === namespace && (written.includes('.') || written.includes(own))) return 'private'
  return written.includes(namespace) ? 'exported' : undefined
}

/** The documents that reach a namespace, nearest first; those equally near in order of preference. */
export function reaching(documents: readonly RuleDocument[], namespace: string, defaults: readonly string[] | undefined): RuleDocument[] {
  const groups: Record<Nearness, RuleDocument[]> = { private: [], exported: [], public: [] }
  for (const document of documents) {
    const nearness = nearnessTo(namespace, document, defaults)
    if (nearness !== undefined) groups[nearness].push(document)
  }
  return NEARNESS.flatMap(nearness => groups[nearness])
}

/** Whether a workload has all labels of a selector. */
export function hasLabels(labels: Record<string, string>, wanted: Record<string, string> | undefined): boolean {
  if (wanted !== undefined) for (const key in wanted) if (labels[key] !== wanted[key]) return false
  return true
}
