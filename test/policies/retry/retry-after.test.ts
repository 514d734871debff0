/** How long a callee asks to be left alone, in every form in which it may say so. */
import { describe, expect, test } from 'vitest'
import { CircuitOpenError } from '../../../src/core/errors.ts'
import { neverSent, resetOf, responseOf, statusOf } from '../../../src/policies/retry/http-outcome.ts'
import { askedWait } from '../../../src/policies/retry/retry-after.ts'

const WALL = Date.UTC(2026, 0, 1, 12, 0, 0)
const response = (headers: Record<string, string>) => ({ status: 503, headers })

describe('asked wait', () => {
  test.each<[string, number | undefined, unknown]>([
    ['an error of ours, in ms', 1500, new CircuitOpenError('open', { retryAfter: 1500 })],
    ['Retry-After in seconds', 2000, response({ 'retry-after': '2' })],
    ['as a date', 30_000, response({ 'retry-after': 'Thu, 01 Jan 2026 12:00:30 GMT' })],
    ['a date in the past', 0, response({ 'retry-after': 'Thu, 01 Jan 2026 11:00:00 GMT' })],
    ['Retry-After wins', 2000, response({ 'retry-after': '2', 'ratelimit-reset': '9' })],
    ['RateLimit-Reset in seconds', 9000, response({ 'ratelimit-reset': '9' })],
    ['RateLimit, newer form', 7000, response({ ratelimit: '"default";r=0;t=7' })],
    ['RateLimit, older form', 7000, response({ ratelimit: 'limit=10, remaining=0, t=7' })],
    ['X-RateLimit-Reset as a time', 60_000, response({ 'x-ratelimit-reset': String(WALL / 1000 + 60) })],
    ['X-RateLimit-Reset as seconds', 60_000, response({ 'X-RateLimit-Reset': '60' })],
    ['nonsense', undefined, response({ 'retry-after': 'soon' })],
    ['a negative number', undefined, response({ 'retry-after': '-1' })],
    ['nothing', undefined, response({})],
    ['an error with a response', 2000, Object.assign(new Error('503'), { response: response({ 'retry-after': '2' }) })],
    ['headers of fetch', 2000, new Response('', { status: 503, headers: { 'Retry-After': '2' } })],
    ['undici', 2000, { statusCode: 503, headers: { 'retry-after': '2' } }],
    ['no object', undefined, 'down'],
    ['null', undefined, null],
  ])('%s', (_, wanted, outcome) => expect(askedWait(outcome, WALL)).toBe(wanted))
})

describe('what an outcome is', () => {
  test('a response by its shape', () => {
    expect(statusOf(responseOf({ statusCode: 200, headers: {} })!)).toBe(200)
    expect([responseOf({ status: 200 }), responseOf({ headers: {} }), responseOf('x')]).toEqual([undefined, undefined, undefined])
  })
  test.each([
    ['connection_failure', { code: 'ECONNREFUSED' }],
    ['connection_failure', Object.assign(new TypeError('fetch failed'), { cause: { code: 'ENOTFOUND' } })],
    ['connection_timeout', { code: 'ETIMEDOUT', syscall: 'connect' }],
    ['connection_termination', { code: 'ETIMEDOUT', syscall: 'read' }],
    ['connection_timeout', Object.assign(new AggregateError([]), { code: 'ETIMEDOUT' })],
    ['connection_timeout', { code: 'ETIMEDOUT', cause: { code: 'ETIMEDOUT', syscall: 'connect' } }],
    ['per_try_timeout', { code: 'ETIMEDOUT', isAxiosError: true }],
    ['connection_termination', { code: 'EHOSTUNREACH', syscall: 'write' }],
    ['connection_failure', { code: 'EHOSTUNREACH', syscall: 'connect' }],
    ['connection_termination', { cause: { code: 'UND_ERR_SOCKET' } }],
    ['remote_refused_stream_reset', { code: 'ERR_HTTP2_STREAM_ERROR', message: 'Stream closed with error code NGHTTP2_REFUSED_STREAM' }],
    ['per_try_timeout', new DOMException('late', 'TimeoutError')],
    [undefined, new TypeError('x is not a function')],
    [undefined, 'text'],
  ])('%s', (reason, error) => expect(resetOf(error)).toBe(reason))
  const said = (outcome: object) => ({
    status: 503,
    headers: {},
    [Symbol.for('meshless.outcome')]: { details: 'x', flags: '', ...outcome },
  })
  test.each<[string, boolean, unknown]>([
    ['a refused connection', true, { code: 'ECONNREFUSED' }],
    ['a reset', false, { code: 'ECONNRESET' }],
    ['a refused connection of a later hop', false, { code: 'ECONNREFUSED', [Symbol.for('meshless.reached')]: true }],
    ['a reply of the mesh without an attempt', true, said({ attempts: 0, flags: 'UH' })],
    ['a reply of the mesh to a connection that failed', true, said({ attempts: 1, flags: 'UF' })],
    ['the same in an error', true, Object.assign(new Error('503'), { response: said({ attempts: 1, flags: 'URX,UF' }) })],
    ['the same after another attempt', false, said({ attempts: 2, flags: 'UF' })],
    ['a connection that broke', false, said({ attempts: 1, flags: 'UC' })],
    ['a response of an upstream', false, said({ attempts: 1, details: 'via_upstream' })],
  ])('never left: %s', (_, wanted, outcome) => expect(neverSent(outcome)).toBe(wanted))
})
