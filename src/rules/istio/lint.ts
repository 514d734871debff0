/** Rules that are valid and will surprise. Each finding has a code with a section in docs/rules/lint.md, and can be silenced. */
import { type Diagnostic, diagnose } from './diagnostic.ts'
import type { RuleDocument } from './document.ts'
import { faults } from './lint/faults.ts'
import { hashes } from './lint/hashes.ts'
import { localities } from './lint/localities.ts'
import { outliers } from './lint/outliers.ts'
import { pools } from './lint/pools.ts'
import { resilience } from './lint/resilience.ts'
import { retries } from './lint/retries.ts'
import { rewrites } from './lint/rewrites.ts'
import { routes } from './lint/routes.ts'
import type { LintRule } from './lint/rule.ts'
import { services } from './lint/services.ts'
import { View } from './lint/view.ts'
import { callerOf, lastOfEachName, namespaceOf } from './select-documents.ts'
import { declaredServices } from './select-services.ts'

export interface LintOptions {
  /** Codes that are not looked for. An annotation `meshless.dev/lint-ignore: code,code` says the same for one document. */
  ignore?: readonly string[]
}

export const LINT_IGNORE = 'meshless.dev/lint-ignore'

export const LINT_RULES: readonly LintRule[] = [
  ...routes,
  ...retries,
  ...faults,
  ...rewrites,
  ...outliers,
  ...pools,
  ...hashes,
  ...localities,
  ...services,
  ...resilience,
]

export const LINT_CODES: readonly string[] = [...new Set(LINT_RULES.map(rule => rule.code))]

/** Looks at documents that are otherwise in order; what is wrong with the others is for validation to say. */
export function lintDocuments(given: readonly RuleDocument[], options: LintOptions = {}): Diagnostic[] {
  const documents = lastOfEachName(given)
  const found: Diagnostic[] = []
  const views = new Map<string, View>()
  const declared = declaredServices(documents, callerOf({}, {}))
  let first: View | undefined
  for (const document of documents) {
    const namespace = namespaceOf(document)
    let view = views.get(namespace)
    if (view === undefined) views.set(namespace, (view = new View(documents, namespace, declared, first)))
    first ??= view
    const silent = new Set([
      ...(options.ignore ?? []),
      ...(document.metadata.annotations?.[LINT_IGNORE] ?? '').split(',').map(s => s.trim()),
    ])
    for (const { code, kind, check } of LINT_RULES) {
      if (kind !== document.kind || silent.has(code)) continue
      check(document, view, (path, message, hint, severity = 'warning') =>
        found.push(diagnose(document, severity, code, path, message, hint)),
      )
    }
  }
  return found
}
