/** What a change does, for people. */
import type { FieldChange } from '../../mesh/field-changes.ts'
import type { Changes } from '../../mesh/plan.ts'
import { isSecretName } from '../admin/redact.ts'
import type { Around } from './around.ts'
import { type Paint, paintFor } from './paint.ts'
import { oneLine } from './printable.ts'

/** Fields that are shown of one document, and characters of a value. */
const MAX_FIELDS = 20
const MAX_VALUE = 80

export function changesText(changes: Changes, around: Around): string {
  const paint = paintFor(around)
  const marks = { added: paint.green('+'), changed: paint.yellow('~'), removed: paint.red('-') }
  const lines: string[] = []
  for (const { key, change, fields = [] } of changes.documents) {
    lines.push(`${marks[change]} ${oneLine(key)}`)
    for (const field of fields.slice(0, MAX_FIELDS)) lines.push(`    ${fieldText(field, paint)}`)
    if (fields.length > MAX_FIELDS) lines.push(paint.dim(`    and ${fields.length - MAX_FIELDS} more; --json has all of them`))
  }
  for (const { host, port, change, routes } of changes.routes)
    lines.push(`${marks[change]} ${oneLine(`host ${host}:${port}${routes.length > 0 ? ` routes ${routes.join(', ')}` : ''}`)}`)
  for (const { cluster, change, fields, endpoints, state } of changes.clusters) {
    lines.push(`${marks[change]} ${oneLine(`cluster ${cluster}${fields.length > 0 ? `: ${fields.join(', ')}` : ''}`)}`)
    if (endpoints.added.length > 0) lines.push(oneLine(`    endpoints + ${endpoints.added.join(', ')}`))
    if (endpoints.removed.length > 0) lines.push(oneLine(`    endpoints - ${endpoints.removed.join(', ')}`))
    lines.push(paint.dim(oneLine(`    state: ${state.note}`)))
  }
  return lines.length === 0 ? 'nothing changes\n' : `${lines.join('\n')}\n`
}

/** `spec.http[0].route[0].weight: 90 → 50`. */
function fieldText(field: FieldChange, paint: Paint): string {
  const path = oneLine(field.path)
  if (!('from' in field)) return `${paint.green('+')} ${path}: ${valueText(field.to, path)}`
  if (!('to' in field)) return `${paint.red('-')} ${path}: ${valueText(field.from, path)}`
  return `${path}: ${valueText(field.from, path)} → ${valueText(field.to, path)}`
}

/** The output of a pipeline is kept: what is called like a secret is not written there. */
function valueText(value: unknown, path: string): string {
  if (path.split(/[.[\]"]+/).some(isSecretName)) return '(hidden)'
  const text = typeof value === 'string' ? value : JSON.stringify(value, hideSecrets)
  const short = text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text
  return text === '' ? '""' : oneLine(short)
}

function hideSecrets(name: string, value: unknown): unknown {
  return isSecretName(name) ? '(hidden)' : value
}
