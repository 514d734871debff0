/** What a route does: exactly one of its actions, and the options beside it. */
import { isToken } from '../../../base/formats/http-text.ts'
import { compileRe2 } from '../../../base/formats/re2.ts'
import { substitutionIssue, substitutionTexts } from '../../../base/formats/re2-substitution.ts'
import { parseDuration } from '../../../base/time/duration.ts'
import { suggest } from '../../../core/schema/read.ts'
import { member } from '../document.ts'
import type { Check } from './check.ts'
import { destination, weights } from './destination.ts'
import { fault } from './fault.ts'
import { headers, isAuthorityName } from './headers.ts'
import { httpMatch, stringMatch } from './http-match.ts'
import { authority, locationPath, pathPart, requestPath } from './http-text.ts'
import { retries } from './retries.ts'

export interface RouteContext {
  /** The document is a delegate: it has no hosts. */
  isDelegate: boolean
  gateways: readonly string[]
}

export function httpRoute(check: Check, route: any, path: string, context: RouteContext): void {
  action(check, route, path, context)
  for (const [index, match] of (route.match ?? []).entries()) httpMatch(check, match, member(`${path}.match`, index), context.gateways)
  for (const [index, target] of (route.route ?? []).entries()) {
    const at = member(`${path}.route`, index)
    destination(check, target.destination, at)
    headers(check, target.headers, `${at}.headers`)
  }
  weights(check, route.route ?? [], `${path}.route`)
  headers(check, route.headers, `${path}.headers`)
  check.duration(route.timeout, `${path}.timeout`)
  if (route.retries !== undefined) retries(check, route.retries, `${path}.retries`)
  if (route.fault !== undefined) fault(check, route.fault, `${path}.fault`)
  if (route.redirect !== undefined) redirect(check, route.redirect, `${path}.redirect`)
  if (route.directResponse !== undefined) directResponse(check, route.directResponse, `${path}.directResponse`)
  if (route.rewrite !== undefined) rewrite(check, route, `${path}.rewrite`)
  oneAuthority(check, route, path)
  if (route.corsPolicy !== undefined) cors(check, route.corsPolicy, `${path}.corsPolicy`)
  mirrors(check, route, path)
}

function action(check: Check, route: any, path: string, { isDelegate }: RouteContext): void {
  const routed = route.route?.length > 0
  const excludes = (present: unknown, field: string, others: readonly string[]) => {
    if (!present) return
    for (const other of others)
      if (other === 'route' ? routed : route[other] !== undefined)
        check.error('conflict', `${path}.${other}`, `${field} and ${other} exclude each other`, `leave one of them out`)
  }
  excludes(route.redirect, 'redirect', ['route', 'fault', 'rewrite', 'directResponse'])
  excludes(route.directResponse, 'directResponse', ['route', 'fault', 'rewrite'])
  if (route.delegate !== undefined) {
    if (isDelegate) check.error('delegate', `${path}.delegate`, 'a delegate cannot delegate again', 'delegates are one level deep')
    else {
      excludes(route.delegate, 'delegate', ['route', 'redirect'])
      return
    }
  }
  if (!routed && route.redirect === undefined && route.directResponse === undefined)
    check.error('no-action', path, 'a route, redirect or directResponse is required', 'add route: with a destination')
}

function redirect(check: Check, redirect: any, path: string): void {
  if (!redirect.uri && !redirect.authority && !redirect.scheme && redirect.port === undefined && redirect.derivePort === undefined)
    check.error('required', path, 'a redirect to where it came from', 'give uri, authority, scheme or port')
  const code: number = redirect.redirectCode ?? 0
  if (code !== 0 && (code < 300 || code > 399))
    check.error('invalid-status', `${path}.redirectCode`, `${code} is no redirect`, 'use 301, 302, 303, 307 or 308')
  else if (code === 304)
    check.error(
      'invalid-status',
      `${path}.redirectCode`,
      '304 passes in Istio, but Envoy then refuses all routes',
      'use 301, 302, 303, 307 or 308',
    )
  if (redirect.scheme && redirect.scheme !== 'http' && redirect.scheme !== 'https')
    check.error('invalid-scheme', `${path}.scheme`, `${JSON.stringify(redirect.scheme)} is no scheme for a redirect`, 'use http or https')
  if (redirect.port > 0) check.port(redirect.port, `${path}.port`)
  if (redirect.uri) locationPath(check, redirect.uri, `${path}.uri`)
  if (redirect.authority) authority(check, redirect.authority, `${path}.authority`)
}

