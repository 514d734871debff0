/** Where a redirect points. */
import { compileRe2 } from '../../base/formats/re2.ts'
import type { RedirectAction, RouteMatch } from '../../envoy/index.ts'
import { schemeOf } from './match.ts'
import type { RequestView } from './request-view.ts'
import { headerBytes } from './rule-text.ts'

const STATUS = { MOVED_PERMANENTLY: 301, FOUND: 302, SEE_OTHER: 303, TEMPORARY_REDIRECT: 307, PERMANENT_REDIRECT: 308 }

export interface Redirection {
  status: number
  location: string
}

export function compileRedirect(action: RedirectAction, match: RouteMatch): (request: RequestView) => Redirection {
  const status = STATUS[action.responseCode ?? 'MOVED_PERMANENTLY']
  const wanted = bytesOf(action.schemeRedirect, 'scheme') ?? (action.httpsRedirect ? 'https' : undefined)
  const redirectedHost = bytesOf(action.hostRedirect, 'host')
  const port = action.portRedirect ? `:${action.portRedirect}` : ''
  const pathOf = compilePath(action, match)
  return request => {
    const from = schemeOf(request)
    const scheme = wanted ?? from
    const host = redirectedHost ?? (port === '' ? kept(request.authority, from, scheme) : splitPort(request.authority)[0])
    const path = pathOf(request.path)
    return { status, location: `${scheme}://${host}${port}${path.startsWith('/') ? '' : '/'}${path}` }
  }
}

/** The Host as it came; the standard port of the old scheme does not go along to a new one. */
function kept(authority: string, from: string, to: string): string {
  const [name, port] = splitPort(authority)
  return from !== to && port === (from === 'https' ? '443' : '80') ? name : authority
}

function splitPort(authority: string): [string, string | undefined] {
  const colon = authority.lastIndexOf(':')
  return colon <= authority.lastIndexOf(']') ? [authority, undefined] : [authority.slice(0, colon), authority.slice(colon + 1)]
}

const bytesOf = (text: string | undefined, what: string) => (text === undefined ? undefined : headerBytes(text, what))

function compilePath(action: RedirectAction, match: RouteMatch): (target: string) => string {
  const { regexRewrite, stripQuery } = action
  const pathRedirect = bytesOf(action.pathRedirect, 'path')
  const prefixRewrite = bytesOf(action.prefixRewrite, 'path')
  const substitution = bytesOf(regexRewrite?.substitution, 'substitution')
  // A query of the new path replaces the old one, and is never stripped.
  if (pathRedirect?.includes('?')) return () => pathRedirect
  const replace = regexRewrite === undefined ? undefined : compileRe2(regexRewrite.pattern.regex).replacer(substitution!)
  const replaced = (match.prefix ?? match.path ?? '').length
  return target => {
    const query = target.indexOf('?')
    const bare = query < 0 ? target : target.slice(0, query)
    const search = query < 0 || stripQuery ? '' : target.slice(query)
    if (pathRedirect !== undefined) return pathRedirect + search
    if (prefixRewrite !== undefined) return prefixRewrite + bare.slice(replaced) + search
    return (replace === undefined ? bare : replace(bare)) + search
  }
}
