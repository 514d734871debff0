/** Conditions of a route. Those about the caller are decided here and vanish; the rest is said in Envoy's words. */
import type { HeaderMatcher, QueryParameterMatcher, RouteMatch, StringMatcher } from '../../envoy/index.ts'
import { type Caller, hasLabels } from './select-documents.ts'

/** Whether a condition can hold at all for this caller on this port. */
export function concerns(match: any, caller: Caller, port: number): boolean {
  if (match.port && Number(match.port) !== port) return false
  if (match.gateways?.length) return match.gateways.includes('mesh') // with gateways, nothing else about the caller is asked
  if (match.sourceNamespace && match.sourceNamespace !== caller.namespace) return false
  return hasLabels(caller.labels, match.sourceLabels)
}

export function routeMatch(match: any): RouteMatch {
  if (match == null) return { prefix: '/' }
  const out: RouteMatch = {}
  if (match.uri?.exact != null) out.path = match.uri.exact
  else if (match.uri?.regex != null) out.safeRegex = { regex: match.uri.regex }
  else out.prefix = match.uri?.prefix ?? '/'
  out.caseSensitive = !match.ignoreUriCase

  const headers: HeaderMatcher[] = Object.entries(match.headers ?? {}).map(([name, wanted]) => headerMatcher(name, wanted))
  for (const [name, unwanted] of Object.entries(match.withoutHeaders ?? {})) {
    const matcher: HeaderMatcher = { ...headerMatcher(name, unwanted), invertMatch: true }
    if (matcher.presentMatch === undefined) matcher.treatMissingHeaderAsEmpty = true
    headers.push(matcher)
  }
  headers.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  if (match.method != null) headers.push(headerMatcher(':method', match.method))
  if (match.authority != null) headers.push(headerMatcher(':authority', match.authority))
  if (match.scheme != null) headers.push(headerMatcher(':scheme', match.scheme))
  if (headers.length > 0) out.headers = headers

  const query: QueryParameterMatcher[] = sorted(match.queryParams).map(([name, wanted]) => headerMatcher(name, wanted))
  if (query.length > 0) out.queryParameters = query
  return out
}

/** Nothing after such a route can be reached. */
export function isCatchAll({ prefix, safeRegex, headers, queryParameters }: RouteMatch): boolean {
  return (prefix === '/' || safeRegex?.regex === '.*') && headers === undefined && queryParameters === undefined
}

export function sorted(map: Record<string, any> | undefined): [string, any][] {
  return map == null ? [] : Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))
}

function headerMatcher(name: string, wanted: any): { name: string; presentMatch?: boolean; stringMatch?: StringMatcher } {
  const string = stringMatcher(wanted)
  return string === undefined ? { name, presentMatch: true } : { name, stringMatch: string }
}

/** `undefined` when only presence is asked for. */
export function stringMatcher(wanted: any): StringMatcher | undefined {
  if (wanted?.exact != null) return { exact: wanted.exact }
  if (wanted?.prefix != null) return { prefix: wanted.prefix }
  if (wanted?.regex != null && wanted.regex !== '*') return { safeRegex: { regex: wanted.regex } }
  return undefined
}
