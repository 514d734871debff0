/** Header operations, header formatters and path rewrites. */
import { describe, expect, test } from 'vitest'
import type { HeaderValueOption, Route } from '../../../src/envoy/index.ts'
import { formatter } from '../../../src/traffic/routing/formatter.ts'
import { applyOps, headerOps, pathRewrite } from '../../../src/traffic/routing/rewrite.ts'
import { requestHeaderName } from '../../../src/traffic/routing/rule-text.ts'
import { noOutcome, requestOf } from './requests.ts'

const option = (
  key: string,
  value: string,
  appendAction?: HeaderValueOption['appendAction'],
  keepEmptyValue?: boolean,
): HeaderValueOption => ({
  header: { key, value },
  ...(appendAction && { appendAction }),
  ...(keepEmptyValue && { keepEmptyValue }),
})
const changed = (headers: string[], add: HeaderValueOption[], remove: string[] = []) => {
  const request = requestOf({ headers })
  applyOps(request.headers, headerOps(requestHeaderName, add, remove), request)
  return request.headers.join(' ')
}

describe('header operations', () => {
  test('removes come before adds, in any case of letters, every line', () => {
    expect(changed(['X-A', '1', 'x-b', '2', 'x-a', '3'], [option('x-a', 'new')], ['x-A'])).toBe('x-b 2 x-a new')
  })
  test('what exists: appended to, overwritten, left alone', () => {
    const there = () => ['x-a', '1', 'X-A', '2']
    expect(changed(there(), [option('x-a', '3')])).toBe('x-a 1 X-A 2 x-a 3')
    expect(changed(there(), [option('x-a', '3', 'OVERWRITE_IF_EXISTS_OR_ADD')])).toBe('x-a 3')
    expect(changed(there(), [option('x-a', '3', 'ADD_IF_ABSENT')])).toBe('x-a 1 X-A 2')
    expect(changed(there(), [option('x-a', '3', 'OVERWRITE_IF_EXISTS')])).toBe('x-a 3')
  })
  test('what is absent: added, or not', () => {
    for (const action of ['APPEND_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS_OR_ADD', 'ADD_IF_ABSENT'] as const)
      expect(changed([], [option('x-a', '3', action)])).toBe('x-a 3')
    expect(changed([], [option('x-a', '3', 'OVERWRITE_IF_EXISTS')])).toBe('')
  })
  test('values are worked out before any is set, and sets come before adds', () => {
    const both = [option('x-b', '%REQ(X-A)%'), option('x-a', 'new', 'OVERWRITE_IF_EXISTS_OR_ADD')]
    expect(changed(['x-a', 'old'], both)).toBe('x-a new x-b old')
    expect(changed(['x-a', 'old'], [option('x-b', '%REQ(X-A)%')], ['x-a'])).toBe('') // removed before it was read, and empty is not sent
  })
  test('an empty value is sent only when asked for', () => {
    expect(changed([], [option('x-a', '%REQ(X-NONE)%')])).toBe('')
    expect(changed([], [option('x-a', '%REQ(X-NONE)%', undefined, true)])).toBe('x-a ')
  })
})

describe('formatters', () => {
  const outcome = {
    ...noOutcome(),
    flags: 'URX,UF',
    details: 'via_upstream',
    route: 'r',
    cluster: 'outbound|80||a',
    endpoint: '10.0.0.1:80',
    attempts: 3,
  }
  const request = requestOf({
    headers: ['x-a', '1', 'X-A', '2', 'host', 'ignored'],
    method: 'POST',
    authority: 'a.test:80',
    path: '/p?q',
    status: 503,
    outcome,
    responseHeaders: ['Server', 'envoy'],
    startTime: () => 1_700_000_000_123,
  })
  test.each([
    ['plain', 'plain'],
    ['100%%', '100%'],
    ['%%REQ(X)%%', '%REQ(X)%'],
    ['<%REQ(X-A)%>', '<1>'],
    ['<%REQ(X-NONE)%>', '<>'],
    ['%REQ(X-NONE?X-A)%', '1'],
    ['%REQ(:METHOD)% %REQ(:AUTHORITY)% %REQ(:PATH):2%', 'POST a.test:80 /p'],
    ['%RESP(SERVER)% %RESP(X-NONE)%', 'envoy '],
    ['%PROTOCOL%', 'HTTP/1.1'],
    ['%RESPONSE_CODE%', '503'],
    ['%RESPONSE_CODE_DETAILS%', 'via_upstream'],
    ['%RESPONSE_FLAGS%', 'URX,UF'],
    ['%RESPONSE_FLAGS_LONG%', 'UpstreamRetryLimitExceeded,UpstreamConnectionFailure'],
    ['%ROUTE_NAME%', 'r'],
    ['%UPSTREAM_CLUSTER%', 'outbound|80||a'],
    ['%UPSTREAM_HOST%', '10.0.0.1:80'],
    ['%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%', '10.0.0.1 80'],
    ['%UPSTREAM_REQUEST_ATTEMPT_COUNT%', '3'],
    ['%START_TIME%', '2023-11-14T22:13:20.123Z'],
  ])('%s', (template, text) => expect(formatter(template)(request)).toBe(text))
  test('without flags and answer', () => {
    expect(formatter('%RESPONSE_FLAGS% %RESPONSE_CODE%|%UPSTREAM_HOST%|%RESP(A)%')(requestOf())).toBe('- 0||')
  })
  test.each(['%HOSTNAME%', '%REQ%', '%ENVIRONMENT(HOME)%', '%RESPONSE_CODE(1)%', '50%', '%response_code%'])(
    '%s is not known here, and said so',
    template => expect(() => formatter(template)).toThrow(/not known here.*%REQ\(name/),
  )
})

describe('path rewrites', () => {
  const rewritten = (route: Pick<Route, 'match' | 'route'>, path: string) => pathRewrite(route)!(path)
  test.each([
    ['/foo', '/bar', '/foo/x?q=/foo', '/bar/x?q=/foo'],
    ['/foo', '/', '/foo/bar', '//bar'],
    ['/foo/', '/', '/foo/bar', '/bar'],
    ['/', '/h', '/any/path', '/hany/path'],
    ['/foo', '/bar', '/foobar', '/barbar'],
  ])('prefix %s to %s: %s becomes %s', (prefix, prefixRewrite, path, expected) =>
    expect(rewritten({ match: { prefix }, route: { prefixRewrite } }, path)).toBe(expected),
  )
  test('a whole path, and a regex match, are replaced entirely; the query stays', () => {
    expect(rewritten({ match: { path: '/foo' }, route: { prefixRewrite: '/n' } }, '/foo?q')).toBe('/n?q')
    expect(rewritten({ match: { safeRegex: { regex: '/f.*' } }, route: { prefixRewrite: '/n' } }, '/foo/x?q')).toBe('/n?q')
  })
  test('by regex: every occurrence, never in the query, `\\1` and `\\\\`', () => {
    const route = (regex: string, substitution: string) => ({
      match: { prefix: '/' },
      route: { regexRewrite: { pattern: { regex }, substitution } },
    })
    expect(rewritten(route('a', 'b'), '/a/a?a=a')).toBe('/b/b?a=a')
    expect(rewritten(route('/u/(\\d+)/(\\w+)', '/\\2/\\1?id=\\1'), '/u/7/x?k=v')).toBe('/x/7?id=7?k=v')
    expect(rewritten(route('x', '\\\\$1'), '/x')).toBe('/\\$1')
    expect(rewritten(route('/a(.*)', '\\0\\0'), '/ab')).toBe('/ab/ab')
  })
})
