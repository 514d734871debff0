import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outlierDetector } from '../../../../src/traffic/upstream/factories/outlier-detector.ts'

const OPTIONS = { consecutive5xxErrors: 3, interval: '1s', baseEjectionTime: '2s', maxEjectionPercent: 100 } as const

test('never has more out than the cap allows, whatever happens', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.tuple(fc.nat(11), fc.constantFrom(200, 500, 503), fc.nat(3000)), { maxLength: 200 }),
      (n, maxEjectionPercent, events) => {
        const hosts = Array.from({ length: n }, (_, i) => `h${i}`)
        const detector = outlierDetector({ ...OPTIONS, consecutive5xxErrors: 2, maxEjectionPercent }, { hosts })
        let now = 0
        for (const [host, status, wait] of events) {
          now += wait
          detector.report(`h${host}`, { status }, now)
          expect((100 * hosts.filter(h => detector.isEjected(h)).length) / n).toBeLessThanOrEqual(maxEjectionPercent)
        }
      },
    ),
  ))

test('ejects at the n-th failure in a row, longer each time, and returns at a sweep', () => {
  const detector = outlierDetector(OPTIONS, { hosts: ['a'] })
  const fail = (now: number) => {
    for (let i = 0; i < 3; i++) detector.report('a', { status: 500 }, now)
  }
  const outAt = (now: number) => {
    detector.advance(now)
    return detector.isEjected('a')
  }
  fail(100)
  expect([outAt(2000), outAt(3000)]).toEqual([true, false])
  fail(3100)
  expect([outAt(7000), outAt(8000)]).toEqual([true, false])
})

describe('by hand', () => {
  test('whatever the cap, for a time, with events', () => {
    const detector = outlierDetector({ maxEjectionPercent: 1 }, { hosts: ['a', 'b'] })
    const log: unknown[] = []
    detector.on('ejection', e => log.push(e))
    detector.on('unejection', e => log.push(e))
    detector.eject('a', { for: '1s', now: 0 })
    expect(detector.isEjected('a')).toBe(true)
    detector.advance(999)
    expect(detector.isEjected('a')).toBe(true)
    detector.advance(1000)
    expect(detector.isEjected('a')).toBe(false)
    detector.eject('a', { now: 1000 })
    detector.advance(1e9)
    expect(detector.isEjected('a')).toBe(true)
    detector.uneject('a', 1e9)
    expect(log).toEqual([
      { host: 'a', until: 1000, reason: 'manual' },
      { host: 'a' },
      { host: 'a', until: Infinity, reason: 'manual' },
      { host: 'a' },
    ])
  })
  test('it also ends what the detector did', () => {
    const detector = outlierDetector({ ...OPTIONS, consecutive5xxErrors: 1 }, { hosts: ['a'] })
    detector.report('a', 'connect-failure', 0)
    detector.uneject('a', 10)
    expect(detector.isEjected('a')).toBe(false)
  })
})

test('only the listed statuses are errors, when there is a list', () => {
  const detector = outlierDetector({ ...OPTIONS, consecutive5xxErrors: 1, outlierDetectionHttpErrorCodes: [429] }, { hosts: ['a', 'b'] })
  detector.report('a', { status: 503 }, 0)
  detector.report('b', { status: 429 }, 0)
  expect([detector.isEjected('a'), detector.isEjected('b')]).toEqual([false, true])
})

test('without a list of hosts they are known as they are heard of', () => {
  const detector = outlierDetector({ ...OPTIONS, consecutive5xxErrors: 1, maxEjectionPercent: 50 })
  detector.report('b', { status: 200 }, 0)
  detector.report('a', { status: 500 }, 0)
  expect(detector.isEjected('a')).toBe(true)
})

test('rates, when asked for', () => {
  const rate = { minimumHosts: 3, requestVolume: 5 }
  const hosts = ['a', 'b', 'c']
  const detector = outlierDetector({ ...OPTIONS, consecutive5xxErrors: 0, failurePercentage: { ...rate, threshold: 60 } }, { hosts })
  for (const host of hosts) for (let i = 0; i < 5; i++) detector.report(host, { status: host === 'a' ? 500 : 200 }, 10)
  detector.advance(1000)
  expect(hosts.map(h => detector.isEjected(h))).toEqual([true, false, false])
  expect(detector.stats).toMatchObject({
    'outlier_detection.ejections_active': 1,
    'outlier_detection.ejections_enforced_failure_percentage': 1,
  })
})

test('new options keep what was counted; new hosts keep who stays', () => {
  const detector = outlierDetector({ ...OPTIONS, consecutive5xxErrors: 5 }, { hosts: ['a', 'b'] })
  for (let i = 0; i < 4; i++) detector.report('a', { status: 500 }, 0)
  detector.update({ baseEjectionTime: '9s' }, 0)
  detector.hosts(['a'], 0)
  detector.report('a', { status: 500 }, 0)
  expect(detector.isEjected('a')).toBe(true)
  detector.advance(8000)
  expect(detector.isEjected('a')).toBe(true)
  detector.advance(9000)
  expect(detector.isEjected('a')).toBe(false)
})

test('wrong options', () => {
  expect(() => outlierDetector({ maxEjectionPercent: 101, interval: 0 })).toThrow(/interval[\s\S]*maxEjectionPercent/)
  expect(() => outlierDetector({ maxEjectionTime: '1s' })).toThrow(/maxEjectionTime: 1000 ms is less than baseEjectionTime \(30000 ms\)/)
})
