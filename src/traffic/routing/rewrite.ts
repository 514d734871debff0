/** Header operations and rewrites of a route, in Envoy's order: weighted cluster, then route; removes, then adds; then host, then path. */

import { hasHeader, removeHeader } from '../../base/formats/headers.ts'
import { compileRe2 } from '../../base/formats/re2.ts'
import type { HeaderValueOption, Route } from '../../envoy/index.ts'
import { type Formatted, formatter } from './formatter.ts'
import { type NameReader, substitutionBytes, targetBytes } from './rule-text.ts'

/** What goes out; changed in place. */
export interface Outgoing extends Formatted {
  authority: string
  path: string
  headers: string[]
}

/** Header lines to take off and to put on. */
export interface HeaderOps {
  readonly remove: readonly string[]
  readonly add: readonly HeaderOp[]
}

export interface HeaderOp {
  readonly name: string
  readonly value: (of: Formatted) => string
  readonly action: NonNullable<HeaderValueOption['appendAction']>
  readonly keepEmpty: boolean
}

/**
 * `undefined` when there is nothing to do. Throws a `SyntaxError` for a `%…%` formatter that we lack, and for a name or a text that no
 * header can carry.
 */
export function headerOps(
  nameOf: NameReader,
  add: readonly HeaderValueOption[] | undefined,
  remove: readonly string[] | undefined,
): HeaderOps | undefined {
  if (!add?.length && !remove?.length) return undefined
  return {
    remove: remove ?? [],
    add: (add ?? []).map(option => ({
      name: nameOf(option.header.key),
      value: formatter(option.header.value ?? ''),
      action: option.appendAction ?? 'APPEND_IF_EXISTS_OR_ADD',
      keepEmpty: option.keepEmptyValue === true,
    })),
  }
}

/** Removes, then works out every value from what is left, then overwrites, then adds. */
export function applyOps(headers: string[], ops: HeaderOps | undefined, of: Formatted): void {
  if (ops === undefined) return
  for (const name of ops.remove) removeHeader(headers, name)
  if (ops.add.length === 0) return
  const added: string[] = []
  const overwritten: string[] = []
  for (const { name, value, action, keepEmpty } of ops.add) {
    const text = value(of)
    if (text === '' && !keepEmpty) continue
    const ifThere = action === 'ADD_IF_ABSENT' || action === 'OVERWRITE_IF_EXISTS'
    if (ifThere && hasHeader(headers, name.toLowerCase()) !== (action === 'OVERWRITE_IF_EXISTS')) continue
    if (action === 'OVERWRITE_IF_EXISTS_OR_ADD' || action === 'OVERWRITE_IF_EXISTS') overwritten.push(name, text)
    else added.push(name, text)
  }
  for (let i = 0; i < overwritten.length; i += 2) {
    removeHeader(headers, overwritten[i]!)
    headers.push(overwritten[i]!, overwritten[i + 1]!)
  }
  for (const part of added) headers.push(part)
}

/** Compiles the path rewrite of a route. A regex that leaves nothing of the path rewrites nothing. */
export function pathRewrite(route: Route): ((path: string) => string | undefined) | undefined {
  const action = route.route
  const regexRewrite = action?.regexRewrite
  if (regexRewrite !== undefined) {
    const substitution = substitutionBytes(regexRewrite.substitution)
    const replace = compileRe2(regexRewrite.pattern.regex).replacer(substitution)
    return path => {
      const query = path.indexOf('?')
      const made = replace(query < 0 ? path : path.slice(0, query))
      return made === '' ? undefined : query < 0 ? made : made + path.slice(query)
    }
  }
  if (!action?.prefixRewrite) return undefined
  const to = targetBytes(action.prefixRewrite, 'path')
  const { prefix, path: exact } = route.match
  return path => {
    const query = path.indexOf('?')
    const bare = query < 0 ? path : path.slice(0, query)
    const rest = query < 0 ? '' : path.slice(query)
    return (prefix !== undefined && exact === undefined ? to + bare.slice(prefix.length) : to) + rest
  }
}
