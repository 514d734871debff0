/** Where redirects point: Envoy's newUri, case by case. */
import { expect, test } from 'vitest'
import type { RedirectAction, RouteMatch } from '../../../src/envoy/index.ts'
import { compileRedirect } from '../../../src/traffic/routing/redirect.ts'
import { requestOf } from './requests.ts'

const to = (action: RedirectAction, authority: string, path = '/a/b?x=1', headers: string[] = [], match: RouteMatch = { prefix: '/' }) =>
  compileRedirect(action, match)(requestOf({ authority, path, headers })).location

test.each<[string, RedirectAction, string, string]>([
  ['nothing set: the same place', {}, 'h.test', 'http://h.test/a/b?x=1'],
  ['the port of the Host stays', {}, 'h.test:8080', 'http://h.test:8080/a/b?x=1'],
  ['even the standard one', {}, 'h.test:80', 'http://h.test:80/a/b?x=1'],
  ['another host brings no port', { hostRedirect: 'n.test' }, 'h.test:8080', 'http://n.test/a/b?x=1'],
  ['a port is written, standard or not', { portRedirect: 80 }, 'h.test:8080', 'http://h.test:80/a/b?x=1'],
  ['host and port', { hostRedirect: 'n.test', portRedirect: 8443 }, 'h.test', 'http://n.test:8443/a/b?x=1'],
  ['a new scheme drops the old standard port', { schemeRedirect: 'https' }, 'h.test:80', 'https://h.test/a/b?x=1'],
  ['and no other', { schemeRedirect: 'https' }, 'h.test:8080', 'https://h.test:8080/a/b?x=1'],
  ['nor the new one', { schemeRedirect: 'https' }, 'h.test:443', 'https://h.test:443/a/b?x=1'],
  ['the same scheme drops nothing', { schemeRedirect: 'http' }, 'h.test:80', 'http://h.test:80/a/b?x=1'],
  ['https redirect', { httpsRedirect: true }, 'h.test:80', 'https://h.test/a/b?x=1'],
  ['a path keeps the query', { pathRedirect: '/n' }, 'h.test', 'http://h.test/n?x=1'],
  ['a path with a query replaces it', { pathRedirect: '/n?y=2' }, 'h.test', 'http://h.test/n?y=2'],
  ['a query may be dropped', { pathRedirect: '/n', stripQuery: true }, 'h.test', 'http://h.test/n'],
  ['but not that of the new path', { pathRedirect: '/n?y=2', stripQuery: true }, 'h.test', 'http://h.test/n?y=2'],
  ['IPv6 with a port', {}, '[::1]:8080', 'http://[::1]:8080/a/b?x=1'],
  ['IPv6 without one', {}, '[::1]', 'http://[::1]/a/b?x=1'],
  ['IPv6 and a new scheme', { schemeRedirect: 'https' }, '[::1]:80', 'https://[::1]/a/b?x=1'],
])('%s', (_, action, authority, location) => expect(to(action, authority)).toBe(location))

test('the scheme is that of x-forwarded-proto, if it is one', () => {
  expect(to({}, 'h.test', '/', ['x-forwarded-proto', 'https'])).toBe('https://h.test/')
  expect(to({ schemeRedirect: 'http' }, 'h.test:443', '/', ['x-forwarded-proto', 'https'])).toBe('http://h.test/')
  expect(to({}, 'h.test', '/', ['x-forwarded-proto', 'ftp'])).toBe('http://h.test/')
})

test('a prefix is replaced, the rest and the query stay', () => {
  expect(to({ prefixRewrite: '/n' }, 'h.test', '/a/b?x=1', [], { prefix: '/a' })).toBe('http://h.test/n/b?x=1')
  expect(to({ prefixRewrite: '/' }, 'h.test', '/a/b?x=1', [], { prefix: '/a' })).toBe('http://h.test//b?x=1')
  expect(to({ prefixRewrite: '/n' }, 'h.test', '/a', [], { path: '/a' })).toBe('http://h.test/n')
  expect(to({ regexRewrite: { pattern: { regex: '/(\\w)/(\\w)' }, substitution: '/\\2/\\1' } }, 'h.test')).toBe('http://h.test/b/a?x=1')
})

test.each([
  [undefined, 301],
  ['FOUND', 302],
  ['SEE_OTHER', 303],
  ['TEMPORARY_REDIRECT', 307],
  ['PERMANENT_REDIRECT', 308],
] as const)('%s is %d', (responseCode, status) =>
  expect(compileRedirect(responseCode ? { responseCode } : {}, { prefix: '/' })(requestOf()).status).toBe(status),
)
