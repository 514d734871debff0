/**
 * The documents in force, source by source. A source replaces its own set and nobody else's; where two sources have a document of the
 * same kind, namespace and name, the earlier source's holds: apply first, then the others as they were listed.
 */
import { type Diagnostic, diagnose } from '../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import { namespaceOf } from '../rules/istio/select-documents.ts'

/** The source that `apply`, `patch` and the admin API write to. */
export const APPLY = 'apply'

/** What one source has said. */
export interface RuleSet {
  readonly documents: readonly RuleDocument[]
  /** What reading it found; never an error. */
  readonly diagnostics: readonly Diagnostic[]
}

/** By source, in order of precedence. Never changed, only replaced. */
export type RuleSets = ReadonlyMap<string, RuleSet>

export const EMPTY: RuleSet = { documents: [], diagnostics: [] }

/** `VirtualService/default/reviews`: what makes two documents the same one. */
export function keyOf(document: RuleDocument): string {
  return `${document.kind}/${namespaceOf(document)}/${document.metadata.name}`
}

/** The sets with one source's replaced. */
export function withSet(sets: RuleSets, source: string, set: RuleSet): RuleSets {
  const copy = new Map(sets)
  copy.set(source, set)
  return copy
}

/** The documents of all sources that hold, and what is to be said about those that do not. */
export function inForce(sets: RuleSets): { documents: RuleDocument[]; diagnostics: Diagnostic[] } {
  const owner = new Map<string, string>()
  const documents: RuleDocument[] = []
  const diagnostics: Diagnostic[] = []
  for (const [source, set] of sets) {
    diagnostics.push(...set.diagnostics)
    for (const document of set.documents) {
      const key = keyOf(document)
      const first = owner.get(key)
      if (first !== undefined && first !== source) {
        diagnostics.push(
          diagnose(
            document,
            'warning',
            'document-shadowed',
            'metadata',
            `${key} of ${source} is not in force: ${first} has a document of that name`,
          ),
        )
        continue
      }
      owner.set(key, source)
      documents.push(document)
    }
  }
  return { documents, diagnostics }
}
