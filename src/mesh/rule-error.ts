/** Rules that cannot be used: every fault at once, each with its place. */
import { oneLine } from '../base/formats/one-line.ts'
import { MeshlessError } from '../core/errors.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'

export class RuleError extends MeshlessError {
  override readonly name = 'RuleError'
  readonly code = 'ERR_RULES'
  /** All of them, errors first. */
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter(d => d.severity === 'error')
    super(
      `${errors.length === 1 ? 'one fault' : `${errors.length} faults`} in the rules:\n${errors.map(d => oneLine(`  ${place(d)}${d.message}${d.hint ? ` (${d.hint})` : ''}`)).join('\n')}`,
    )
    this.diagnostics = diagnostics
  }
}

function place(d: Diagnostic): string {
  const where = [
    d.source ?? '',
    d.line === undefined ? '' : `line ${d.line}${d.column === undefined ? '' : `:${d.column}`}`,
    d.kind && d.name ? `${d.kind} ${d.name}` : (d.kind ?? ''),
    d.path ?? '',
  ]
    .filter(Boolean)
    .join(' ')
  return where === '' ? '' : `${where}: `
}
