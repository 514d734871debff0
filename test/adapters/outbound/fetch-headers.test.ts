/** Header names and values that fetch takes, changes or refuses, through the platform's fetch and ours. */
import { describe, expect, test } from 'vitest'
import { isFormerFetch, type Row, startComparison } from './compare.ts'

const peers = startComparison()
const { both } = peers
const request = (headers: unknown, init: object = {}) =>
  peers.mesh.fetch(`${peers.server.origin}/echo`, { headers: headers as HeadersInit, ...init })

const send = (name: string, headers: unknown, init: object = {}): Row => [
  name,
  (fetch, at) => fetch(`${at}/echo`, { headers: headers as HeadersInit, ...init }),
]
const show = (value: unknown) => JSON.stringify(value)

describe('values', () => {
  const values = ['x\x01', '\x01', 'x\x7f', 'x\0', 'x\ny', '\nx', 'x\r\n', 'x\ty', '\x80', '\xff', 'x\x0b', '\x0bx', 'x\x1f', '€', '']
  const names = ['x-a', 'content-type', 'cookie', 'accept', 'user-agent', 'te', 'host', 'connection']
  const compared = names.filter(name => isFormerFetch || name !== 'connection')
  const rows = values.flatMap(value =>
    compared.map(name => send(`${name}: ${show(value)}`, { [name]: value }, { method: 'POST', body: 'x' })),
  )
  test.each(rows)('%s', (_name, run) => both(run))
  test.each(['x\x01', 'x\x7f'])('%j in a Headers object', value =>
    both((fetch, at) => fetch(`${at}/echo`, { headers: new Headers({ a: value }) })),
  )
  test('refuses a control character with the cause that fetch gives', () =>
    expect(request({ a: 'x\x01' })).rejects.toMatchObject({
      name: 'TypeError',
      message: 'fetch failed',
      cause: { name: 'InvalidArgumentError', code: 'UND_ERR_INVALID_ARG', message: 'invalid a header' },
    }))
  test('refuses a symbol with a TypeError', () => expect(request({ a: Symbol('x') })).rejects.toThrow(TypeError))
})

describe('names', () => {
  const names = ['', ' a', 'a b', 'a:b', 'ä', 'a\x01', '(', 'set-cookie', 'constructor']
  test.each(names.map(name => send(show(name), { [name]: 'x' })))('%s', (_name, run) => both(run))
})

describe('headers of the connection', () => {
  const pairs: [string, string][] = [
    ['connection', 'keep-alive, close'],
    ['connection', 'upgrade, x'],
    ['keep-alive', ''],
    ['expect', ''],
    ['te', 'gzip'],
    ['te', 'trailers, deflate;q=0.5'],
  ]
  const compared = pairs.filter(([name]) => isFormerFetch || name !== 'connection')
  test.each(compared.map(([name, value]) => send(`${name}: ${value}`, { [name]: value })))('%s', (_name, run) => both(run))
  test.runIf(isFormerFetch)('two Connection lines are one value', () =>
    both((fetch, at) =>
      fetch(`${at}/echo`, {
        headers: [
          ['connection', 'close'],
          ['connection', 'close'],
        ],
      }),
    ),
  )
})

describe('Trailer', () => {
  const bodies: [string, () => RequestInit][] = [
    ['GET', () => ({})],
    ['a body', () => ({ method: 'POST', body: 'x' })],
    ['no body', () => ({ method: 'POST' })],
    ['a stream', () => ({ method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' }) as RequestInit],
  ]
  const rows = ['x', '', 'content-length'].flatMap(trailer =>
    bodies.map<Row>(([name, init]) => [
      `${show(trailer)} with ${name}`,
      (fetch, at) => fetch(`${at}/echo`, { headers: { trailer }, ...init() }),
    ]),
  )
  // Where in the list it is sent is node:http's business.
  const sorted = (view: any) => (Array.isArray(view?.headers) ? { ...view, headers: [...view.headers].sort() } : view)
  test.each(rows)('%s', (_name, run) => both(run, sorted))
})

test.each(['proxy-connection', 'http2-settings'])('%s belongs to the connection and is left out', async name => {
  await (await request({ [name]: 'x' })).text()
  expect(peers.server.seen[0]!.headers).not.toContain(name)
})

describe('a stated content-length', () => {
  // Where fetch counts more or fewer bytes than it was told it may hang; those rows are ours alone, below.
  const lengths = ['1', '2', '01', 'x', ...(isFormerFetch ? ['1.0', '+1', '1x'] : [])]
  const rows = lengths.flatMap(length =>
    ['x', 'stream'].map<Row>(kind => [
      `${length} for ${kind}`,
      (fetch, at) => {
        const body = kind === 'x' ? 'x' : new Blob(['x']).stream()
        return fetch(`${at}/echo`, { method: 'POST', headers: { 'content-length': length }, body, duplex: 'half' } as RequestInit)
      },
    ]),
  )
  test.each(rows)('%s', (_name, run) => both(run))
  test.each(['0', '-1', '0x1'])('%s for one byte is refused', length =>
    expect(request({ 'content-length': length }, { method: 'POST', body: 'x' })).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { code: expect.stringMatching(/^UND_ERR_/) },
    }),
  )
})

describe('what fetch adds', () => {
  const conditions = ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range']
  const rows: Row[] = [
    ...conditions.map(name => send(`${name} asks for an answer that no cache gave`, { [name]: 'x' })),
    send('a condition beside own cache headers', { 'if-none-match': 'x', pragma: 'p', 'cache-control': 'c' }),
    send('a condition with cache: no-cache', { 'if-none-match': 'x' }, { cache: 'no-cache' }),
    send('range beside an own accept-encoding', { range: 'bytes=0-1', 'accept-encoding': 'br' }),
    send('cache: reload', {}, { cache: 'reload' }),
    send('cache: force-cache', {}, { cache: 'force-cache' }),
  ]
  test.each(rows)('%s', (_name, run) => both(run))
})
