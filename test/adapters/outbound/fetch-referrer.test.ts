/** What the Referer header discloses. */
import { describe, expect, test } from 'vitest'
import { disclosedReferrer, policyAfter } from '../../../src/adapters/outbound/fetch-referrer.ts'
import { type Row, startComparison } from './compare.ts'

const page = 'https://user:secret@page.test/private?token=1#part'
const whole = 'https://page.test/private?token=1'
const origin = 'https://page.test/'
const SAME = 'https://page.test/api'
const OTHER = 'https://other.test/'
const INSECURE = 'http://other.test/'

/** To the same origin, to another one, to another one without TLS. */
const policies: [string, ...(string | undefined)[]][] = [
  ['', whole, origin, undefined],
  ['strict-origin-when-cross-origin', whole, origin, undefined],
  ['no-referrer', undefined, undefined, undefined],
  ['no-referrer-when-downgrade', whole, whole, undefined],
  ['same-origin', whole, undefined, undefined],
  ['origin', origin, origin, origin],
  ['strict-origin', origin, origin, undefined],
  ['origin-when-cross-origin', whole, origin, origin],
  ['unsafe-url', whole, whole, whole],
]

test.each(policies)('policy "%s"', (policy, ...expected) => {
  const disclosed = [SAME, OTHER, INSECURE].map(to => disclosedReferrer(new URL(page), policy, new URL(to))?.href)
  expect(disclosed).toEqual(expected)
})

test('a long referrer is cut to its origin', () => {
  const long = new URL(`https://page.test/${'a'.repeat(4096)}`)
  expect(disclosedReferrer(long, 'unsafe-url', new URL(SAME))?.href).toBe(origin)
})

test.each(['about:blank', 'data:,x', 'blob:https://page.test/1', 'file:///etc/passwd'])('%s is not disclosed', url =>
  expect(disclosedReferrer(new URL(url), 'unsafe-url', new URL(SAME))).toBeUndefined(),
)

test.each([
  ['http://127.0.0.1/', 'http://other.test/', undefined],
  ['http://localhost/', 'http://other.test/', undefined],
  ['http://app.localhost/', 'http://localhost/', 'http://app.localhost/'],
  ['http://[::1]/', 'https://other.test/', 'http://[::1]/'],
  ['http://other.test/', 'http://127.0.0.1/', 'http://other.test/'],
])('from %s to %s', (from, to, expected) => expect(disclosedReferrer(new URL(from), '', new URL(to))?.href).toBe(expected))

test.each([
  [undefined, 'unsafe-url'],
  ['', 'unsafe-url'],
  ['origin', 'origin'],
  ['origin, no-referrer', 'no-referrer'],
  ['no-referrer, unknown', 'no-referrer'],
  ['unknown', 'unsafe-url'],
])('Referrer-Policy: %s of a redirect', (named, expected) =>
  expect(policyAfter(named === undefined ? [] : ['Referrer-Policy', named], 'unsafe-url')).toBe(expected),
)

describe('on the wire', () => {
  const peers = startComparison({
    '/echo': (_q, r) => r.end(),
    '/back': (_q, r) => r.writeHead(302, { location: `${peers.server.origin}/echo` }).end(),
    '/origin': (_q, r) => r.writeHead(302, { location: '/echo', 'referrer-policy': 'origin' }).end(),
  })
  const away = (path: string) => `${peers.other.origin}${path}`
  const rows: Row[] = [
    ['to the same origin', (fetch, at) => fetch(`${at}/echo`, { referrer: `${at}/page?q=1#f` })],
    ['without credentials', (fetch, at) => fetch(`${at}/echo`, { referrer: `${at.replace('//', '//u:p@')}/page` })],
    ['to another origin', (fetch, at) => fetch(away('/echo'), { referrer: `${at}/page?q=1` })],
    ['from TLS to the loopback', (fetch, at) => fetch(`${at}/echo`, { referrer: 'https://page.test/private' })],
    ['unsafe-url', (fetch, at) => fetch(away('/echo'), { referrer: `${at}/page?q=1`, referrerPolicy: 'unsafe-url' })],
    ['origin', (fetch, at) => fetch(`${at}/echo`, { referrer: `${at}/page?q=1`, referrerPolicy: 'origin' })],
    ['a redirect to another origin', fetch => fetch(away('/back'), { referrer: `${peers.other.origin}/page?q=1` })],
    ['a redirect and back: what was cut stays cut', (fetch, at) => fetch(away('/back'), { referrer: `${at}/page?q=1` })],
    ['a redirect with a policy', fetch => fetch(away('/origin'), { referrer: `${peers.other.origin}/page?q=1` })],
    ['a Referer of the caller’s own', (fetch, at) => fetch(`${at}/echo`, { headers: { referer: 'mine' } })],
  ]
  test.each(rows)('%s', (_name, run) => peers.both(run))
})
