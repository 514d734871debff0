/** A route's conditions beside its path, compiled once into predicates; all must hold. Semantics: Envoy's config_impl and header_utility. */
import { utf8Bytes, utf8Text } from '../../base/formats/http-text.ts'
import { compileRe2 } from '../../base/formats/re2.ts'
import type { HeaderMatcher, QueryParameterMatcher, RouteMatch, StringMatcher } from '../../envoy/index.ts'
import type { RequestView } from './request-view.ts'

/** One condition: what it says, for people, and whether it holds. */
export interface Condition {
  readonly text: string
  holds(request: RequestView): boolean
}

/** The conditions of a match beside the one on the path. */
export function conditionsOf(match: RouteMatch): Condition[] {
  const conditions: Condition[] = []
  for (const header of match.headers ?? []) conditions.push(headerCondition(header))
  for (const query of match.queryParameters ?? []) conditions.push(queryCondition(query))
  return conditions
}

/** A test for what came on the wire, where each character is a byte; the matcher's own text is UTF-8 there. */
export function stringTest(matcher: StringMatcher): (value: string) => boolean {
  const fold = matcher.ignoreCase === true
  const prepare = fold ? (s: string) => s.toLowerCase() : (s: string) => s
  const wantedOf = (text: string) => prepare(utf8Bytes(text))
  if (matcher.exact !== undefined) {
    const wanted = wantedOf(matcher.exact)
    return value => prepare(value) === wanted
  }
  if (matcher.prefix !== undefined) {
    const wanted = wantedOf(matcher.prefix)
    return value => prepare(value).startsWith(wanted)
  }
  if (matcher.suffix !== undefined) {
    const wanted = wantedOf(matcher.suffix)
    return value => prepare(value).endsWith(wanted)
  }
  if (matcher.contains !== undefined) {
    const wanted = wantedOf(matcher.contains)
    return value => prepare(value).includes(wanted)
  }
  if (matcher.safeRegex !== undefined) {
    const regex = compileRe2(matcher.safeRegex.regex)
    return value => regex.test(utf8Text(value))
  }
  return () => true
}

function describe(matcher: StringMatcher): string {
  if (matcher.exact !== undefined) return `= ${matcher.exact}`
  if (matcher.prefix !== undefined) return `starts with ${matcher.prefix}`
  if (matcher.suffix !== undefined) return `ends with ${matcher.suffix}`
  if (matcher.contains !== undefined) return `contains ${matcher.contains}`
  return `matches ${matcher.safeRegex?.regex ?? ''}`
}

/** The scheme as rules see it: what a proxy in front says, when that is one. */
export function schemeOf(request: RequestView): string {
  const said = request.header('x-forwarded-proto')?.toLowerCase()
  return said === 'http' || said === 'https' ? said : request.scheme
}

/** The value of a header or pseudo-header. */
export function headerValue(request: RequestView, name: string): string | undefined {
  switch (name) {
    case ':method':
      return request.method
    case ':authority':
    case 'host':
      return request.authority
    case ':scheme':
      return schemeOf(request)
    case ':path':
      return request.path
    default:
      return request.header(name)
  }
}

function headerCondition(matcher: HeaderMatcher): Condition {
  const name = matcher.name.toLowerCase()
  const invert = matcher.invertMatch === true
  const string: StringMatcher | undefined =
    matcher.stringMatch ??
    (matcher.exactMatch !== undefined
      ? { exact: matcher.exactMatch }
      : matcher.prefixMatch !== undefined
        ? { prefix: matcher.prefixMatch }
        : matcher.safeRegexMatch !== undefined
          ? { safeRegex: matcher.safeRegexMatch }
          : undefined)
  if (string === undefined) {
    const wanted = (matcher.presentMatch ?? true) !== invert
    return { text: `${name} is ${wanted ? 'present' : 'absent'}`, holds: request => (headerValue(request, name) !== undefined) === wanted }
  }
  const test = stringTest(string)
  const missingIsEmpty = matcher.treatMissingHeaderAsEmpty === true
  return {
    text: `${invert ? 'not ' : ''}${name} ${describe(string)}`,
    holds: request => {
      const value = headerValue(request, name) ?? (missingIsEmpty ? '' : undefined)
      return value !== undefined && test(value) !== invert
    },
  }
}

function queryCondition(matcher: QueryParameterMatcher): Condition {
  const { name } = matcher
  const test = matcher.stringMatch === undefined ? () => true : stringTest(matcher.stringMatch)
  return {
    text: `query ${name} ${matcher.stringMatch === undefined ? 'is present' : describe(matcher.stringMatch)}`,
    holds: request => {
      const value = queryParameter(request.path, name)
      return value !== undefined && test(value)
    },
  }
}

/** The first value of a query parameter, not decoded. */
export function queryParameter(path: string, name: string): string | undefined {
  const start = path.indexOf('?')
  if (start < 0) return undefined
  for (const part of path.slice(start + 1).split('&')) {
    const equals = part.indexOf('=')
    if ((equals < 0 ? part : part.slice(0, equals)) === name) return equals < 0 ? '' : part.slice(equals + 1)
  }
  return undefined
}
