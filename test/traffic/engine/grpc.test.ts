import { expect, test } from 'vitest'
import { formatGrpcTimeout, grpcMessage, grpcStatusOf, isGrpc, parseGrpcTimeout } from '../../../src/traffic/engine/grpc.ts'

test.each([
  ['application/grpc', true],
  ['application/grpc+proto', true],
  ['application/grpc-web', false],
  ['application/json', false],
])('%s is gRPC: %s', (type, is) => expect(isGrpc(['Content-Type', type])).toBe(is))

test.each([
  ['1H', 3_600_000],
  ['2M', 120_000],
  ['3S', 3000],
  ['4m', 4],
  ['1500u', 2],
  ['1n', 1],
  ['', undefined],
  ['123456789m', undefined],
  ['5', undefined],
  ['-5m', undefined],
])('grpc-timeout %s is %s ms', (text, ms) => expect(parseGrpcTimeout(text)).toBe(ms))

test.each([
  [250.7, '250m'],
  [99_999_999, '99999999m'],
  [100_000_000, '100000S'],
  [99_999_999_999_000, '1666666666M'.length > 9 ? '27777777H' : ''],
])('%s ms is %s', (ms, text) => expect(formatGrpcTimeout(ms)).toBe(text))

test('messages are printable ASCII', () => expect(grpcMessage('50% of ü\n')).toBe('50%25 of %C3%BC%0A'))
test('statuses', () => expect([400, 401, 403, 404, 429, 503, 500, 302].map(grpcStatusOf)).toEqual([13, 16, 7, 12, 14, 14, 2, 2]))
