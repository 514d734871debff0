/** Paths that come out wrong, redirects that Envoy refuses, and copies that write twice. */
import { member } from '../document.ts'
import { isRedirectCode } from '../route-actions.ts'
import { mayWrite } from './retries.ts'
import { eachRoute, type LintRule } from './rule.ts'

export const rewrites: readonly LintRule[] = [
  eachRoute('rewrite-slashes', (http, path, report) => {
    const uri: string | undefined = http.rewrite?.uri
    if (uri === undefined) return
    for (const [index, match] of (http.match ?? []).entries()) {
      const prefix: string | undefined = match.uri?.prefix
      if (prefix === undefined || prefix === '/' || prefix === '' || prefix.endsWith('/') === uri.endsWith('/')) continue
      const rest = prefix.endsWith('/') ? 'x' : '/x'
      report(
        `${path}.rewrite.uri`,
        `${prefix}${rest} becomes ${uri}${rest}: what matched is replaced as text (match ${index})`,
        prefix.endsWith('/') ? `write ${uri}/` : `match both ${prefix}/ and exactly ${prefix}`,
      )
      return
    }
  }),
  eachRoute('rewrite-without-path', (http, path, report) => {
    if (http.rewrite?.uri === undefined) return
    if (!(http.match?.length > 0) || http.match.some((match: any) => match.uri === undefined))
      report(
        `${path}.rewrite.uri`,
        `without a path in the match, /any becomes ${http.rewrite.uri}any`,
        'match uri: { prefix: / }, or use uriRegexRewrite',
      )
  }),
  eachRoute('redirect-code', (http, path, report) => {
    const code = http.redirect?.redirectCode
    if (code !== undefined && code !== 304 && !isRedirectCode(code))
      report(`${path}.redirect.redirectCode`, `${code} passes in Istio, but Envoy then refuses all routes`, 'use 301, 302, 303, 307 or 308')
  }),
  eachRoute('mirror-writes', (http, path, report) => {
    if ((http.mirror === undefined && !(http.mirrors?.length > 0)) || !mayWrite(http)) return
    const at = http.mirror !== undefined ? `${path}.mirror` : `${path}.mirrors`
    report(
      at,
      'requests that change something are copied too',
      'match method: { exact: GET }, or be sure that the copy changes nothing that is shared',
      'info',
    )
  }),
  eachRoute('port-zero', (http, path, report) => {
    for (const [index, match] of (http.match ?? []).entries())
      if (match.port === 0)
        report(`${member(`${path}.match`, index)}.port`, 'the port 0 is no condition', 'leave port out, or give the port')
    if (http.redirect?.port === 0) report(`${path}.redirect.port`, 'the port 0 changes nothing', 'leave port out, or give the port')
  }),
]
