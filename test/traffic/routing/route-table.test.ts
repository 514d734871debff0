/** Which route a request takes, against a reference that reads Envoy's rules one by one and knows no index. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HeaderMatcher, QueryParameterMatcher, RouteMatch, StringMatcher } from '../../../src/envoy/index.ts'
import { compileRoutes } from '../../../src/traffic/routing/route-table.ts'
import { headerLines, path, query, requestOf } from './requests.ts'

// ── the reference ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Regexes of the generator, whose meaning in JavaScript is RE2's. */
const fullMatch = (regex: string, text: string) => new RegExp(`^(?:${regex})$`).test(text)

function textMatches(m: StringMatcher, text: string): boolean {
  if (m.safeRegex) return fullMatch(m.safeRegex.regex, text)
  const [given, wanted] = m.ignoreCase
    ? [text.toLowerCase(), (m.exact ?? m.prefix ?? m.suffix ?? m.contains)!.toLowerCase()]
    : [text, (m.exact ?? m.prefix ?? m.suffix ?? m.contains)!]
  if (m.exact !== undefined) return given === wanted
  if (m.prefix !== undefined) return given.indexOf(wanted) === 0
  if (m.suffix !== undefined) return given.length >= wanted.length && given.slice(given.length - wanted.length) === wanted
  return given.indexOf(wanted) >= 0
}

function headerMatches(m: HeaderMatcher, headers: string[]): boolean {
  const lines: string[] = []
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === m.name.toLowerCase()) lines.push(headers[i + 1]!)
  const present = lines.length > 0
  if (m.stringMatch === undefined) return (m.invertMatch ? !present : present) === (m.presentMatch ?? true)
  if (!present && !m.treatMissingHeaderAsEmpty) return false
  return textMatches(m.stringMatch, lines.join(',')) !== (m.invertMatch === true)
}

function queryMatches(m: QueryParameterMatcher, url: string): boolean {
  const at = url.indexOf('?')
  const pairs =
    at < 0
      ? []
      : url
          .slice(at + 1)
          .split('&')
          .map(p => [p.split('=')[0]!, p.includes('=') ? p.slice(p.indexOf('=') + 1) : ''] as const)
  const first = pairs.find(([name]) => name === m.name)
  return first !== undefined && (m.stringMatch === undefined || textMatches(m.stringMatch, first[1]))
}

function routeMatches(m: RouteMatch, url: string, headers: string[]): boolean {
  const bare = url.split('?')[0]!
  const [given, fold] = m.caseSensitive === false ? [bare.toLowerCase(), (s: string) => s.toLowerCase()] : [bare, (s: string) => s]
  if (m.path !== undefined && given !== fold(m.path)) return false
  if (m.prefix !== undefined && given.indexOf(fold(m.prefix)) !== 0) return false
  if (
    m.pathSeparatedPrefix !== undefined &&
    given !== fold(m.pathSeparatedPrefix) &&
    given.indexOf(`${fold(m.pathSeparatedPrefix)}/`) !== 0
  )
    return false
  if (m.safeRegex !== undefined && !fullMatch(m.safeRegex.regex, bare)) return false
  return (m.headers ?? []).every(h => headerMatches(h, headers)) && (m.queryParameters ?? []).every(q => queryMatches(q, url))
}

// ── the generators ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

const text = fc.constantFrom('', 'v', 'V', 'vw', 'w')
const regex = fc.constantFrom('v', 'v.*', '[vw]+', 'v|w', '(v|w),?.*', '').map(r => ({ safeRegex: { regex: r } }))
const string: fc.Arbitrary<StringMatcher> = fc.oneof(
  fc.record({ exact: text, ignoreCase: fc.boolean() }),
  fc.record({ prefix: text, ignoreCase: fc.boolean() }),
  fc.record({ suffix: text, ignoreCase: fc.boolean() }),
  fc.record({ contains: text }),
  regex,
)
const flag = fc.constantFrom(undefined, false, true)
const drop = <T extends object>(o: T): T => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined)) as T
const header: fc.Arbitrary<HeaderMatcher> = fc
  .oneof(
    fc.record({ name: fc.constantFrom('x-a', 'X-B', 'x-none'), stringMatch: string, invertMatch: flag, treatMissingHeaderAsEmpty: flag }),
    fc.record({ name: fc.constantFrom('x-a', 'X-B', 'x-none'), presentMatch: fc.constant(true), invertMatch: flag }),
  )
  .map(drop) as fc.Arbitrary<HeaderMatcher>
const parameter = fc
  .record({ name: fc.constantFrom('q', 'p'), stringMatch: fc.option(string, { nil: undefined }) })
  .map(drop) as fc.Arbitrary<QueryParameterMatcher>
