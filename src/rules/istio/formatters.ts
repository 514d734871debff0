/** Header values with `%…%` expressions that Istio accepts and we cannot answer. `validate` leaves them alone, as Istio does; a mesh refuses them. */
import { KNOWN_FORMATTERS, parseFormat } from '../../envoy/formatters.ts'
import { type Diagnostic, diagnose } from './diagnostic.ts'
import { member, type RuleDocument } from './document.ts'

export function checkFormatters(documents: readonly RuleDocument[]): Diagnostic[] {
  const found: Diagnostic[] = []
  const look = (document: RuleDocument, operations: any, path: string) => {
    for (const side of ['request', 'response'])
      for (const way of ['set', 'add'])
        for (const [name, value] of Object.entries(operations?.[side]?.[way] ?? {})) {
          const { unknown } = parseFormat(String(value))
          if (unknown === undefined) continue
          const at = member(`${path}.${side}.${way}`, name)
          const hint = `known are ${KNOWN_FORMATTERS}; write %% for a percent sign`
          found.push(diagnose(document, 'error', 'unknown-formatter', at, `${unknown} cannot be answered inside a process`, hint))
        }
  }
  for (const document of documents)
    if (document.kind === 'VirtualService')
      for (const [i, http] of ((document.spec?.http ?? []) as any[]).entries()) {
        look(document, http?.headers, `spec.http[${i}].headers`)
        for (const [j, route] of ((http?.route ?? []) as any[]).entries())
          look(document, route?.headers, `spec.http[${i}].route[${j}].headers`)
      }
  return found
}
