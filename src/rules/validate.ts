/** The check of rules without a mesh: everything that is wrong, at once. */
import type { Diagnostic } from './istio/diagnostic.ts'
import { type LintOptions, lintDocuments } from './istio/lint.ts'
import { parseRules, type RulesInput } from './istio/parse.ts'
import { crossReferences } from './istio/references.ts'
import { validateDocuments } from './istio/validate.ts'

export interface ValidateOptions {
  /** Unknown fields, what only the CRD refuses, and references that lead nowhere are errors. Default false: warnings. */
  strict?: boolean
  /** Also what is valid and will surprise; `{ ignore: [code] }` leaves findings out. Default false. */
  lint?: boolean | LintOptions
}

/**
 * Reads and checks rules as Istio's webhook does. Never throws; an empty list means that all is well.
 *
 * ```ts
 * for (const d of validate(yaml, { lint: true })) console.log(`${d.line}:${d.column} ${d.message}`)
 * ```
 */
export function validate(input: RulesInput, options: ValidateOptions = {}): Diagnostic[] {
  const { documents, diagnostics } = parseRules(input)
  const references = crossReferences(documents, options.strict === true ? 'error' : 'warning')
  const found = [...diagnostics, ...validateDocuments(documents, options), ...references]
  if (options.lint === undefined || options.lint === false) return found
  return [...found, ...lintDocuments(documents, options.lint === true ? {} : options.lint)]
}