const pathMatch: fc.Arbitrary<RouteMatch> = fc
  .oneof(
    fc.record({ path, caseSensitive: flag }),
    fc.record({ prefix: fc.oneof(path, fc.constantFrom('', '/', '/a', '/ab', '/a/b')), caseSensitive: flag }),
    fc.record({ pathSeparatedPrefix: fc.constantFrom('/a', '/a/b'), caseSensitive: flag }),
    fc.record({ safeRegex: fc.constantFrom('/a', '/a/.*', '/(a|b)(/.*)?', '.*/x1', '/[a-z]+').map(r => ({ regex: r })) }),
  )
  .map(drop) as fc.Arbitrary<RouteMatch>
const match = fc
  .tuple(pathMatch, fc.array(header, { maxLength: 2 }), fc.array(parameter, { maxLength: 1 }))
  .map(([p, headers, queryParameters]): RouteMatch => ({ ...p, headers, queryParameters }))

const table = (matches: RouteMatch[]) =>
  compileRoutes([
    {
      name: '80',
      virtualHosts: [
        { name: 'a', domains: ['a.test'], routes: matches.map((m, i) => ({ name: String(i), match: m, route: { cluster: 'c' } })) },
      ],
    },
  ])

describe('the first route that holds', () => {
  test.each([
    ['short lists', 6],
    ['long lists, through the index', 40],
  ])('%s: as the reference, and as explain says', (_, maxLength) => {
    fc.assert(
      fc.property(
        fc.array(match, { maxLength }),
        fc.array(fc.tuple(path, query, headerLines), { minLength: 1, maxLength: 8 }),
        (matches, asked) => {
          const routes = table(matches)
          for (const [at, search, headers] of asked) {
            const url = at + search
            const first = matches.findIndex(m => routeMatches(m, url, headers))
            const request = requestOf({ path: url, headers })
            expect(routes.match(request)?.name).toBe(first < 0 ? undefined : String(first))
            const tried = routes.explain(request).routes
            expect(tried.findIndex(t => t.chosen)).toBe(first)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a path outside the ordinary (`*`, empty) meets only what names no segment', () => {
    const many = Array.from({ length: 20 }, (_, i) => ({ prefix: `/p${i}/` }))
    const routes = table([...many, { path: '*' }, { prefix: '' }])
    expect(routes.match(requestOf({ path: '*' }))?.name).toBe('20')
    expect(routes.match(requestOf({ path: '/p3/x' }))?.name).toBe('3')
    expect(routes.match(requestOf({ path: '/p3' }))?.name).toBe('21')
  })
})

describe('the virtual host of an authority', () => {
  const hosts = (...domains: string[]) =>
    compileRoutes([
      {
        name: '80',
        virtualHosts: domains.map(d => ({ name: d, domains: [d], routes: [{ name: d, match: { prefix: '/' }, route: { cluster: 'c' } }] })),
      },
    ])
  const all = hosts('*', 'foo.*', 'foo.ba*', '*.com', '*.foo.com', 'foo.com', 'a.foo.com')

  test.each([
    ['foo.com', 'foo.com'],
    ['FOO.com:8080', 'foo.com'],
    ['a.foo.com', 'a.foo.com'],
    ['b.foo.com', '*.foo.com'],
    ['b.a.foo.com', '*.foo.com'],
    ['.foo.com', '*.com'], // at least one character before the dot
    ['foo.com.com', '*.com'], // a suffix beats a prefix
    ['foo.bar', 'foo.ba*'],
    ['foo.org', 'foo.*'],
    ['else', '*'],
    ['[::1]:80', '*'],
  ])('%s is %s', (authority, domain) => expect(all.match(requestOf({ authority }))?.name).toBe(domain))

  test('exact, then the longest suffix, then the longest prefix: as a reference says', () => {
    const label = fc.constantFrom('a', 'b', 'ab')
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map(l => l.join('.'))
    const domain = fc.oneof(
      name,
      name.map(n => `*.${n}`),
      name.map(n => `${n}.*`),
    )
    fc.assert(
      fc.property(fc.uniqueArray(domain, { maxLength: 12 }), name, (domains, authority) => {
        const best = [
          domains.filter(d => d === authority),
          domains
            .filter(d => d.startsWith('*') && authority.endsWith(d.slice(1)) && authority.length > d.length - 1)
            .sort((a, b) => b.length - a.length),
          domains
            .filter(d => d.endsWith('*') && authority.startsWith(d.slice(0, -1)) && authority.length > d.length - 1)
            .sort((a, b) => b.length - a.length),
        ].flat()[0]
        expect(hosts(...domains).match(requestOf({ authority }))?.name).toBe(best)
      }),
    )
  })

  test('another port knows nothing of it', () => {
    expect(all.has(81)).toBe(false)
    expect(all.match(requestOf({ port: 81 }))).toBeUndefined()
  })
})
