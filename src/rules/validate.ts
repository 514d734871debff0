/** The check of rules without a mesh: everything that is wrong, at once. */
import { array, boolean, type InputOf, object, oneOf, readOptions, union } from '../core/schema/index.ts'
import type { Diagnostic } from './istio/diagnostic.ts'
import { LINT_CODES, lintDocuments } from './istio/lint.ts'
import { parseRules, type RulesInput } from './istio/parse.ts'
import { crossReferences } from './istio/references.ts'
import { validateDocuments } from './istio/validate.ts'

export const validateFields = {
  strict: boolean(
    'Whether unknown fields, what only the CRD refuses, and references that lead nowhere are errors; otherwise they are warnings.',
    {
      default: false,
    },
  ),
  lint: union(
    'Whether it also tells what is valid and will surprise; `{ ignore: [code] }` leaves findings out.',
    [boolean(''), object('', { ignore: array('Findings that are left out.', oneOf('', LINT_CODES), { default: [] }) })],
    { default: false },
  ),
} as const

/** Options of `validate`. A wrong one throws an `OptionsError` that names every fault. */
export interface ValidateOptions extends InputOf<typeof validateFields> {}

/**
 * Reads and checks rules as Istio's webhook does. Whatever the rules are it does not throw; an empty list means that all is well.
 *
 * @throws OptionsError for wrong options.
 * @example
 * const [wrong] = validate(`
 *   apiVersion: networking.istio.io/v1
 *   kind: VirtualService
 *   metadata: { name: reviews }
 *   spec: { hosts: [reviews], http: [{ timeout: 5 }] }`)
 * console.log(wrong.severity, wrong.line, wrong.path) // => error 5 spec.http[0].timeout
 */
export function validate(input: RulesInput, options: ValidateOptions = {}): Diagnostic[] {
  const { strict, lint } = readOptions(validateFields, options, 'validate')
  const { documents, diagnostics } = parseRules(input)
  const references = crossReferences(documents, strict ? 'error' : 'warning')
  const found = [...diagnostics, ...validateDocuments(documents, { strict }), ...references]
  if (lint === false) return found
  return [...found, ...lintDocuments(documents, lint === true ? {} : lint)]
}
