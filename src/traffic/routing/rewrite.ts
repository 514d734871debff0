/** Header operations and rewrites of a route, in Envoy's order: weighted cluster, then route; removes, then adds; then host, then path. */

import { hasHeader, removeHeader, setHeader } from '../../base/formats/headers.ts'
import { compileRe2 } from '../../base/formats/re2.ts'
import type { HeaderValueOption, Route } from '../../envoy/index.ts'
import type { RequestView } from './request-view.ts'

/** What goes out; changed in place. */
export interface Outgoing extends RequestView {
  authority: string
  path: string
  headers: string[]
}

/** Header lines to take off and to put on. */
export interface HeaderOps {
  readonly remove: readonly string[]
  readonly add: readonly { name: string; value: (request: RequestView) => string; action: NonNullable<HeaderValueOption['appendAction']> }[]
}

/** `undefined` when there is nothing to do. Throws a `SyntaxError` for a `%…%` formatter that we lack. */
export function headerOps(add: readonly HeaderValueOption[] | undefined, remove: readonly string[] | undefined): HeaderOps | undefined {
  if (!add?.length && !remove?.length) return undefined
  return {
    remove: remove ?? [],
    add: (add ?? []).map(option => ({
      name: option.header.key,
      value: formatter(option.header.value ?? ''),
      action: option.appendAction ?? 'APPEND_IF_EXISTS_OR_ADD',
    })),
  }
}

export function applyOps(headers: string[], ops: HeaderOps | undefined, request: RequestView): void {
  if (ops === undefined) return
  for (const name of ops.remove) removeHeader(headers, name)
  for (const { name, value, action } of ops.add) {
    const text = value(request)
    if (action === 'OVERWRITE_IF_EXISTS_OR_ADD') {
      removeHeader(headers, name)
      headers.push(name, text)
    } else if (action === 'APPEND_IF_EXISTS_OR_ADD') headers.push(name, text)
    else if (action === 'ADD_IF_ABSENT') {
      if (!hasHeader(headers, name.toLowerCase())) headers.push(name, text)
    } else if (hasHeader(headers, name.toLowerCase())) setHeader(headers, name, text)
  }
}

function formatter(template: string): (request: RequestView) => string {
  if (!template.includes('%')) return () => template
  const parts: (string | ((request: RequestView) => string))[] = []
  let at = 0
  for (const match of template.matchAll(/%%|%([A-Z_]+)(?:\(([^)]*)\))?%|%/g)) {
    parts.push(template.slice(at, match.index))
    at = match.index + match[0].length
    if (match[0] === '%%') parts.push('%')
    else if (match[1] === 'REQ') {
      const [name = '', other] = (match[2] ?? '').toLowerCase().split('?')
      parts.push(request => request.header(name) ?? (other ? request.header(other) : undefined) ?? '-')
    } else if (match[1] === 'PROTOCOL') parts.push('HTTP/1.1')
    else if (match[1] === 'RESPONSE_CODE') parts.push(request => String(request.status ?? 0))
    else
      throw new SyntaxError(
        `header value ${JSON.stringify(template)}: ${match[0]} is not a formatter known here; write %% for a percent sign`,
      )
  }
  parts.push(template.slice(at))
  return request => parts.map(part => (typeof part === 'string' ? part : part(request))).join('')
}

/** Compiles the path rewrite of a route. */
export function pathRewrite(route: Route): ((path: string) => string) | undefined {
  const action = route.route
  const regexRewrite = action?.regexRewrite
  if (regexRewrite !== undefined) {
    const regex = compileRe2(regexRewrite.pattern.regex)
    return path => {
      const query = path.indexOf('?')
      return query < 0
        ? regex.replaceAll(path, regexRewrite.substitution)
        : regex.replaceAll(path.slice(0, query), regexRewrite.substitution) + path.slice(query)
    }
  }
  const to = action?.prefixRewrite
  if (to === undefined || to === '') return undefined
  const { prefix, path: exact } = route.match
  return path => {
    const query = path.indexOf('?')
    const bare = query < 0 ? path : path.slice(0, query)
    const rest = query < 0 ? '' : path.slice(query)
    return (prefix !== undefined && exact === undefined ? to + bare.slice(prefix.length) : to) + rest
  }
}
