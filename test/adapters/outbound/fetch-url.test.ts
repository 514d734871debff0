/** A URL that need not be parsed reads as the parser would read it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Address, addressOf, plainAddress } from '../../../src/adapters/outbound/fetch-url.ts'

/** By the platform's parser alone. */
function parsed(text: string): Omit<Address, 'url'> {
  const url = new URL(text)
  const href = url.href.slice(0, url.href.length - url.hash.length)
  const from = href.indexOf('/', url.protocol.length + 2)
  return { https: url.protocol === 'https:', authority: url.host, port: url.port, path: href.slice(from), href }
}
const seen = ({ https, authority, port, path, href }: Address) => ({ https, authority, port, path, href })

const piece = fc.constantFrom(
  ...['a', 'Z', '0', '9', '-', '--', '.', '..', '_', '~', '%', '%2e', '%2E', '%41', '/', '//', '?', '#', ':', ';', '=', '&', '@', '!'],
  ...['$', "'", '(', ')', '*', '+', ',', '"', '<', '>', '[', ']', '\\', '^', '`', '{', '|', '}', ' ', '\t', '\n', 'é', 'ß', '世', '\u0000'],
)
const text = (most: number) => fc.array(piece, { maxLength: most }).map(parts => parts.join(''))
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  text(4),
  fc.constantFrom(
    'a',
    'reviews',
    'reviews.test',
    'A.test',
    'a.',
    '.a',
    'a..b',
    '1.2',
    '0x1f',
    'a.0x1',
    'xn--a',
    'a--b.c',
    '[::1]',
    'a_b',
    'u@a',
    'u:p@a',
  ),
)
const port = fc.oneof(
  fc.constant(''),
  fc.constantFrom(':', ':80', ':443', ':080', ':8080', ':65535', ':65536', ':0', ':x'),
  fc.nat(70_000).map(n => `:${n}`),
)
const url = fc
  .tuple(fc.constantFrom('http://', 'https://', 'HTTP://', 'http:/', 'ftp://'), host, port, fc.constantFrom('', '/', '/a', '?'), text(8))
  .map(parts => parts.join(''))

describe('a plain URL', () => {
  test('reads as the parser reads it, and what the parser refuses is not plain', () => {
    fc.assert(
      fc.property(url, text => {
        const plain = plainAddress(text)
        if (plain === undefined) return
        expect(seen(plain)).toEqual(parsed(text))
        expect(plain.url.href).toBe(plain.href)
      }),
      { numRuns: 5000 },
    )
  })

  test.each([
    'http://reviews.test/',
    'http://reviews',
    'https://api.example.com:8443/v1/items/a%20b;x=1/@me?q=1&r=a+b,c',
    'http://productpage.default.svc.cluster.local:9080/a.b?c=../d',
  ])('%s is one', text => {
    expect(seen(plainAddress(text)!)).toEqual(parsed(text))
  })

  test.each([
    'http://10.0.0.1/',
    'http://a.test/../b',
    'http://a.test/.b',
    'http://a.test/%2E%2e/b',
    'http://a.test/b#c',
    'http://A.test/',
    'http://xn--a.test/',
    'http://a.test:80/',
    'http://a.test:08/',
    'http://u@a.test/',
    "http://a.test/?q='",
    'http://a.test?q',
  ])('%s is left to the parser', text => {
    expect(plainAddress(text)).toBeUndefined()
  })
})

test.each(['http://a.test/b?#c', 'http://10.0.0.1:81/?', 'HTTP://A.test:80/%7e/../é'])('%s is parsed, its fragment left out', text => {
  expect(seen(addressOf(text)!)).toEqual(parsed(text))
})
