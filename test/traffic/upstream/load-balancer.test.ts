import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/time/random.ts'
import type { Cluster } from '../../../src/envoy/index.ts'
import { LoadBalancer } from '../../../src/traffic/upstream/load-balancer.ts'
import { chiSquare, count, entry, hostSet, type Said } from './support.ts'

const NEVER = { healthyPanicThreshold: {} }
const make = (said: readonly Said[], cluster: Partial<Cluster> = {}, zones = {}, seed = 1) => {
  const set = hostSet(said, zones)
  const balancer = new LoadBalancer(set, { name: 'c', lbPolicy: 'ROUND_ROBIN', ...cluster }, seededRandom(seed), 0)
  return { set, balancer, next: () => balancer.choose(0)?.address }
}

describe('round robin', () => {
  test('goes on where it was when an unrelated priority changes', () => {
    const { set, next } = make([{}, {}, {}, { priority: 1 }])
    const first = [next(), next()]
    set.get('h3')!.ejected = true
    set.refresh(0)
    const rest = next()
    expect(new Set([...first, rest]).size).toBe(3)
  })

  test('every host comes up once in each round', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), (n, seed) => {
        const { next } = make(
          Array.from({ length: n }, () => ({})),
          {},
          {},
          seed,
        )
        expect(new Set(Array.from({ length: n }, next)).size).toBe(n)
      }),
    ))
})

describe('by chance (fixed seed, p > 0.001)', () => {
  test('RANDOM: all alike, weights ignored', () => {
    const { next } = make([{ weight: 9 }, {}, {}, {}], { lbPolicy: 'RANDOM' })
    const counts = count(4000, next)
    expect(chiSquare([...counts.values()], [0.25, 0.25, 0.25, 0.25])).toBeLessThan(16.27)
  })
  test('LEAST_REQUEST: of three hosts a busy one comes up only when both looks fall on it', () => {
    const { set, next } = make([{}, {}, {}], { lbPolicy: 'LEAST_REQUEST' })
    set.get('h0')!.active = 10
    const counts = count(4500, next)
    expect(
      chiSquare(
        ['h0', 'h1', 'h2'].map(h => counts.get(h) ?? 0),
        [1 / 9, 4 / 9, 4 / 9],
      ),
    ).toBeLessThan(13.8)
  })
  test('LEAST_REQUEST by weight: weight / (active + 1), to the power of the bias', () => {
    const bias = (b: number) => {
      const { set, next } = make([{ weight: 4 }, { weight: 1 }], {
        lbPolicy: 'LEAST_REQUEST',
        leastRequestLbConfig: { activeRequestBias: { defaultValue: b } },
      })
      set.get('h0')!.active = 3
      return (count(1000, next).get('h0') ?? 0) / 1000
    }
    expect(bias(1)).toBeCloseTo(0.5, 1)
    expect(bias(0)).toBeCloseTo(0.8, 1)
    expect(bias(2)).toBeCloseTo(0.2, 1)
  })
  test('priorities share by their loads', () => {
    const { next } = make(
      [...'hhhhhuuuuu'].map(c => ({ configured: c === 'h' ? 'healthy' : 'unhealthy' }) as Said).concat([{ priority: 1 }]),
      {
        commonLbConfig: NEVER,
      },
    )
    const far = count(5000, next).get('h10') ?? 0
    expect(chiSquare([5000 - far, far], [0.7, 0.3])).toBeLessThan(10.83)
  })
})

describe('localities', () => {
  const weighted = { commonLbConfig: { localityWeightedLbConfig: {}, ...NEVER } }
  test('share by weight whatever their size', () => {
    const { next } = make([{ zone: 'a' }, { zone: 'b' }, { zone: 'b' }, { zone: 'b' }], weighted, { '0/a': 80, '0/b': 20 })
    const counts = count(1000, next)
    expect(counts.get('h0')).toBeGreaterThanOrEqual(799)
    expect(counts.get('h0')).toBeLessThanOrEqual(801)
  })
  test('one that is partly ill gets less, when more than the overprovisioning is gone', () => {
    const { set, next } = make([{ zone: 'a' }, { zone: 'a' }, { zone: 'b' }], weighted, { '0/a': 50, '0/b': 50 })
    set.get('h0')!.ejected = true
    set.refresh(0)
    const counts = count(1700, next) // a: 50 * 1.4 * 0.5 = 35
    expect(counts.get('h1')! / 1700).toBeCloseTo(35 / 85, 2)
  })
  test('without the setting their weights are nothing', () => {
    const { next } = make([{ zone: 'a' }, { zone: 'b' }], {}, { '0/a': 80, '0/b': 20 })
    expect(count(100, next).get('h0')).toBe(50)
  })
  test('in panic all hosts of the priority are asked alike', () => {
    const { next, balancer } = make(
      [
        { zone: 'a', configured: 'unhealthy' },
        { zone: 'b', configured: 'unhealthy' },
      ],
      { commonLbConfig: { localityWeightedLbConfig: {}, healthyPanicThreshold: { value: 50 } } },
      { '0/a': 80, '0/b': 20 },
    )
    expect(count(100, next).get('h0')).toBe(50)
    expect(balancer.panics).toBe(100)
  })
})

describe('degraded hosts', () => {
  test('get what healthy ones cannot bear', () => {
    const { next } = make([{}, { configured: 'degraded' }, { configured: 'degraded' }, { configured: 'degraded' }])
    const counts = count(4000, next) // 25 % * 1.4 = 35
    expect(chiSquare([counts.get('h0')!, 4000 - counts.get('h0')!], [0.35, 0.65])).toBeLessThan(10.83)
  })
  test('get nothing while there are enough', () => {
    const { next } = make([{}, {}, {}, { configured: 'degraded' }])
    expect(count(400, next).has('h3')).toBe(false)
  })
})

describe('retries', () => {
  test('six looks for a host not yet tried, then the last one is taken', () => {
    const { set, balancer } = make([{}, {}, {}])
    const tried = [set.get('h0')!, set.get('h1')!]
    for (let i = 0; i < 20; i++) expect(balancer.choose(0, undefined, tried)!.address).toBe('h2')
    expect(balancer.choose(0, undefined, [...set.all])).toBeDefined()
  })
  test('one host is asked again', () => {
    const { set, balancer } = make([{}])
    expect(balancer.choose(0, undefined, [set.get('h0')!])!.address).toBe('h0')
  })
})

test('an empty cluster: nobody, counted as panic', () => {
  const { balancer, set } = make([])
  expect(balancer.choose(0)).toBeUndefined()
  expect(balancer.panics).toBe(1)
  set.put([entry('h0')], 0)
  expect(balancer.choose(0)!.address).toBe('h0')
})

test('settings change: a new policy chooses, the same one goes on', () => {
  const { balancer, next } = make([{}, {}, {}, {}])
  const before = [next(), next()]
  const config: Cluster = { name: 'c', lbPolicy: 'ROUND_ROBIN' }
  balancer.update(config, { ...config, connectTimeout: '1s' }, 0)
  expect(new Set([...before, next(), next()]).size).toBe(4)
  balancer.update(config, { name: 'c', lbPolicy: 'RING_HASH' }, 0)
  expect(balancer.choose(0, 7n)).toBe(balancer.choose(0, 7n))
})
