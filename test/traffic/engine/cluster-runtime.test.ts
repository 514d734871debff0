/** A cluster as the engine holds it: what outlives a change of configuration, and what its parts do together. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/time/random.ts'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import type { Cluster, ClusterLoadAssignment } from '../../../src/envoy/index.ts'
import { ClusterRuntime } from '../../../src/traffic/engine/cluster-runtime.ts'
import { FakeWire } from '../upstream/support.ts'

const at = (...addresses: string[]): ClusterLoadAssignment => ({
  clusterName: 'c',
  endpoints: [{ lbEndpoints: addresses.map(address => ({ endpoint: { address: { socketAddress: { address, portValue: 80 } } } })) }],
})
const BASE: Cluster = {
  name: 'outbound|80||c',
  type: 'STATIC',
  lbPolicy: 'ROUND_ROBIN',
  commonLbConfig: { healthyPanicThreshold: {} },
  outlierDetection: { consecutive5xx: 2, interval: '1s', baseEjectionTime: '5s', maxEjectionPercent: 100 },
}
const make = (config: Partial<Cluster> = {}, resolve: (name: string) => string[] = () => []) => {
  const clock = virtualClock()
  const wire = new FakeWire()
  const told: string[] = []
  const runtime = new ClusterRuntime(
    { ...BASE, ...config },
    {
      clock,
      random: seededRandom(1),
      transport: wire,
      resolver: { resolve: async name => resolve(name).map(address => ({ address })) },
      ejected: (address, out) => told.push(`${out ? '-' : '+'}${address}`),
    },
  )
  const choose = () => runtime.choose(clock.now(), undefined, undefined, undefined)
  const fail = (address: string) => {
    for (let i = 0; i < 10; i++) {
      const host = choose()
      if (host?.address === address) runtime.reportResponse(host, { status: 500, statusText: '', headers: [], body: {} as never }, false)
    }
  }
  return { clock, wire, told, runtime, choose, fail }
}
const health = (runtime: ClusterRuntime) => Object.fromEntries(runtime.hosts().map(h => [h.address, h.health]))

test('an ejection outlives new settings and the coming and going of endpoints', () => {
  const { clock, runtime, fail, told } = make()
  runtime.assign(at('1.1.1.1', '1.1.1.2'))
  fail('1.1.1.1:80')
  runtime.update({ ...BASE, connectTimeout: '3s' })
  runtime.assign(at('1.1.1.2'))
  expect(runtime.allStats()).toMatchObject({ 'outlier_detection.ejections_active': 0, membership_total: 1 })
  clock.advance(2000)
  runtime.assign(at('1.1.1.2', '1.1.1.1'))
  expect(health(runtime)).toEqual({ '1.1.1.1:80': 'ejected', '1.1.1.2:80': 'healthy' })
  clock.advance(3000)
  expect(health(runtime)).toEqual({ '1.1.1.1:80': 'healthy', '1.1.1.2:80': 'healthy' })
  expect(told).toEqual(['-1.1.1.1:80', '+1.1.1.1:80'])
})

test('without detection in the rules, taking out by hand works and lasts', () => {
  const { clock, runtime } = make({ outlierDetection: undefined as never })
  runtime.assign(at('1.1.1.1', '1.1.1.2'))
  runtime.eject('1.1.1.1:80', 4000)
  runtime.update({ ...BASE, outlierDetection: { interval: '1s' } })
  clock.advance(3999)
  expect(health(runtime)['1.1.1.1:80']).toBe('ejected')
  clock.advance(1)
  expect(health(runtime)['1.1.1.1:80']).toBe('healthy')
  expect(() => runtime.eject('9.9.9.9:80', 1)).toThrow(/has no endpoint 9.9.9.9:80; it has 1.1.1.1:80, 1.1.1.2:80/)
})

test('names and first health checks are awaited one after the other', async () => {
  const { wire, runtime, choose } = make({ type: 'STRICT_DNS', healthChecks: [{ tcpHealthCheck: {} }] }, () => ['1.1.1.1'])
  runtime.assign(at('c.test'))
  let ready = false
  void runtime.warming!.then(() => {
    ready = true
  })
  const turn = () => new Promise(resolve => setImmediate(resolve))
  await turn()
  expect([ready, wire.connections.length, choose()]).toEqual([false, 1, undefined])
  wire.connections[0]!.connect()
  await turn()
  expect([ready, choose()?.address, runtime.warming]).toEqual([true, '1.1.1.1:80', undefined])
})

describe('what is shown', () => {
  test("Envoy's names, zeros included", () => {
    const { runtime } = make()
    runtime.assign(at('1.1.1.1'))
    expect(runtime.allStats()).toMatchObject({
      upstream_rq_total: 0,
      upstream_rq_active: 0,
      upstream_rq_pending_active: 0,
      upstream_rq_pending_overflow: 0,
      upstream_rq_retry: 0,
      upstream_rq_retry_overflow: 0,
      upstream_rq_timeout: 0,
      upstream_rq_2xx: 0,
      upstream_cx_total: 0,
      upstream_cx_active: 0,
      upstream_cx_overflow: 0,
      upstream_cx_connect_fail: 0,
      upstream_cx_connect_timeout: 0,
      upstream_cx_max_requests: 0,
      upstream_cx_destroy: 0,
      'outlier_detection.ejections_active': 0,
      lb_healthy_panic: 0,
      membership_total: 1,
      membership_healthy: 1,
      membership_change: 1,
      'circuit_breakers.default.cx_open': 0,
      'circuit_breakers.default.rq_pending_open': 0,
      'circuit_breakers.default.rq_open': 0,
      'circuit_breakers.default.rq_retry_open': 0,
    })
  })
  test('degraded and unhealthy endpoints', () => {
    const { runtime } = make()
    const [a, b] = at('1.1.1.1', '1.1.1.2').endpoints![0]!.lbEndpoints!
    runtime.assign({
      clusterName: 'c',
      endpoints: [
        {
          lbEndpoints: [
            { ...a!, healthStatus: 'DEGRADED' },
            { ...b!, healthStatus: 'DRAINING' },
          ],
        },
      ],
    })
    expect(health(runtime)).toEqual({ '1.1.1.1:80': 'degraded', '1.1.1.2:80': 'unhealthy' })
  })
})

test('close leaves no timer and no connection', () => {
  const { clock, wire, runtime, fail } = make({ healthChecks: [{ tcpHealthCheck: {} }] })
  runtime.assign(at('1.1.1.1'))
  wire.connections[0]!.connect()
  fail('1.1.1.1:80')
  runtime.close()
  expect([clock.pending, wire.open.length]).toEqual([0, 0])
})
