/** Where a redirect points. */
import { compileRe2 } from '../../base/formats/re2.ts'
import type { RedirectAction, RouteMatch } from '../../envoy/index.ts'
import type { RequestView } from './request-view.ts'

const STATUS = { MOVED_PERMANENTLY: 301, FOUND: 302, SEE_OTHER: 303, TEMPORARY_REDIRECT: 307, PERMANENT_REDIRECT: 308 }

export interface Redirection {
  status: number
  location: string
}

export function compileRedirect(action: RedirectAction, match: RouteMatch): (request: RequestView) => Redirection {
  const status = STATUS[action.responseCode ?? 'MOVED_PERMANENTLY']
  const regex = action.regexRewrite === undefined ? undefined : compileRe2(action.regexRewrite.pattern.regex)
  return request => {
    const from = request.header('x-forwarded-proto') ?? request.scheme
    const scheme = action.schemeRedirect ?? (action.httpsRedirect ? 'https' : from)
    const at = /^(.*?)(?::(\d+))?$/.exec(request.authority)!
    let host = action.hostRedirect ?? at[1]!
    const port = action.portRedirect
    if (port !== undefined && port !== 0) host += `:${port}`
    else if (action.hostRedirect === undefined && at[2] !== undefined) {
      const standard = (scheme === 'https' ? '443' : '80') === at[2] || (scheme !== from && (at[2] === '80' || at[2] === '443'))
      if (!standard || scheme === from) host += `:${at[2]}`
    }
    const query = request.path.indexOf('?')
    const bare = query < 0 ? request.path : request.path.slice(0, query)
    const search = query < 0 || action.stripQuery ? '' : request.path.slice(query)
    let path = bare + search
    if (action.pathRedirect !== undefined) path = action.pathRedirect.includes('?') ? action.pathRedirect : action.pathRedirect + search
    else if (action.prefixRewrite !== undefined)
      path = action.prefixRewrite + bare.slice((match.prefix ?? match.path ?? '').length) + search
    else if (regex !== undefined) path = regex.replaceAll(bare, action.regexRewrite!.substitution) + search
    return { status, location: `${scheme}://${host}${path.startsWith('/') ? '' : '/'}${path}` }
  }
}