function directResponse(check: Check, response: any, path: string): void {
  const status: number = response.status ?? 0
  if (status === 600)
    check.error(
      'invalid-status',
      `${path}.status`,
      '600 passes in Istio, but Envoy then refuses all routes',
      'give a status from 200 to 599',
    )
  else if (status < 200 || status > 600)
    check.error('invalid-status', `${path}.status`, `the status ${status} is not between 200 and 599`, 'give a status from 200 to 599')
  const { body } = response
  const size =
    body?.string !== undefined
      ? new TextEncoder().encode(body.string).length
      : Math.floor(((body?.bytes ?? '').replace(/=+$/, '').length * 3) / 4)
  if (size > 1_048_576)
    check.error('body-too-large', `${path}.body`, `a body of ${size} bytes; at most 1 MiB is allowed`, 'serve it from a service')
  else if (size > 102_400)
    check.warn('body-large', `${path}.body`, `a body of ${size} bytes is kept in every client`, 'serve it from a service')
}

function rewrite(check: Check, route: any, path: string): void {
  const { uri, authority: host, uriRegexRewrite } = route.rewrite
  if (!uri && !host && uriRegexRewrite === undefined)
    check.error('required', path, 'a rewrite of nothing', 'give uri, uriRegexRewrite or authority')
  if (uri && uriRegexRewrite !== undefined)
    check.error('conflict', `${path}.uriRegexRewrite`, 'uri and uriRegexRewrite exclude each other', 'leave one of them out')
  if (uriRegexRewrite !== undefined) {
    const at = `${path}.uriRegexRewrite`
    if (!uriRegexRewrite.match || !uriRegexRewrite.rewrite)
      check.error('required', at, 'match and rewrite are both required', 'give both; \\1 is the first group')
    else if (check.regex(uriRegexRewrite.match, `${at}.match`)) substitution(check, uriRegexRewrite, `${at}.rewrite`)
  }
  if (uri) requestPath(check, uri, `${path}.uri`)
  if (host) authority(check, host, `${path}.authority`)
}

function substitution(check: Check, { match, rewrite }: { match: string; rewrite: string }, path: string): void {
  const issue = substitutionIssue(rewrite, compileRe2(match).groups)
  if (issue !== undefined)
    check.error(
      'invalid-substitution',
      path,
      `${JSON.stringify(rewrite)}: ${issue}`,
      '\\1 is the first group, \\0 the whole match, \\\\ a backslash',
    )
  pathPart(check, substitutionTexts(rewrite), path)
}

/** The host is changed in one place at most. */
function oneAuthority(check: Check, route: any, path: string): void {
  let current: string = route.rewrite?.authority ?? ''
  for (const way of ['set', 'add'])
    for (const [name, value] of Object.entries<string>(route.headers?.request?.[way] ?? {})) {
      if (!isAuthorityName(name)) continue
      if (current !== '')
        check.error(
          'conflict',
          member(`${path}.headers.request.${way}`, name),
          `the host is already set to ${current}`,
          'leave one of them out',
        )
      current = value
    }
}

function mirrors(check: Check, route: any, path: string): void {
  if (route.mirror !== undefined) {
    destination(check, route.mirror, `${path}.mirror`, '')
    if (route.mirrors?.length > 0 && route.delegate === undefined)
      check.error('conflict', `${path}.mirrors`, 'mirror and mirrors exclude each other', 'put all into mirrors')
  }
  if (route.mirrorPercent !== undefined) {
    check.warn('deprecated', `${path}.mirrorPercent`, 'mirrorPercent is deprecated', 'use mirrorPercentage: { value: … }')
    check.percent(route.mirrorPercent, `${path}.mirrorPercent`)
  }
  check.percent(route.mirrorPercentage?.value, `${path}.mirrorPercentage.value`)
  for (const [index, mirror] of (route.mirrors ?? []).entries()) {
    const at = member(`${path}.mirrors`, index)
    destination(check, mirror.destination, at)
    check.percent(mirror.percentage?.value, `${at}.percentage.value`)
  }
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', '*']

function cors(check: Check, cors: any, path: string): void {
  for (const [index, method] of (cors.allowMethods ?? []).entries())
    if (!METHODS.includes(method))
      check.error(
        'unknown-value',
        member(`${path}.allowMethods`, index),
        `${JSON.stringify(method)} is no HTTP method`,
        suggest(method, METHODS) ?? METHODS.join(', '),
      )
  for (const [index, origin] of (cors.allowOrigins ?? []).entries()) {
    const at = member(`${path}.allowOrigins`, index)
    if (!origin.exact && !origin.prefix && !origin.regex)
      check.error('empty-match', at, 'an origin that matches nothing', 'give exact, prefix or regex')
    else stringMatch(check, origin, at, false)
  }
  for (const field of ['allowHeaders', 'exposeHeaders'])
    for (const [index, name] of (cors[field] ?? []).entries())
      if (!isToken(name))
        check.error(
          'invalid-header',
          member(`${path}.${field}`, index),
          `${JSON.stringify(name)} is no header name`,
          'letters, digits and "-"',
        )
  check.duration(cors.maxAge, `${path}.maxAge`)
  if ((parseDuration(cors.maxAge ?? '0s') ?? 0) % 1000 > 0)
    check.error('duration-too-fine', `${path}.maxAge`, `${cors.maxAge} is not in whole seconds`, 'round to seconds')
}
