/**
 * Header operations that Istio accepts and a process cannot carry out: `%…%` expressions that cannot be answered here, and names that no
 * header can have. `validate` leaves them to Istio's verdict; a mesh refuses them when rules are loaded.
 */
import { KNOWN_FORMATTERS, parseFormat } from '../../envoy/formatters.ts'
import { type Diagnostic, diagnose } from './diagnostic.ts'
import { member, type RuleDocument } from './document.ts'
import { HEADER_NAME_HINT, headerNameIssue, isSendableName } from './validate/http-text.ts'

type Report = (code: string, path: string, message: string, hint: string) => void
type Side = 'request' | 'response'

export function checkSendable(documents: readonly RuleDocument[]): Diagnostic[] {
  const found: Diagnostic[] = []
  for (const document of documents) {
    if (document.kind !== 'VirtualService') continue
    const report: Report = (code, path, message, hint) => found.push(diagnose(document, 'error', code, path, message, hint))
    for (const [i, http] of ((document.spec?.http ?? []) as any[]).entries()) {
      operations(report, http?.headers, `spec.http[${i}].headers`)
      for (const [j, route] of ((http?.route ?? []) as any[]).entries())
        operations(report, route?.headers, `spec.http[${i}].route[${j}].headers`)
    }
  }
  return found
}

function operations(report: Report, headers: any, path: string): void {
  for (const side of ['request', 'response'] as const)
    for (const way of ['set', 'add'])
      for (const [name, value] of Object.entries(headers?.[side]?.[way] ?? {})) {
        const at = member(`${path}.${side}.${way}`, name)
        headerName(report, name, side, at)
        formatters(report, String(value), at)
      }
}

/** A name that is merely odd is sent to Envoy's upstreams, which decide; callers get responses as `Headers`, which hold tokens alone. */
function headerName(report: Report, name: string, side: Side, path: string): void {
  if (name === '' || name.startsWith(':')) return // an error of the document
  const issue = headerNameIssue(name)
  if (issue !== undefined && (side === 'response' || !isSendableName(name))) report('invalid-header', path, issue, HEADER_NAME_HINT)
}

function formatters(report: Report, value: string, path: string): void {
  const { unknown } = parseFormat(value)
  if (unknown === undefined) return
  const hint = `known are ${KNOWN_FORMATTERS}; write %% for a percent sign`
  report('unknown-formatter', path, `${unknown} cannot be answered inside a process`, hint)
}
