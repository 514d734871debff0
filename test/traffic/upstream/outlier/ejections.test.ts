import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/time/random.ts'
import { virtualClock } from '../../../../src/base/time/virtual-clock.ts'
import { Ejections } from '../../../../src/traffic/upstream/outlier/ejections.ts'
import { entry, hostSet, names } from '../support.ts'

const DETECTION = { consecutive5xx: 2, interval: '1s', baseEjectionTime: '2s', maxEjectionPercent: 100 }

const make = (detects = true) => {
  const clock = virtualClock()
  const hosts = hostSet([{}, {}, {}])
  const log: string[] = []
  const ejections = new Ejections(hosts, clock, seededRandom(1), (host, out, until) =>
    log.push(`${out ? '-' : '+'}${host.address} ${until}`),
  )
  if (detects) ejections.configure(DETECTION)
  const host = hosts.get('h0')!
  const fail = () => {
    ejections.reportStatus(host, 500)
    ejections.reportStatus(host, 500)
  }
  return { clock, hosts, ejections, log, host, fail, healthy: () => names(hosts.levels[0]!.healthy) }
}

test('a sweep takes back by itself, and no timer runs when nobody is out', () => {
  const { clock, fail, log, healthy } = make()
  expect(clock.pending).toBe(0)
  fail()
  expect(healthy()).toEqual(['h1', 'h2'])
  expect(clock.pending).toBe(1)
  clock.advance(2000)
  expect(healthy()).toEqual(['h0', 'h1', 'h2'])
  expect(log).toEqual(['-h0 2000', '+h0 undefined'])
  expect(clock.pending).toBe(0)
})

describe('by hand', () => {
  test('needs no detector', () => {
    const { clock, ejections, host, healthy, log } = make(false)
    ejections.hold(host, 5000)
    expect(host.ejectedUntil).toBe(5000)
    clock.advance(4999)
    expect(healthy()).toEqual(['h1', 'h2'])
    clock.advance(1)
    expect(healthy()).toEqual(['h0', 'h1', 'h2'])
    expect(log).toEqual(['-h0 5000', '+h0 undefined'])
  })
  test('no sweep takes it back, whatever its length and whatever the cap', () => {
    const { clock, ejections, hosts, healthy, host } = make()
    for (const h of hosts.all) ejections.hold(h, Infinity)
    clock.advance(60_000)
    ejections.advance(clock.now())
    expect(healthy()).toEqual([])
    expect(ejections.stats()['outlier_detection.ejections_active']).toBe(0)
    ejections.release(host)
    expect(healthy()).toEqual(['h0'])
  })
  test('who is out for two reasons comes back when the second is gone', () => {
    const { clock, ejections, fail, host, healthy, log } = make()
    fail()
    ejections.hold(host, 5000)
    clock.advance(3000)
    expect(host.ejected).toBe(false)
    expect(healthy()).toEqual(['h1', 'h2'])
    clock.advance(2000)
    expect(healthy()).toEqual(['h0', 'h1', 'h2'])
    expect(log).toEqual(['-h0 2000', '-h0 5000', '+h0 undefined'])
  })
  test('a new time replaces the old one; release ends both', () => {
    const { clock, ejections, fail, host, healthy } = make()
    ejections.hold(host, 1000)
    ejections.hold(host, 9000)
    clock.advance(2000)
    expect(healthy()).toEqual(['h1', 'h2'])
    fail()
    ejections.release(host)
    expect(healthy()).toEqual(['h0', 'h1', 'h2'])
    expect(clock.pending).toBe(0)
  })
  test('it stays out when it leaves and comes back', () => {
    const { ejections, hosts, host, healthy } = make()
    ejections.hold(host, Infinity)
    hosts.put([entry('h1')], 0)
    ejections.members()
    hosts.put([entry('h0'), entry('h1')], 1000)
    ejections.members()
    expect(healthy()).toEqual(['h1'])
  })
})

test('settings that go take everybody back but those held', () => {
  const { ejections, hosts, fail, healthy } = make()
  fail()
  ejections.hold(hosts.get('h1')!, Infinity)
  ejections.configure(undefined)
  expect(healthy()).toEqual(['h0', 'h2'])
  ejections.configure(DETECTION)
  fail()
  expect(healthy()).toEqual(['h2'])
})

test('changed settings keep who is out, and date it anew', () => {
  const { ejections, fail, host } = make()
  fail()
  ejections.configure({ ...DETECTION, baseEjectionTime: '7s' })
  expect(host.ejected).toBe(true)
  expect(host.ejectedUntil).toBe(7000)
})

test('an active health check that passes takes back, unless it shall not', () => {
  const { ejections, fail, host } = make()
  fail()
  ejections.healthCheckPassed(host)
  expect(host.ejected).toBe(false)
  ejections.configure({ ...DETECTION, successfulActiveHealthCheckUnejectHost: false })
  fail()
  ejections.healthCheckPassed(host)
  expect(host.ejected).toBe(true)
})

test('a comparison of rates that is enforced has its timer', () => {
  const { clock, hosts, ejections, log } = make(false)
  hosts.put(
    Array.from({ length: 5 }, (_, i) => entry(`h${i}`)),
    0,
  )
  ejections.members()
  ejections.configure({ interval: '1s', consecutive5xx: 0, successRateRequestVolume: 4, successRateStdevFactor: 500 })
  for (const h of hosts.all) for (let i = 0; i < 5; i++) ejections.reportStatus(h, h.address === 'h4' ? 500 : 200)
  expect(clock.pending).toBe(1)
  clock.advance(1000)
  expect(log).toEqual([])
  ejections.configure({
    interval: '1s',
    consecutive5xx: 0,
    successRateRequestVolume: 4,
    successRateStdevFactor: 500,
    maxEjectionPercent: 50,
  })
  for (const h of hosts.all) for (let i = 0; i < 5; i++) ejections.reportStatus(h, h.address === 'h4' ? 500 : 200)
  clock.advance(1000)
  expect(log).toEqual(['-h4 32000'])
})

