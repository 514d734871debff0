/** The text of rules on the wire: UTF-8 as Envoy sends it, and an error when rules are compiled for what HTTP cannot carry. */
import { describe, expect, test } from 'vitest'
import type { Route } from '../../../src/envoy/index.ts'
import { compileRoute } from '../../../src/traffic/routing/compiled-route.ts'
import { formatter } from '../../../src/traffic/routing/formatter.ts'
import { nameBytes } from '../../../src/traffic/routing/rule-text.ts'
import { SPLIT } from '../../../src/traffic/routing/split.ts'
import { noOutcome, requestOf } from './requests.ts'

const CORS = 'envoy.filters.http.cors'
const route = (more: Partial<Route>): Route => ({ match: { prefix: '/' }, route: { cluster: 'c' }, ...more })
const action = (more: object): Route => route({ route: { cluster: 'c', ...more } })
const add = (key: string, value: string) => [{ header: { key, value } }]
const weighted = (more: object): Route => route({ route: { weightedClusters: { clusters: [{ name: 'c', weight: 1, ...more }] } } })

describe('what HTTP cannot carry is a SyntaxError that quotes it', () => {
  test.each<[string, Route, string]>([
    ['a header name with a blank', route({ requestHeadersToAdd: add('x team', '1') }), 'x team'],
    ['an empty header name', route({ requestHeadersToAdd: add('', '1') }), ''],
    ['a header name with a colon', route({ responseHeadersToAdd: add('a:b', '1') }), 'a:b'],
    ['the name of a response header beyond ASCII', weighted({ responseHeadersToAdd: add('é', '1') }), 'é'],
    ['a header name of a weighted response', weighted({ responseHeadersToAdd: add('a\n', '1') }), 'a\n'],
    ['a header value with a line end', route({ requestHeadersToAdd: add('x', 'a\r\nb: c') }), 'a\r\nb: c'],
    ['a header value with NUL', route({ responseHeadersToAdd: add('x', 'a\0') }), 'a\0'],
    ['a header value with \\x01 beside a formatter', route({ requestHeadersToAdd: add('x', '%PROTOCOL%\x01') }), '%PROTOCOL%\x01'],
    ['a rewritten path with a blank', action({ prefixRewrite: '/a b' }), '/a b'],
    ['a substitution with a line end', action({ regexRewrite: { pattern: { regex: 'a' }, substitution: 'x\n' } }), 'x\n'],
    ['a rewritten host with a blank', action({ hostRewriteLiteral: 'a b' }), 'a b'],
    ['a rewritten host with a path', action({ hostRewriteLiteral: 'a/b' }), 'a/b'],
    ['a host of a weighted cluster', weighted({ hostRewriteLiteral: 'a\n' }), 'a\n'],
    ['a redirect to a host with a line end', { match: { prefix: '/' }, redirect: { hostRedirect: 'a\nb' } }, 'a\nb'],
    ['a redirect to a path with NUL', { match: { prefix: '/' }, redirect: { pathRedirect: '/\0' } }, '/\0'],
    ['a redirect to a prefix with \\r', { match: { prefix: '/' }, redirect: { prefixRewrite: '/\r' } }, '/\r'],
    ['CORS methods with a line end', route({ typedPerFilterConfig: { [CORS]: { allowMethods: 'GET\nPUT' } as object } }), 'GET\nPUT'],
    ['the name of a cookie', action({ hashPolicy: [{ cookie: { name: 'a\n', ttl: '0s' } }] }), 'a\n'],
    [
      'the path of a cookie that a split makes',
      route({
        route: { weightedClusters: { clusters: [{ name: 'c', weight: 1 }] } },
        typedPerFilterConfig: { [SPLIT]: { hashPolicy: [{ cookie: { name: 'a', ttl: '0s', path: '/\n' } }] } as object },
      }),
      '/\n',
    ],
  ])('%s', (_, given, quoted) => {
    expect(() => compileRoute(given)).toThrow(SyntaxError)
    expect(() => compileRoute(given)).toThrow(JSON.stringify(quoted))
  })
})

describe('text beyond ASCII goes out as UTF-8', () => {
  const sent = (given: Route) => {
    const out = requestOf({ headers: ['x-caller', '\xfc'], authority: 'a.test', path: '/p?q' })
    const compiled = compileRoute(given)
    compiled.applyRequest(out as any, compiled.clusterFor?.(0, out, undefined))
    return out
  }
  test('in header values, beside what the caller sent', () => {
    const { headers } = sent(route({ requestHeadersToAdd: add('x-team', 'Zürich – %REQ(X-CALLER)%') }))
    expect(headers).toEqual(['x-caller', '\xfc', 'x-team', 'Z\xc3\xbcrich \xe2\x80\x93 \xfc'])
  })
  test('in names of request headers, which are refused only when they are sent, as by Envoy', () => {
    expect(sent(route({ requestHeadersToAdd: add('é', '1') })).headers).toEqual(['x-caller', '\xfc', '\xc3\xa9', '1'])
  })
  test('in paths and hosts', () => {
    expect(sent(action({ prefixRewrite: '/中' })).path).toBe('/\xe4\xb8\xadp?q')
    expect(sent(action({ regexRewrite: { pattern: { regex: 'p' }, substitution: 'é' } })).path).toBe('/\xc3\xa9?q')
    expect(sent(action({ hostRewriteLiteral: 'bücher.test' })).authority).toBe('b\xc3\xbccher.test')
  })
  test('a blank of a regular expression included, which is refused when it is sent', () => {
    expect(sent(action({ regexRewrite: { pattern: { regex: 'p' }, substitution: ' ' } })).path).toBe('/ ?q')
  })
  test('in redirects and CORS', () => {
    const { redirect } = compileRoute({ match: { prefix: '/' }, redirect: { hostRedirect: 'bücher.test', pathRedirect: '/é' } })
    expect(redirect!(requestOf({ authority: 'a.test', path: '/' })).location).toBe('http://b\xc3\xbccher.test/\xc3\xa9')
    const { cors } = compileRoute(
      route({ typedPerFilterConfig: { [CORS]: { allowOriginStringMatch: [{ exact: 'http://o' }], exposeHeaders: 'é' } as object } }),
    )
    const headers: string[] = []
    cors!.decorate(headers, 'http://o')
    expect(headers).toContain('\xc3\xa9')
  })
})

test('names that formatters report become what a header can carry', () => {
  const outcome = { ...noOutcome(), route: 'naïve\nx: y', cluster: 'c\0', endpoint: '/run/é\x7f', details: 'a b\r' }
  const of = requestOf({ headers: [], outcome })
  const written = formatter('%ROUTE_NAME%|%UPSTREAM_CLUSTER%|%UPSTREAM_HOST%|%RESPONSE_CODE_DETAILS%')(of)
  expect(written).toBe('na\xc3\xafve_x: y|c_|/run/\xc3\xa9_|a_b_')
  expect(nameBytes('plain')).toBe('plain')
})
