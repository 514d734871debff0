/** Weights: shares, and that the same request always goes the same way where a hash decides. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/time/random.ts'
import { compileRoute } from '../../../src/traffic/routing/compiled-route.ts'
import { selected, whole } from '../../../src/traffic/routing/fraction.ts'
import { splitOf } from '../../../src/traffic/routing/split.ts'
import { fits } from '../../conformance/envoy/statistics.ts'
import { requestOf } from './requests.ts'

const weighted = (weights: number[], more: object = {}) => ({
  match: { prefix: '/' },
  route: { weightedClusters: { clusters: weights.map((weight, i) => ({ name: `c${i}`, weight })), ...more } },
})

describe('a weighted split', () => {
  test.each([[[90, 10]], [[1, 99]], [[20, 30, 50]], [[1, 1, 1]], [[5, 0, 5]], [[3, 7, 11, 13]]])('%j: shares by chi-square', weights => {
    const split = splitOf(weighted(weights))!
    const random = seededRandom(11)
    const counts: Record<string, number> = {}
    for (let i = 0; i < 20_000; i++) {
      const { cluster } = split.pick(random(), requestOf(), undefined)
      counts[cluster] = (counts[cluster] ?? 0) + 1
    }
    expect(fits(counts, Object.fromEntries(weights.map((w, i) => [`c${i}`, w])))).toBeGreaterThan(0.001)
  })

  test('every number falls into the interval that contains it, whatever the weights', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { minLength: 1, maxLength: 6 }).filter(w => w.some(x => x > 0)),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (weights, random) => {
          const total = weights.reduce((a, b) => a + b, 0)
          const place = whole(random) % total
          let upTo = 0
          const expected = weights.findIndex(w => place < (upTo += w))
          expect(splitOf(weighted(weights))!.pick(random, requestOf(), undefined).cluster).toBe(`c${expected}`)
        },
      ),
    )
  })

  test('by hash: the same caller meets the same version, and without a hash chance decides', () => {
    const split = splitOf(weighted([50, 50], { useHashPolicy: true }))!
    for (let hash = 0n; hash < 200n; hash += 7n) {
      const seen = new Set([0, 0.3, 0.7, 0.99].map(r => split.pick(r, requestOf(), hash).cluster))
      expect([...seen]).toEqual([hash % 100n < 50n ? 'c0' : 'c1'])
    }
    const random = seededRandom(5)
    expect(new Set(Array.from({ length: 50 }, () => split.pick(random(), requestOf(), undefined).cluster)).size).toBe(2)
  })

  test('by a header that holds the number; one that cannot be read leaves it to chance', () => {
    const split = splitOf(weighted([10, 90], { headerName: 'X-Place' }))!
    const at = (value: string) => split.pick(0, requestOf({ headers: ['x-place', value] }), undefined).cluster
    expect([at('9'), at('10'), at('109'), at('18446744073709551615'), at('x')]).toEqual(['c0', 'c1', 'c0', 'c1', 'c0'])
  })

  test('weights and mirrors share one number: what is mirrored is a fixed part of what is chosen', () => {
    const route = compileRoute({
      match: { prefix: '/' },
      route: {
        weightedClusters: {
          clusters: [
            { name: 'c0', weight: 90 },
            { name: 'c1', weight: 10 },
          ],
        },
        requestMirrorPolicies: [{ cluster: 'm', runtimeFraction: { defaultValue: { numerator: 10, denominator: 'HUNDRED' } } }],
      },
    })
    const random = seededRandom(3)
    for (let i = 0; i < 5000; i++) {
      const r = random()
      const cluster = route.clusterFor!(r, requestOf(), undefined).cluster
      if (route.mirrors![0]!.selects(r)) expect(cluster).toBe('c0') // random % 100 < 10 lies in [0, 90)
    }
  })
})

test.each([
  [undefined, 100],
  ['TEN_THOUSAND', 10_000],
  ['MILLION', 1_000_000],
] as const)('a share of %s: random %% denominator < numerator', (denominator, size) => {
  fc.assert(
    fc.property(fc.nat(size), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (numerator, random) => {
      expect(selected({ numerator, ...(denominator && { denominator }) }, random)).toBe(whole(random) % size < numerator)
    }),
  )
  expect(selected({ numerator: size, ...(denominator && { denominator }) }, 0.999999)).toBe(true)
  expect(selected(undefined, 0)).toBe(false)
})
