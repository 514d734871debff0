/** Header operations: which names may be changed, and values that Envoy's formatter can read. */
import { member } from '../document.ts'
import type { Check } from './check.ts'
import { authority, HEADER_NAME_HINT, headerNameIssue, headerValue, isFramingHeader } from './http-text.ts'

export function headers(check: Check, operations: any, path: string): void {
  for (const side of ['request', 'response'] as const) {
    const changes = operations?.[side] ?? {}
    const hostAllowed = side === 'request'
    for (const way of ['set', 'add'] as const)
      for (const [name, value] of Object.entries<string>(changes[way] ?? {})) {
        const at = member(`${path}.${side}.${way}`, name)
        headerName(check, name, at, hostAllowed)
        headerValue(check, value, at)
        if (isFramingHeader(name))
          check.error(
            'invalid-header',
            at,
            `${name} cannot be written by a rule: it belongs to the connection on which a message is sent`,
            'leave it out; it is written as the body and the connection need it',
          )
        if (hostAllowed && isAuthorityName(name)) authority(check, value, at)
        const fault = formatFault(value)
        if (fault !== undefined)
          check.error('invalid-header-value', at, `${JSON.stringify(value)}: ${fault}`, 'write %% for a percent sign')
      }
    for (const [index, name] of (changes.remove ?? []).entries()) {
      const at = member(`${path}.${side}.remove`, index)
      headerName(check, name, at, false)
      if (isFramingHeader(name)) check.warn('no-effect', at, `${name} belongs to the connection: it is written as needed`, 'leave it out')
    }
  }
}

export function isAuthorityName(name: string): boolean {
  return /^(?:host|:authority)$/i.test(name)
}

function headerName(check: Check, name: string, path: string, hostAllowed: boolean): void {
  const issue = headerNameIssue(name)
  if (name === '') check.error('invalid-header', path, 'a header needs a name', 'name the header')
  else if (isAuthorityName(name)) {
    if (!hostAllowed) check.error('invalid-header', path, `${name} cannot be changed here`, 'use rewrite.authority')
  } else if (name.startsWith(':'))
    check.error('invalid-header', path, `${name} is no header that can be changed`, 'use rewrite for the path')
  // Istio lets these pass, so they are no error of the document; what cannot be sent is one of the mesh (see unsendable.ts).
  else if (issue !== undefined) check.warn('invalid-header', path, issue, HEADER_NAME_HINT)
}

/** Reads `%NAME%`, `%NAME(argument)%` and `%NAME(["a", "b"])%` as Envoy's header parser does. */
function formatFault(value: string): string | undefined {
  let state: 'text' | 'name' | 'arguments' | 'string' | 'in a string' | 'after a string' | 'closing' | 'end' = 'text'
  for (let at = 0; at < value.length; at++) {
    const char = value[at]!
    switch (state) {
      case 'text':
        if (char !== '%') break
        if (at + 1 === value.length) return 'a single % at the end'
        if (value[at + 1] === '%') at++
        else state = 'name'
        break
      case 'name':
        if (char === '%') state = 'text'
        else if (char === '(') state = 'arguments'
        break
      case 'arguments':
        if (char === '[') state = 'string'
        else if (char !== ' ') state = 'in a string'
        break
      case 'string':
        if (char === '"') state = 'in a string'
        else if (char !== ' ') return 'a quoted text is expected in [...]'
        break
      case 'in a string':
        if (char === '\\') {
          if (at + 1 === value.length) return 'a backslash at the end'
          at++
        } else if (char === ')') state = 'end'
        else if (char === '"') state = 'after a string'
        break
      case 'after a string':
        if (char === ',') state = 'string'
        else if (char === ']') state = 'closing'
        else if (char !== ' ') return 'a comma or ] is expected in [...]'
        break
      case 'closing':
        if (char === ')') state = 'end'
        else if (char !== ' ') return 'a ) is expected after [...]'
        break
      case 'end':
        if (char === '%') state = 'text'
        else if (char !== ' ') return 'a % is expected after (...)'
    }
  }
  return state === 'text' ? undefined : 'an unfinished %…% expression'
}
