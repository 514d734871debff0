import { describe, expect, test } from 'vitest'
import type { Cluster } from '../../../../src/envoy/index.ts'
import { countedStatus, errorMatcherOf } from '../../../../src/traffic/upstream/outlier/response-status.ts'

const response = (status: number, headers: string[] = []) => ({ status, statusText: '', headers, body: {} as never })
const status = (name: string, exact: string) => ({ httpResponseHeadersMatch: { headers: [{ name, stringMatch: { exact } }] } })
const matcher = (errorMatcher: unknown): Cluster => ({
  name: 'c',
  typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { outlierDetection: { errorMatcher } } },
})

test('a plain status counts as it is', () => {
  expect(countedStatus(response(503), false, undefined)).toBe(503)
})

// Envoy's router.cc onUpstreamHeaders: whether the request was a gRPC one decides, whatever the answer calls itself.
test('a grpc-status counts only for a gRPC request', () => {
  expect(countedStatus(response(200, ['content-type', 'application/grpc', 'grpc-status', '14']), false, undefined)).toBe(200)
  expect(countedStatus(response(200, ['content-type', 'text/html', 'grpc-status', '14']), true, undefined)).toBe(503)
})
test('a grpc-status wins over the status of HTTP and over a matcher', () => {
  const nothing = () => false
  expect(countedStatus(response(503, ['grpc-status', '5']), true, undefined)).toBe(404)
  expect(countedStatus(response(200, ['grpc-status', '13']), true, nothing)).toBe(500)
  expect(countedStatus(response(503), true, nothing)).toBe(503)
})

test.each([
  ['0', 200],
  ['8', 429],
  ['12', 501],
  ['14', 503],
  ['99', 500],
  ['x', 500],
])('grpc-status %s counts as %d', (grpc, counted) => {
  expect(countedStatus(response(200, ['content-type', 'application/grpc+proto', 'grpc-status', grpc]), true, undefined)).toBe(counted)
})

describe('an error matcher', () => {
  test('says what is an error, and nothing else is', () => {
    const isError = errorMatcherOf(matcher({ orMatch: { rules: [status(':status', '429'), status(':status', '503')] } }))
    expect([429, 503, 500, 200].map(s => countedStatus(response(s), false, isError))).toEqual([500, 503, 200, 200])
  })
  test('by range, by beginning, turned round', () => {
    const one = (header: object) => errorMatcherOf(matcher({ httpResponseHeadersMatch: { headers: [{ name: ':status', ...header }] } }))!
    expect([499, 500, 503].map(one({ rangeMatch: { start: 500, end: 503 } }))).toEqual([false, true, false])
    expect([399, 404].map(one({ stringMatch: { prefix: '4' } }))).toEqual([false, true])
    expect([200, 500].map(one({ stringMatch: { exact: '200' }, invertMatch: true }))).toEqual([false, true])
  })
  test('none: undefined', () => expect(errorMatcherOf({ name: 'c' })).toBeUndefined())
})

describe('the predicates of an error matcher', () => {
  const statuses = (predicate: unknown) => {
    const isError = errorMatcherOf(matcher(predicate))!
    return [100, 199, 429, 500, 503, 599, 600].filter(isError)
  }
  const header = (match: object, name = ':status') => ({ httpResponseHeadersMatch: { headers: [{ name, ...match }] } })

  test.each<[string, unknown, number[]]>([
    ['anyMatch', { anyMatch: true }, [100, 199, 429, 500, 503, 599]],
    ['anyMatch false', { anyMatch: false }, []],
    ['no condition', {}, []],
    ['notMatch', { notMatch: header({ exactMatch: '503' }) }, [100, 199, 429, 500, 599]],
    ['andMatch', { andMatch: { rules: [header({ stringMatch: { prefix: '5' } }), header({ stringMatch: { suffix: '3' } })] } }, [503]],
    ['orMatch', { orMatch: { rules: [header({ exactMatch: '429' }), header({ exactMatch: '500' })] } }, [429, 500]],
    ['prefix', header({ stringMatch: { prefix: '5' } }), [500, 503, 599]],
    ['suffix', header({ stringMatch: { suffix: '9' } }), [199, 429, 599]],
    ['contains', header({ stringMatch: { contains: '0' } }), [100, 500, 503]],
    ['prefix and suffix', header({ stringMatch: { prefix: '5', suffix: '9' } }), [599]],
    ['range, its end excluded', header({ rangeMatch: { start: 429, end: 503 } }), [429, 500]],
    ['range from 0', header({ rangeMatch: { end: 200 } }), [100, 199]],
    ['inverted', header({ exactMatch: '503', invertMatch: true }), [100, 199, 429, 500, 599]],
    ['another header', header({ exactMatch: '503' }, 'x-a'), []],
    ['another header, inverted', header({ exactMatch: '503', invertMatch: true }, 'x-a'), [100, 199, 429, 500, 503, 599]],
    [
      'two headers',
      {
        httpResponseHeadersMatch: {
          headers: [
            { name: ':status', exactMatch: '503' },
            { name: 'x-a', exactMatch: 'b' },
          ],
        },
      },
      [],
    ],
  ])('%s', (_what, predicate, expected) => expect(statuses(predicate)).toEqual(expected))

  test('a cluster without one has no matcher', () => expect(errorMatcherOf({ name: 'c' })).toBeUndefined())
})
