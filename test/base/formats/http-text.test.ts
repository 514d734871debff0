/** What HTTP can carry, character by character. */
import { describe, expect, test } from 'vitest'
import { isAuthority, isHeaderValue, isRequestTarget, isToken, utf8Bytes } from '../../../src/base/formats/http-text.ts'

const CHARACTERS = Array.from({ length: 300 }, (_, code) => String.fromCharCode(code))
const accepted = (check: (text: string) => boolean) => CHARACTERS.filter(c => check(c)).join('')

describe('isToken', () => {
  test('accepts letters, digits and the marks of RFC 9110', () =>
    expect(accepted(isToken)).toBe("!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~"))
  test.each(['', 'a b', 'a:b', ':path', 'é', 'a\r\nb'])('rejects %j', name => expect(isToken(name)).toBe(false))
})

describe('isHeaderValue', () => {
  test('rejects control characters but the tab, and what is no byte', () => {
    const rejected = CHARACTERS.filter(c => !isHeaderValue(c)).map(c => c.charCodeAt(0))
    expect(rejected.filter(code => code < 256)).toEqual([...Array(32).keys(), 127].filter(code => code !== 9))
    expect(rejected.filter(code => code > 255)).toHaveLength(44)
  })
  test.each(['', 'a b', '\xfc'])('accepts %j', value => expect(isHeaderValue(value)).toBe(true))
  test.each(['a\0', 'a\n', 'x\r\ny: z', 'a\u2013'])('rejects %j', value => expect(isHeaderValue(value)).toBe(false))
})

describe('isRequestTarget', () => {
  test.each(['/', '*', '/a?b=c&d', '/%20', '/\xe4\xb8\xad'])('accepts %j', target => expect(isRequestTarget(target)).toBe(true))
  test.each(['', '/a b', '/\t', '/a\x7f', '/\u4e2d', '/ HTTP/1.1\r\nx: y'])('rejects %j', t => expect(isRequestTarget(t)).toBe(false))
})

describe('isAuthority', () => {
  test.each(['', 'a.test', 'a.test:80', '[::1]:80', 'a_b'])('accepts %j', host => expect(isAuthority(host)).toBe(true))
  test.each(['a b', 'a\n', 'a/b', 'a?b', 'a#b', 'a\\b'])('rejects %j', host => expect(isAuthority(host)).toBe(false))
})

test('utf8Bytes writes one character for each byte', () => {
  expect(utf8Bytes('plain')).toBe('plain')
  expect(utf8Bytes('Zürich – 中')).toBe('Z\xc3\xbcrich \xe2\x80\x93 \xe4\xb8\xad')
  expect(Buffer.from(utf8Bytes('😀é'), 'latin1').toString('utf8')).toBe('😀é')
})
