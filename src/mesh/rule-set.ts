/**
 * The documents in force, source by source. A source replaces its own set and nobody else's; where two sources have a document of the
 * same kind, namespace and name, the earlier source's holds: apply first, then the others as they were listed. One whose source is not
 * trusted with the hosts of the other hides nothing.
 */
import { append } from '../base/append.ts'
import type { Steps } from '../base/time/slices.ts'
import { type Diagnostic, diagnose } from '../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import { type Caller, namespaceOf } from '../rules/istio/select-documents.ts'
import { foreignHostIn } from '../rules/istio/trust.ts'

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
export function inForce(sets: RuleSets, caller: Caller): { documents: RuleDocument[]; diagnostics: Diagnostic[] } {
  const owner = new Map<string, { source: string; document: RuleDocument }>()
  const documents = new Set<RuleDocument>()
  const diagnostics: Diagnostic[] = []
  for (const [source, set] of sets) {
    append(diagnostics, set.diagnostics)
    for (const document of set.documents) {
      const key = keyOf(document)
      const first = owner.get(key)
      if (first !== undefined && first.source !== source) {
        const foreign = foreignHostIn(document, first.document.trust, caller)
        const [loser, winner] = foreign === undefined ? [{ source, document }, first] : [first, { source, document }]
        const why = foreign === undefined ? '' : ` and names ${foreign}, which ${first.source} is not trusted with`
        const message = `${key} of ${loser.source} is not in force: ${winner.source} has a document of that name${why}`
        diagnostics.push(diagnose(loser.document, 'warning', 'document-shadowed', 'metadata', message))
        if (foreign === undefined) continue
        for (const hidden of documents) if (keyOf(hidden) === key) documents.delete(hidden)
      }
      owner.set(key, { source, document })
      documents.add(document)
    }
  }
  return { documents: [...documents], diagnostics }
}

/** Whether every source says the same as before, in the same order and with the same trust. */
export function* comparingSets(before: RuleSets, after: RuleSets): Steps<boolean> {
  for (const [source, set] of after) {
    const was = before.get(source)
    if (was === set) continue
    if (was?.documents.length !== set.documents.length) return false
    for (const [at, document] of set.documents.entries()) {
      if (!isSameDocument(document, was.documents[at]!)) return false
      yield
    }
  }
  return true
}

function isSameDocument(a: RuleDocument, b: RuleDocument): boolean {
  return a === b || contentOf(a) === contentOf(b)
}

function contentOf({ apiVersion, kind, metadata, spec, asWritten, trust }: RuleDocument): string {
  return JSON.stringify([trust, metadata, asWritten ?? [apiVersion, kind, spec]])
}
