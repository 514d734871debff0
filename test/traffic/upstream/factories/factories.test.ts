import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/time/random.ts'
import { loadBalancer } from '../../../../src/traffic/upstream/factories/load-balancer.ts'
import { outlierDetector } from '../../../../src/traffic/upstream/factories/outlier-detector.ts'
import { weightedRouter } from '../../../../src/traffic/upstream/factories/weighted-router.ts'

describe('loadBalancer', () => {
  test('round robin by weight gives each its exact share of every full round', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }), fc.integer(), (weights, seed) => {
        const endpoints = weights.map((weight, i) => ({ address: `10.0.0.${i}:80`, weight }))
        const balancer = loadBalancer({ simple: 'ROUND_ROBIN' }, { endpoints, random: seededRandom(seed) })
        const total = weights.reduce((a, b) => a + b, 0)
        const counts: Record<string, number> = {}
        for (let i = 0; i < total * 4; i++) {
          const { address } = balancer.pick()!.endpoint
          counts[address] = (counts[address] ?? 0) + 1
        }
        for (const { address, weight } of endpoints) expect(Math.abs((counts[address] ?? 0) - weight * 4)).toBeLessThanOrEqual(1)
      }),
    ))

  test('a hash keeps its host, and most keep it when one host leaves', () => {
    const endpoints = Array.from({ length: 5 }, (_, i) => ({ address: `10.0.0.${i}:80` }))
    for (const consistentHash of [{ ringHash: {} }, { maglev: {} }]) {
      const all = loadBalancer({ consistentHash }, { endpoints })
      const fewer = loadBalancer({ consistentHash }, { endpoints: endpoints.slice(0, 4) })
      let moved = 0
      for (let i = 0; i < 500; i++) {
        const before = all.pick(`key-${i}`)!.endpoint.address
        expect(all.pick(`key-${i}`)!.endpoint.address).toBe(before)
        if (before !== '10.0.0.4:80' && fewer.pick(`key-${i}`)!.endpoint.address !== before) moved++
      }
      expect(moved).toBeLessThan(60)
    }
  })
})

describe('outlierDetector', () => {
  test('never has more out than the cap allows, whatever happens', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.tuple(fc.nat(11), fc.constantFrom(200, 500, 503), fc.nat(3000)), { maxLength: 200 }),
        (n, maxEjectionPercent, events) => {
          const hosts = Array.from({ length: n }, (_, i) => `h${i}`)
          const detector = outlierDetector(
            { consecutive5xxErrors: 2, interval: '1s', baseEjectionTime: '2s', maxEjectionPercent },
            { hosts, start: 0 },
          )
          let now = 0
          for (const [host, status, wait] of events) {
            now += wait
            detector.advance(now)
            detector.report(`h${host}`, { status }, now)
            expect((100 * hosts.filter(h => detector.isEjected(h)).length) / n).toBeLessThanOrEqual(maxEjectionPercent)
          }
        },
      ),
    ))

  test('ejects at the n-th failure in a row, longer each time, and returns at a sweep', () => {
    const detector = outlierDetector(
      { consecutive5xxErrors: 3, interval: '1s', baseEjectionTime: '2s', maxEjectionPercent: 100 },
      { hosts: ['a'], start: 0 },
    )
    const fail = (now: number) => {
      for (let i = 0; i < 3; i++) detector.report('a', { status: 500 }, now)
    }
    fail(100)
    expect(detector.isEjected('a')).toBe(true)
    detector.advance(2000)
    expect(detector.isEjected('a')).toBe(true)
    detector.advance(3000)
    expect(detector.isEjected('a')).toBe(false)
    fail(3100)
    detector.advance(7000)
    expect(detector.isEjected('a')).toBe(true)
    detector.advance(8000)
    expect(detector.isEjected('a')).toBe(false)
  })
})

describe('weightedRouter', () => {
  test('the same key goes the same way; shares are kept', () => {
    const split = weightedRouter(
      [
        { destination: { host: 'v1' }, weight: 90 },
        { destination: { host: 'v2' }, weight: 10 },
      ],
      { random: seededRandom(1) },
    )
    let v2 = 0
    for (let i = 0; i < 10_000; i++) if (split.pick().host === 'v2') v2++
    expect(v2).toBeGreaterThan(900)
    expect(v2).toBeLessThan(1100)
    expect(() => weightedRouter([{ destination: { host: 'a' }, weight: 0 }, { destination: { host: 'b' } }])).toThrow(/every weight is 0/)
  })
})
