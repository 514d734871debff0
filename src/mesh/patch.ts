/**
 * Single documents changed in a set: one that is there under its kind, namespace and name is replaced where it stands, a new one is added
 * at the end, and one that says `$delete: true` is taken out.
 */
import { type Diagnostic, diagnose } from '../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import type { RuleInput } from './options.ts'
import { APPLY, keyOf, type RuleSet, type RuleSets } from './rule-set.ts'

/** The input with what a deletion may leave out filled in, so that it reads like every document. */
export function asDocuments(input: RuleInput): RuleInput {
  if (Array.isArray(input)) return input.map(part => asDocuments(part) as string | object)
  if (typeof input !== 'object' || input === null) return input
  const { apiVersion, kind, $delete } = input as { apiVersion?: unknown; kind?: unknown; $delete?: unknown }
  if ($delete !== true || apiVersion !== undefined) return input
  return { ...input, apiVersion: kind === 'ResiliencePolicy' ? 'meshless.dev/v1' : 'networking.istio.io/v1' }
}

export function isDeletion(document: RuleDocument): boolean {
  return (document.asWritten as { $delete?: unknown } | undefined)?.$delete === true
}

/** The apply source's set after a patch. */
export function patched(sets: RuleSets, patch: RuleSet): { set: RuleSet; errors: Diagnostic[] } {
  const before = sets.get(APPLY)!
  const documents = new Map<string, RuleDocument>()
  for (const document of before.documents) documents.set(unique(documents, keyOf(document)), document)
  const errors: Diagnostic[] = []
  for (const document of patch.documents) {
    const key = keyOf(document)
    const known = documents.get(key)
    if (!isDeletion(document)) documents.set(key, known === undefined ? document : heir(document, known))
    else if (!documents.delete(key)) errors.push(notFound(document, key, sets))
  }
  const said = new Set(before.diagnostics.map(d => d.code + d.message))
  const diagnostics = [...before.diagnostics, ...patch.diagnostics.filter(d => !said.has(d.code + d.message))]
  return { set: { documents: [...documents.values()], diagnostics }, errors }
}

/** A set may hold two documents of one name; a patch means the first of them and leaves the other where it is. */
function unique(documents: ReadonlyMap<string, unknown>, key: string): string {
  let name = key
  while (documents.has(name)) name += '\u0000'
  return name
}

/** Age decides between documents that compete, and an update does not make a document younger. The new one was just read, and is ours to complete. */
function heir(document: RuleDocument, before: RuleDocument): RuleDocument {
  const { creationTimestamp } = before.metadata
  if (creationTimestamp === undefined || document.metadata.creationTimestamp !== undefined) return document
  document.metadata.creationTimestamp = creationTimestamp
  return document
}

function notFound(document: RuleDocument, key: string, sets: RuleSets): Diagnostic {
  for (const [source, { documents }] of sets)
    if (source !== APPLY && documents.some(other => keyOf(other) === key))
      return diagnose(document, 'error', 'document-not-found', 'metadata', `${key} belongs to ${source}`, 'delete it there')
  const near = sets.get(APPLY)!.documents.filter(other => other.kind === document.kind)
  return diagnose(
    document,
    'error',
    'document-not-found',
    'metadata',
    `there is no ${key}`,
    near.length === 0 ? `no ${document.kind} was applied` : `applied: ${near.slice(0, 10).map(keyOf).join(', ')}`,
  )
}