describe('the sweep timer', () => {
  const RATES = { ...DETECTION, enforcingSuccessRate: 100, successRateMinimumHosts: 3, successRateRequestVolume: 1 }

  test('runs once for many reports, and not at all while no sweep is needed', () => {
    const { clock, ejections, host } = make()
    ejections.reportStatus(host, 200)
    expect(clock.pending).toBe(0)
    ejections.configure(RATES)
    for (let i = 0; i < 3; i++) ejections.reportStatus(host, 200)
    ejections.report(host, 'reset')
    expect(clock.pending).toBe(1)
    clock.advance(1000)
    expect(clock.pending).toBe(0)
  })
  test('starts for a local result, and for a connection only with split', () => {
    const { clock, ejections, host } = make(false)
    ejections.configure(RATES)
    ejections.report(host, 'connected')
    expect(clock.pending).toBe(0)
    ejections.report(host, 'reset')
    expect(clock.pending).toBe(1)
    const split = make(false)
    split.ejections.configure({ ...RATES, splitExternalLocalOriginErrors: true })
    split.ejections.report(split.host, 'connected')
    expect(split.clock.pending).toBe(1)
  })
  test('moves to an earlier end and ends with close', () => {
    const { clock, ejections, hosts, host, healthy } = make(false)
    ejections.close()
    ejections.hold(host, 5000)
    ejections.hold(hosts.get('h1')!, 1000)
    expect(clock.pending).toBe(1)
    clock.advance(1000)
    expect(healthy()).toEqual(['h1', 'h2'])
    expect(clock.pending).toBe(1)
    ejections.close()
    expect(clock.pending).toBe(0)
    clock.advance(60_000)
    expect(healthy()).toEqual(['h1', 'h2'])
  })
  test('follows the sweeps of new settings', () => {
    const { clock, ejections, fail, healthy } = make()
    fail()
    ejections.configure({ ...DETECTION, interval: '300ms', baseEjectionTime: '0.5s' })
    expect(clock.pending).toBe(1)
    clock.advance(599)
    expect(healthy()).toEqual(['h1', 'h2'])
    clock.advance(1)
    expect(healthy()).toEqual(['h0', 'h1', 'h2'])
    expect(clock.pending).toBe(0)
  })
})

describe('without a detector', () => {
  test('ignores every report and counts nothing', () => {
    const { clock, ejections, host, healthy } = make(false)
    for (let i = 0; i < 9; i++) {
      ejections.report(host, 'reset')
      ejections.reportStatus(host, 500)
    }
    ejections.advance(0)
    ejections.members()
    ejections.healthCheckPassed(host)
    ejections.release(host)
    expect(healthy()).toEqual(['h0', 'h1', 'h2'])
    expect(ejections.stats()).toEqual({ 'outlier_detection.ejections_active': 0 })
    expect(clock.pending).toBe(0)
  })
  test('restores the hosts that the last one ejected, and only those', () => {
    const { clock, ejections, fail, hosts, healthy, log } = make()
    fail()
    ejections.hold(hosts.get('h1')!, 9000)
    ejections.configure(undefined)
    expect(healthy()).toEqual(['h0', 'h2'])
    expect(log).toEqual(['-h0 2000', '-h1 9000', '+h0 undefined'])
    clock.advance(9000)
    expect(healthy()).toEqual(['h0', 'h1', 'h2'])
    expect(ejections.stats()).toEqual({ 'outlier_detection.ejections_active': 0 })
  })
})

describe('an active health check that passes', () => {
  test('restores an ejected host', () => {
    const { ejections, fail, host, healthy, log } = make()
    fail()
    ejections.healthCheckPassed(host)
    expect(healthy()).toEqual(['h0', 'h1', 'h2'])
    ejections.healthCheckPassed(host)
    expect(log).toEqual(['-h0 2000', '+h0 undefined'])
  })
  test('does not when the settings say so, and does not end a hold', () => {
    const { ejections, fail, host, hosts, healthy } = make()
    ejections.configure({ ...DETECTION, successfulActiveHealthCheckUnejectHost: false })
    fail()
    ejections.hold(hosts.get('h1')!, 5000)
    ejections.healthCheckPassed(host)
    ejections.healthCheckPassed(hosts.get('h1')!)
    expect(healthy()).toEqual(['h2'])
  })
})

test('reports local results and the counters of the detector', () => {
  const { clock, ejections, host, hosts, healthy } = make()
  ejections.report(host, 'reset')
  ejections.report(host, 'connect-failure')
  expect(healthy()).toEqual(['h1', 'h2'])
  expect(ejections.stats()).toMatchObject({
    'outlier_detection.ejections_active': 1,
    'outlier_detection.ejections_enforced_consecutive_5xx': 1,
  })
  hosts.put([entry('h1'), entry('h2')], 1000)
  ejections.members()
  expect(ejections.stats()['outlier_detection.ejections_active']).toBe(0)
  expect(clock.pending).toBe(0)
})

test('keeps the later of two ends while a host is ejected and held', () => {
  const { ejections, fail, host } = make()
  fail()
  ejections.hold(host, 500)
  expect(host.ejectedUntil).toBe(2000)
  ejections.hold(host, 7000)
  expect(host.ejectedUntil).toBe(7000)
  ejections.configure({ ...DETECTION, baseEjectionTime: '8s' })
  expect(host.ejectedUntil).toBe(8000)
  ejections.release(host)
  expect(host.ejectedUntil).toBeUndefined()
})
