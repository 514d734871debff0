/**
 * A writer that is trusted with some hosts changes no document that names others: such a document
 * can neither be replaced nor removed, nor hidden behind one of the same name.
 */
import type { Trust } from '../core/trust.ts'
import { type Diagnostic, diagnose } from '../rules/istio/diagnostic.ts'
import type { Caller } from '../rules/istio/select-documents.ts'

import { foreignHostIn, untrustedHost } from '../rules/istio/trust.ts'
import { keyOf, type RuleSets } from './rule-set.ts'

/** Documents that would come, go or change, and name a host beyond the trust. */
export function foreignChanges(before: RuleSets, after: RuleSets, trust: Trust | undefined, caller: Caller): Diagnostic[] {
  if (trust?.hosts === undefined) return []
  const found: Diagnostic[] = []
  for (const source of new Set([...before.keys(), ...after.keys()])) {
    const old = new Set(before.get(source)?.documents)
    const now = new Set(after.get(source)?.documents)
    for (const document of new Set([...old, ...now])) {
      if (old.has(document) && now.has(document)) continue
      const host = foreignHostIn(document, trust, caller)
      if (host === undefined) continue
      const { code, message, hint } = untrustedHost(trust, host)
      found.push(diagnose(document, 'error', code, 'metadata', `${keyOf(document)} must stay as it is: ${message}`, hint))
    }
  }
  return found
}
