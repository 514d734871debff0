/** How long and how often, by route, request and deadline: Envoy's finalTimeout and RetryStateImpl::create. */
import { describe, expect, test } from 'vitest'
import type { RouteAction } from '../../../src/envoy/index.ts'
import { planOf } from '../../../src/traffic/engine/plan.ts'
import { compileRoute } from '../../../src/traffic/routing/compiled-route.ts'

const route = (action: RouteAction = {}) => compileRoute({ match: { prefix: '/' }, route: { cluster: 'c', ...action } })
const plan = (action: RouteAction, headers: string[] = [], obeyed = true, left = Infinity) => planOf(route(action), headers, obeyed, left)
const retry = { retryOn: '5xx', numRetries: 2, perTryTimeout: '1s' }

describe('without a say of the request', () => {
  test("the route's own plan, the same object every time", () => {
    const r = route({ timeout: '3s', retryPolicy: retry })
    expect(planOf(r, [], false, Infinity)).toBe(r.plan)
    expect(r.plan).toMatchObject({ timeout: 3000, perTryTimeout: 1000, hedge: false, timeoutStatus: 504 })
    expect(planOf(r, ['x-envoy-upstream-rq-timeout-ms', '5', 'x-envoy-max-retries', '9'], false, Infinity)).toBe(r.plan)
  })
  test('a per-try timeout that is not shorter than the whole is none', () => {
    expect(plan({ timeout: '1s', retryPolicy: retry }).perTryTimeout).toBe(0)
    expect(plan({ timeout: '0s', retryPolicy: retry }).perTryTimeout).toBe(1000)
  })
})

describe('what the request may say, when it is obeyed', () => {
  test.each<[string, string[], object]>([
    ['another timeout', ['x-envoy-upstream-rq-timeout-ms', '500'], { timeout: 500, perTryTimeout: 0 }],
    ['none at all', ['x-envoy-upstream-rq-timeout-ms', '0'], { timeout: 0, perTryTimeout: 1000 }],
    ['one that cannot be read', ['x-envoy-upstream-rq-timeout-ms', '1s'], { timeout: 3000 }],
    ['another per-try timeout', ['x-envoy-upstream-rq-per-try-timeout-ms', '200'], { perTryTimeout: 200 }],
    ['one beyond the whole', ['x-envoy-upstream-rq-per-try-timeout-ms', '9000'], { perTryTimeout: 0 }],
    ['a deadline shortens', ['x-envoy-expected-rq-timeout-ms', '700'], { timeout: 700 }],
    ['and never lengthens', ['x-envoy-expected-rq-timeout-ms', '7000'], { timeout: 3000 }],
    ['more retries', ['x-envoy-max-retries', '7'], { retry: { numRetries: 7 } }],
    ['no retries', ['x-envoy-max-retries', '0'], { retry: { numRetries: 0 } }],
    ['a hedge', ['x-envoy-hedge-on-per-try-timeout', 'true'], { hedge: true }],
    ['204 instead of 504', ['x-envoy-upstream-rq-timeout-alt-response', '1'], { timeoutStatus: 204 }],
  ])('%s', (_, headers, expected) => expect(plan({ timeout: '3s', retryPolicy: retry }, headers)).toMatchObject(expected))

  test('its words join those of the route; without any, one retry', () => {
    const joined = plan({ retryPolicy: { ...retry, retriableStatusCodes: [418] } }, [
      'x-envoy-retry-on',
      'connect-failure, reset',
      'x-envoy-retry-grpc-on',
      'cancelled',
      'x-envoy-retriable-status-codes',
      '404,x,429',
      'x-envoy-retriable-header-names',
      'X-Again, x-more',
    ]).retry!
    expect(joined.numRetries).toBe(2)
    expect([...joined.retryOn.tokens].sort()).toEqual(['5xx', 'cancelled', 'connect-failure', 'reset'])
    expect([...joined.retryOn.codes]).toEqual([418, 404, 429])
    expect(joined.retriableHeaders).toEqual(['x-again', 'x-more'])
    expect(plan({}, ['x-envoy-retry-on', '5xx']).retry).toMatchObject({ numRetries: 1, baseInterval: 25, maxInterval: 250 })
    expect(plan({}, ['x-envoy-max-retries', '5']).retry).toBeUndefined()
  })
})

describe('gRPC and deadlines from outside', () => {
  const grpc = (timeout: string | undefined, max: string) =>
    plan({ timeout: '9s', maxGrpcTimeout: max }, ['content-type', 'application/grpc', ...(timeout ? ['grpc-timeout', timeout] : [])], false)
  test('grpc-timeout wins over the route, bounded by its maximum', () => {
    expect(grpc('2S', '0s')).toMatchObject({ timeout: 2000, tellsGrpc: true })
    expect(grpc('2S', '1s').timeout).toBe(1000)
    expect(grpc('500m', '1s').timeout).toBe(500)
    expect(grpc(undefined, '1s').timeout).toBe(1000)
    expect(grpc(undefined, '0s').timeout).toBe(0)
    expect(plan({ timeout: '9s', maxGrpcTimeout: '1s' }, ['grpc-timeout', '1m'], false).timeout).toBe(9000) // no gRPC request
  })
  test('a deadline bounds everything, and one that has passed leaves a millisecond', () => {
    expect(plan({}, [], false, 250).timeout).toBe(250)
    expect(plan({ timeout: '100ms' }, [], false, 250).timeout).toBe(100)
    expect(plan({ timeout: '1s', retryPolicy: retry }, [], false, -5)).toMatchObject({ timeout: 1, perTryTimeout: 0 })
  })
})
