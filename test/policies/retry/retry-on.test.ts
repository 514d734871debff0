/** Envoy's rules for what is worth another try, as its retry_state_impl decides them. */
import { describe, expect, test } from 'vitest'
import { parseRetryOn, readRetryOn, shouldRetryReset, shouldRetryResponse } from '../../../src/policies/retry/retry-on.ts'

const on = (text: string) => {
  const read = readRetryOn(text)
  if (typeof read === 'string') throw new Error(read)
  return read
}
const responds = (text: string, status: number, headers: Record<string, string> = {}) =>
  shouldRetryResponse(on(text), status, name => headers[name])

describe('a response', () => {
  test.each<[string, boolean, string, number, Record<string, string>?]>([
    ['5xx', true, '5xx', 500],
    ['to its last', true, '5xx', 599],
    ['not 4xx', false, '5xx', 499],
    ['gateway errors', true, 'gateway-error', 502],
    ['three of them', true, 'gateway-error', 504],
    ['not 500', false, 'gateway-error', 500],
    ['nor 505', false, 'gateway-error', 505],
    ['409 alone is retriable-4xx', true, 'retriable-4xx', 409],
    ['429 is not', false, 'retriable-4xx', 429],
    ['a listed code', true, '429,503', 429],
    ['of any kind', true, '200', 200],
    ['not another', false, '429', 430],
    ['retriable-status-codes without codes retries nothing', false, 'retriable-status-codes', 503],
    ['connect-failure looks at no response', false, 'connect-failure,reset,refused-stream', 503],
    ['gRPC unavailable in the headers of a 200', true, 'unavailable', 200, { 'grpc-status': '14' }],
    ['cancelled', true, 'cancelled', 200, { 'grpc-status': '1' }],
    ['deadline-exceeded', true, 'deadline-exceeded', 200, { 'grpc-status': '4' }],
    ['resource-exhausted', true, 'resource-exhausted', 200, { 'grpc-status': '8' }],
    ['internal', true, 'internal', 200, { 'grpc-status': '13' }],
    ['not another status', false, 'internal', 200, { 'grpc-status': '14' }],
    ['gRPC beside a 503', true, 'unavailable', 503, { 'grpc-status': '14' }],
    ['x-envoy-ratelimited blocks 5xx', false, '5xx,gateway-error,503', 503, { 'x-envoy-ratelimited': 'true' }],
    ['and gRPC', false, 'unavailable', 200, { 'x-envoy-ratelimited': 'true', 'grpc-status': '14' }],
    ['only envoy-ratelimited retries it', true, 'envoy-ratelimited', 429, { 'x-envoy-ratelimited': 'true' }],
    ['whatever the status', true, 'envoy-ratelimited', 200, { 'x-envoy-ratelimited': 'true' }],
    ['x-envoy-overloaded blocks nothing', true, '5xx', 503, { 'x-envoy-overloaded': 'true' }],
  ])('%s', (_, wanted, words, status, headers) => expect(responds(words, status, headers)).toBe(wanted))
})

describe('a reset', () => {
  const DEFAULT = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes'
  test.each<[string, boolean, string, Parameters<typeof shouldRetryReset>[1], boolean]>([
    ['overflow is never retried', false, '5xx,gateway-error,reset,connect-failure', 'overflow', false],
    ['5xx takes a reset for a 5xx', true, '5xx', 'connection_termination', true],
    ['gateway-error too', true, 'gateway-error', 'remote_reset', true],
    ['reset', true, 'reset', 'protocol_error', true],
    ['connect-failure', true, 'connect-failure', 'connection_failure', false],
    ['or not in time', true, 'connect-failure', 'connection_timeout', false],
    ['not a broken connection', false, 'connect-failure', 'connection_termination', true],
    ['refused-stream', true, 'refused-stream', 'remote_refused_stream_reset', true],
    ['not any reset', false, 'refused-stream', 'remote_reset', true],
    ['reset-before-request before it', true, 'reset-before-request', 'connection_termination', false],
    ['not after it', false, 'reset-before-request', 'connection_termination', true],
    ["Istio's default does not retry a try's time-out", false, DEFAULT, 'per_try_timeout', true],
    ['5xx does', true, '5xx', 'per_try_timeout', true],
    ["Istio's default does not retry a connection that broke", false, DEFAULT, 'connection_termination', true],
    ["Istio's default retries what could not connect", true, DEFAULT, 'connection_failure', false],
  ])('%s', (_, wanted, words, reason, sent) => expect(shouldRetryReset(on(words), reason, sent)).toBe(wanted))
})

describe('the words', () => {
  test('codes and words in one list, blanks allowed', () => {
    const { tokens, codes } = on(' 5xx , 429,reset,')
    expect([[...tokens], [...codes]]).toEqual([['5xx', 'retriable-status-codes', 'reset'], [429]])
  })
  test("Envoy's form keeps them apart", () => {
    const { tokens, codes } = parseRetryOn(',retriable-status-codes', [429])
    expect([[...tokens], [...codes]]).toEqual([['retriable-status-codes'], [429]])
  })
  test('a wrong one is an error with a suggestion', () => {
    expect(readRetryOn('5xx,conect-failure')).toBe('"conect-failure" is no retry condition (did you mean connect-failure?)')
    expect(readRetryOn('600')).toMatch(/is no retry condition/)
    expect(readRetryOn(' ,')).toMatch(/names no retry condition/)
  })
})
