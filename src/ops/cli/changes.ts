/** What a change does, for people. */
import type { Changes } from '../../mesh/plan.ts'
import type { Around } from './around.ts'
import { paintFor } from './paint.ts'

export function changesText(changes: Changes, around: Around): string {
  const paint = paintFor(around)
  const marks = { added: paint.green('+'), changed: paint.yellow('~'), removed: paint.red('-') }
  const lines: string[] = []
  for (const { key, change } of changes.documents) lines.push(`${marks[change]} ${key}`)
  for (const { host, port, change, routes } of changes.routes)
    lines.push(`${marks[change]} host ${host}:${port}${routes.length > 0 ? ` routes ${routes.join(', ')}` : ''}`)
  for (const { cluster, change, fields, endpoints, state } of changes.clusters) {
    lines.push(`${marks[change]} cluster ${cluster}${fields.length > 0 ? `: ${fields.join(', ')}` : ''}`)
    if (endpoints.added.length > 0) lines.push(`    endpoints + ${endpoints.added.join(', ')}`)
    if (endpoints.removed.length > 0) lines.push(`    endpoints - ${endpoints.removed.join(', ')}`)
    lines.push(paint.dim(`    state: ${state.note}`))
  }
  return lines.length === 0 ? 'nothing changes\n' : `${lines.join('\n')}\n`
}
