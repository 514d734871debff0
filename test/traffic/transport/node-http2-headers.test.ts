import { describe, expect, test } from 'vitest'
import { InvalidRequestError } from '../../../src/core/sendable.ts'
import { http2Headers, joined } from '../../../src/traffic/transport/node-http2-headers.ts'
import { wire } from './peers.ts'

const made = (headers: string[], more = {}) => ({ ...http2Headers(wire({ headers, ...more })) })
const PSEUDO = { ':method': 'GET', ':path': '/', ':authority': 'x.test', ':scheme': 'http' }

describe('http2Headers', () => {
  test('writes names in lower case and keeps lines of one name apart', () => {
    expect(made(['X-A', '1', 'cookie', 'a=1', 'x-a', '2'])).toEqual({ ...PSEUDO, 'x-a': ['1', '2'], cookie: 'a=1' })
  })

  test('leaves out what belongs to one connection, and what it names', () => {
    const headers = ['Connection', 'keep-alive, X-Hop', 'keep-alive', '5', 'proxy-connection', 'x', 'transfer-encoding', 'chunked']
    expect(made([...headers, 'upgrade', 'h2c', 'http2-settings', 'x', 'host', 'y.test', 'x-hop', '1', 'x-b', '2'])).toEqual({
      ...PSEUDO,
      'x-b': '2',
    })
  })

  test.each([
    ['trailers', { te: 'trailers' }],
    ['gzip, trailers;q=0.5', { te: 'trailers' }],
    ['gzip', {}],
  ])('te: %s', (te, left) => {
    expect(made(['te', te])).toEqual({ ...PSEUDO, ...left })
  })

  test('the length of the body is the only content-length', () => {
    const body = { bytes: Buffer.from('abc'), length: 3 }
    expect(made(['content-length', '7'], { body })).toEqual({ ...PSEUDO, 'content-length': '3' })
  })

  test.each([
    ['a:b', '1'],
    ['é', '1'],
    ['a b', '1'],
    ['', '1'],
    [':path', '/x'],
    [':x', '1'],
    ['x-a', 'a\0b'],
    ['x-a', 'a\r\nb: c'],
    ['x-a', '\u007f'],
    ['x-a', '中'],
  ])('refuses %j: %j', (name, value) => {
    expect(() => made([name, value])).toThrow(
      new InvalidRequestError(
        `HTTP/2 cannot carry ${value === '1' || name[0] === ':' ? `a header named ${JSON.stringify(name)}` : `the value of header ${name}: ${JSON.stringify(value)}`}`,
      ),
    )
  })

  test.each([{ path: '/a b' }, { path: '' }, { path: '/中' }, { authority: 'a b' }, { authority: 'a/b' }])('refuses %j', more => {
    expect(() => made([], more)).toThrow(/^HTTP\/2 cannot carry the (path|host) "/)
  })

  test('joined: one line for each name but cookie', () => {
    expect({ ...joined(http2Headers(wire({ headers: ['a', '1', 'a', '2', 'cookie', 'x', 'cookie', 'y'] }))) }).toEqual({
      ...PSEUDO,
      a: '1, 2',
      cookie: ['x', 'y'],
    })
  })
})
