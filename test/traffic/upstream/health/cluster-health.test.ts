import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/time/random.ts'
import { virtualClock } from '../../../../src/base/time/virtual-clock.ts'
import type { Cluster, HealthCheck } from '../../../../src/envoy/index.ts'
import { ClusterHealth } from '../../../../src/traffic/upstream/health/cluster-health.ts'
import { Ejections } from '../../../../src/traffic/upstream/outlier/ejections.ts'
import { entry, FakeWire, hostSet, names } from '../support.ts'

const HTTP: HealthCheck = {
  interval: '10s',
  timeout: '1s',
  unhealthyThreshold: 2,
  healthyThreshold: 1,
  httpHealthCheck: { path: '/healthz' },
}
const TCP: HealthCheck = { interval: '10s', timeout: '1s', unhealthyThreshold: 1, healthyThreshold: 1, tcpHealthCheck: {} }

const make = (check: HealthCheck | undefined, hosts = 1, more: Partial<Cluster> = {}) => {
  const clock = virtualClock()
  const wire = new FakeWire()
  const set = hostSet(Array.from({ length: hosts }, () => ({})))
  const random = seededRandom(1)
  const ejections = new Ejections(set, clock, random, () => {})
  const config: Cluster = { name: 'outbound|80||reviews', ...(check === undefined ? {} : { healthChecks: [check] }), ...more }
  const health = new ClusterHealth(config, set, ejections, { clock, random, transport: wire })
  ejections.configure(more.outlierDetection)
  health.members()
  const settled = async () => {
    let over = false
    void health.warming?.then(() => (over = true))
    await new Promise(resolve => setImmediate(resolve))
    return over || health.warming === undefined
  }
  return { clock, wire, set, ejections, health, config, settled, healthy: () => names(set.levels[0]?.healthy ?? []) }
}
const last = (wire: FakeWire) => wire.connections.at(-1)!
const answer = (wire: FakeWire, status: number) => {
  const [stream] = [...last(wire).streams]
  stream!.respond(status)
  stream!.complete()
}

test('without checks nothing is done', async () => {
  const { wire, clock, healthy, settled } = make(undefined)
  expect([wire.connections.length, clock.pending, healthy(), await settled()]).toEqual([0, 0, ['h0'], true])
})

describe('over HTTP', () => {
  test('a new host is out until it has passed, and the cluster warms up until then', async () => {
    const { wire, healthy, settled } = make(HTTP)
    expect(healthy()).toEqual([])
    last(wire).connect()
    expect([...last(wire).streams][0]!.request).toMatchObject({ method: 'GET', path: '/healthz', authority: 'reviews' })
    expect(last(wire).target.background).toBe(true)
    expect(await settled()).toBe(false)
    answer(wire, 200)
    expect(healthy()).toEqual(['h0'])
    expect(await settled()).toBe(true)
  })

  test('a wrong status is out at once, no answer only at the threshold; the connection is kept', () => {
    const { clock, wire, healthy } = make(HTTP)
    last(wire).connect()
    answer(wire, 200)
    clock.advance(10_000)
    answer(wire, 503)
    expect(healthy()).toEqual([])
    clock.advance(10_000)
    answer(wire, 200)
    expect(healthy()).toEqual(['h0'])
    expect(wire.connections).toHaveLength(1)
    clock.advance(10_000)
    clock.advance(1000) // no answer in time
    expect(wire.connections[0]!.state).toBe('gone')
    expect(healthy()).toEqual(['h0'])
    clock.advance(10_000)
    last(wire).fail()
    expect(healthy()).toEqual([])
  })

  test('a connection that the peer closes between checks is no failure', () => {
    const { clock, wire, healthy, health } = make(HTTP)
    last(wire).connect()
    answer(wire, 200)
    last(wire).close()
    expect(healthy()).toEqual(['h0'])
    clock.advance(10_000)
    last(wire).connect()
    answer(wire, 200)
    expect(health.stats()).toMatchObject({
      'health_check.attempt': 2,
      'health_check.success': 2,
      'health_check.failure': 0,
      'health_check.healthy': 1,
    })
  })

  test('a late answer of a check that was given up is not taken for the next one', () => {
    const { clock, wire, healthy } = make(HTTP)
    const first = last(wire)
    first.connect()
    const [stale] = [...first.streams]
    clock.advance(1000)
    clock.advance(10_000)
    stale!.respond(200)
    expect(healthy()).toEqual([])
  })
})

test('over TCP a connection is enough', () => {
  const { clock, wire, healthy } = make(TCP)
  last(wire).connect()
  expect([healthy(), wire.open.length]).toEqual([['h0'], 0])
  clock.advance(10_000)
  last(wire).fail()
  expect(healthy()).toEqual([])
})

test('hosts that come and go', () => {
  const { clock, wire, set, health, healthy } = make(TCP)
  last(wire).connect()
  set.put([entry('h0'), entry('h1')], clock.now())
  health.members()
  expect(healthy()).toEqual(['h0'])
  last(wire).connect()
  expect(healthy()).toEqual(['h0', 'h1'])
  set.put([], clock.now())
  health.members()
  expect(clock.pending).toBe(0)
})

test('checks that begin trust those who serve; checks that end take everybody in', () => {
  const { wire, config, health, healthy } = make(undefined)
  health.update({ ...config, healthChecks: [TCP] })
  expect(healthy()).toEqual(['h0'])
  last(wire).fail()
  expect(healthy()).toEqual([])
  health.update(config)
  expect(healthy()).toEqual(['h0'])
})

test('a host that passes is taken back from its ejection', () => {
  const detection = { consecutive5xx: 1, maxEjectionPercent: 100 }
  const { clock, wire, set, ejections, healthy } = make(TCP, 1, { outlierDetection: detection })
  last(wire).connect()
  ejections.reportStatus(set.get('h0')!, 500)
  expect(healthy()).toEqual([])
  clock.advance(9999)
  expect(healthy()).toEqual([])
  clock.advance(1)
  last(wire).connect()
  expect(healthy()).toEqual(['h0'])
})

test('slow start begins again with the return', () => {
  const { clock, wire, set } = make(TCP)
  last(wire).connect()
  expect(set.get('h0')!.healthySince).toBe(0)
  clock.advance(10_000)
  last(wire).fail()
  clock.advance(10_000)
  last(wire).connect()
  expect(set.get('h0')!.healthySince).toBe(20_000)
})

test('close leaves nothing behind', () => {
  const { clock, wire, health } = make(HTTP)
  last(wire).connect()
  health.close()
  expect([clock.pending, wire.open.length]).toEqual([0, 0])
})
