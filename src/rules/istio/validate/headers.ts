/** Header operations: which names may be changed, and values that Envoy's formatter can read. */
import { member } from '../document.ts'
import type { Check } from './check.ts'

const FORMATTED = /%%|%[A-Za-z0-9_]+(?:\([^)]*\))?(?::\d+)?%/g

export function headers(check: Check, operations: any, path: string): void {
  for (const side of ['request', 'response'] as const) {
    const changes = operations?.[side] ?? {}
    const hostAllowed = side === 'request'
    for (const way of ['set', 'add'] as const)
      for (const [name, value] of Object.entries<string>(changes[way] ?? {})) {
        const at = member(`${path}.${side}.${way}`, name)
        headerName(check, name, at, hostAllowed)
        if (value.replace(FORMATTED, '').includes('%'))
          check.error(
            'invalid-header-value',
            at,
            `${JSON.stringify(value)} has an unfinished %…% expression`,
            'write %% for a percent sign',
          )
      }
    for (const [index, name] of (changes.remove ?? []).entries()) headerName(check, name, member(`${path}.${side}.remove`, index), false)
  }
}

function headerName(check: Check, name: string, path: string, hostAllowed: boolean): void {
  if (name === '') check.error('invalid-header', path, 'a header needs a name', 'name the header')
  else if (/^(?:host|:authority)$/i.test(name)) {
    if (!hostAllowed) check.error('invalid-header', path, `${name} cannot be changed here`, 'use rewrite.authority')
  } else if (name.startsWith(':'))
    check.error('invalid-header', path, `${name} is no header that can be changed`, 'use rewrite for the path')
}
