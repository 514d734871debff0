/** What of a request is hashed: neighbours of the recordings, read off Envoy's hash_policy.cc and utility.cc (cookies, X-Forwarded-For). */
import { describe, expect, test } from 'vitest'
import { xxhash64 } from '../../../src/base/formats/xxhash64.ts'
import type { HashPolicy } from '../../../src/envoy/index.ts'
import { hashOf } from '../../../src/traffic/upstream/hash.ts'

const CLIENT = '127.0.0.1'
const hash = (policy: HashPolicy, headers: string[] = [], path = '/', came?: string[]) =>
  hashOf([policy], { method: 'GET', authority: 'a.test', path, headers }, CLIENT, came)
const cookie = (more: Partial<NonNullable<HashPolicy['cookie']>> = {}): HashPolicy => ({ cookie: { name: 'sid', ...more } })

describe('a cookie', () => {
  test.each([
    ['sid=abc', 'abc'],
    ['a=1; sid=abc; sid=later', 'abc'],
    ['a=1;  sid=abc', 'abc'],
    ['sid="a b"', 'a b'],
    ['sid=a,b', 'a,b'], // only a semicolon parts cookies
    ['sid=abc ; z=1', 'abc '], // Envoy trims nothing
    ['sid=a=b', 'a=b'],
  ])('%s', (line, value) => expect(hash(cookie(), ['cookie', line]).hash).toBe(xxhash64(value)))
  test('of a second line', () => expect(hash(cookie(), ['cookie', 'a=1', 'Cookie', 'sid=x']).hash).toBe(xxhash64('x')))
  test.each(['sid=', 'sid =abc', 'SID=abc', 'sid'])('%s is none', line => expect(hash(cookie(), ['cookie', line]).hash).toBeUndefined())
  test('an empty one is made anew', () => {
    const { hash: made, setCookies } = hash(cookie({ ttl: '60s', path: '/' }), ['cookie', 'sid='])
    const value = xxhash64(CLIENT).toString(16)
    expect([made, setCookies]).toEqual([xxhash64(value), [`sid="${value}"; Max-Age=60; Path=/; HttpOnly`]])
  })
  test('below a second it is one of the session', () => {
    expect(hash(cookie({ ttl: '0.5s' })).setCookies[0]).toMatch(/^sid="[0-9a-f]+"; HttpOnly$/)
  })
  test('two policies for the same one make it twice, as weighted destinations have them', () => {
    const both = hashOf([cookie({ ttl: '1s' }), cookie({ ttl: '1s' })], { method: 'GET', authority: '', path: '/', headers: [] }, CLIENT)
    expect(both.setCookies).toHaveLength(2)
  })
})

describe('the source address', () => {
  const source: HashPolicy = { connectionProperties: { sourceIp: true } }
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.1, 10.0.0.2', '10.0.0.2'],
    ['2001:db8::1', '2001:db8::1'],
    ['nobody', CLIENT],
    ['10.0.0.1, unknown', CLIENT],
    ['10.0.0.256', CLIENT],
    ['', CLIENT],
  ])('X-Forwarded-For: %s', (line, address) => expect(hash(source, ['x-forwarded-for', line]).hash).toBe(xxhash64(address)))
  test('stands in the request as it came, not as rules changed it', () => {
    expect(hash(source, ['x-forwarded-for', '10.9.9.9'], '/', []).hash).toBe(xxhash64(CLIENT))
  })
})

test.each([
  ['host', 'a.test'],
  [':authority', 'a.test'],
  [':path', '/p?q=1'],
  [':method', 'GET'],
])('%s is a header too', (headerName, value) => expect(hash({ header: { headerName } }, [], '/p?q=1').hash).toBe(xxhash64(value)))

test.each([
  ['/?user=a&user=b', 'a'],
  ['/?x=1&user', ''],
  ['/?user=%61', '%61'],
  ['/?user=a=b', 'a=b'],
])('a query parameter of %s', (path, value) => expect(hash({ queryParameter: { name: 'user' } }, [], path).hash).toBe(xxhash64(value)))

describe('bytes beyond ASCII', () => {
  const bytes = Uint8Array.of(0xc3, 0xbc)
  test('a header value hashes as the bytes that are sent', () =>
    expect(hash({ header: { headerName: 'x' } }, ['x', '\xc3\xbc']).hash).toBe(xxhash64(bytes)))
  test('so does the value of a cookie', () => expect(hash(cookie(), ['cookie', 'sid=\xc3\xbc']).hash).toBe(xxhash64(bytes)))
  test('a cookie is made and found under the UTF-8 of its name', () => {
    const named = cookie({ name: 'é', ttl: '0s' })
    expect(hash(named).setCookies[0]).toMatch(/^\xc3\xa9="/)
    expect(hash(named, ['cookie', '\xc3\xa9=x']).hash).toBe(xxhash64('x'))
  })
})
