/** The check of rules without a mesh: everything that is wrong, at once. */
import type { Diagnostic } from './istio/diagnostic.ts'
import { parseRules, type RulesInput } from './istio/parse.ts'
import { validateDocuments } from './istio/validate.ts'

export interface ValidateOptions {
  /** Unknown fields, and what only the CRD refuses, are errors. Default false: warnings. */
  strict?: boolean
}

/**
 * Reads and checks rules as Istio's webhook does. Never throws; an empty list means that all is well.
 *
 * ```ts
 * for (const d of validate(yaml)) console.log(`${d.line}:${d.column} ${d.message}`)
 * ```
 */
export function validate(input: RulesInput, options: ValidateOptions = {}): Diagnostic[] {
  const { documents, diagnostics } = parseRules(input)
  return [...diagnostics, ...validateDocuments(documents, options)]
}
