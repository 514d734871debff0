/** A route's conditions, compiled once into predicates. They are AND-ed; the cheap ones come first. Semantics: Envoy's config_impl and header_utility. */
import { compileRe2 } from '../../base/formats/re2.ts'
import type { HeaderMatcher, QueryParameterMatcher, RouteMatch, StringMatcher } from '../../envoy/index.ts'
import type { RequestView } from './request-view.ts'

/** One condition: what it says, for people, and whether it holds. */
export interface Condition {
  readonly text: string
  holds(request: RequestView, path: string): boolean
}

/** All conditions of a match; none holds for every request. */
export function conditionsOf(match: RouteMatch): Condition[] {
  const conditions: Condition[] = []
  const path = pathCondition(match)
  if (path !== undefined) conditions.push(path)
  for (const header of match.headers ?? []) conditions.push(headerCondition(header))
  for (const query of match.queryParameters ?? []) conditions.push(queryCondition(query))
  return conditions
}

function pathCondition(match: RouteMatch): Condition | undefined {
  const fold = match.caseSensitive === false
  if (match.path !== undefined) {
    const wanted = fold ? match.path.toLowerCase() : match.path
    return { text: `path = ${match.path}`, holds: fold ? (_, path) => path.toLowerCase() === wanted : (_, path) => path === wanted }
  }
  if (match.prefix !== undefined) {
    if (match.prefix === '/' || match.prefix === '') return undefined
    const wanted = fold ? match.prefix.toLowerCase() : match.prefix
    return {
      text: `path starts with ${match.prefix}`,
      holds: fold ? (_, path) => path.toLowerCase().startsWith(wanted) : (_, path) => path.startsWith(wanted),
    }
  }
  if (match.pathSeparatedPrefix !== undefined) {
    const wanted = match.pathSeparatedPrefix
    return { text: `path is in ${wanted}`, holds: (_, path) => path === wanted || path.startsWith(`${wanted}/`) }
  }
  if (match.safeRegex !== undefined) {
    const regex = compileRe2(match.safeRegex.regex)
    return { text: `path matches ${match.safeRegex.regex}`, holds: (_, path) => regex.test(path) }
  }
  return undefined
}

/** A test for a text. */
export function stringTest(matcher: StringMatcher): (value: string) => boolean {
  const fold = matcher.ignoreCase === true
  const prepare = fold ? (s: string) => s.toLowerCase() : (s: string) => s
  if (matcher.exact !== undefined) {
    const wanted = prepare(matcher.exact)
    return value => prepare(value) === wanted
  }
  if (matcher.prefix !== undefined) {
    const wanted = prepare(matcher.prefix)
    return value => prepare(value).startsWith(wanted)
  }
  if (matcher.suffix !== undefined) {
    const wanted = prepare(matcher.suffix)
    return value => prepare(value).endsWith(wanted)
  }
  if (matcher.contains !== undefined) {
    const wanted = prepare(matcher.contains)
    return value => prepare(value).includes(wanted)
  }
  if (matcher.safeRegex !== undefined) {
    const regex = compileRe2(matcher.safeRegex.regex)
    return value => regex.test(value)
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

/** The value of a header or pseudo-header. */
export function headerValue(request: RequestView, name: string): string | undefined {
  switch (name) {
    case ':method':
      return request.method
    case ':authority':
    case 'host':
      return request.authority
    case ':scheme':
      return request.header('x-forwarded-proto') ?? request.scheme
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
