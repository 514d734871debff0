import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { xxhash64 } from '../../../../src/base/formats/xxhash64.ts'
import { seededRandom } from '../../../../src/base/time/random.ts'
import type { Cluster } from '../../../../src/envoy/index.ts'
import { LoadBalancer } from '../../../../src/traffic/upstream/load-balancer.ts'
import { count, entry, hostSet, type Said } from '../support.ts'

const make = (policy: 'RING_HASH' | 'MAGLEV', said: readonly Said[], zones = {}, extra: Partial<Cluster> = {}) => {
  const set = hostSet(said, zones)
  const balancer = new LoadBalancer(set, { name: 'c', lbPolicy: policy, ...extra }, seededRandom(3), 0)
  return { set, balancer, of: (key: string) => balancer.choose(0, xxhash64(key))?.address }
}
const keys = Array.from({ length: 2000 }, (_, i) => `key-${i}`)

describe.each(['RING_HASH', 'MAGLEV'] as const)('%s', policy => {
  test('mostly the keys of a host that leaves move, and all come back with it', () =>
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 8 }), fc.nat(7), (n, leaver) => {
        const all = Array.from({ length: n }, () => ({}))
        const { set, of } = make(policy, all)
        const before = keys.map(of)
        const gone = `h${leaver % n}`
        const entries = all.map((_, i) => entry(`h${i}`))
        set.put(
          entries.filter(e => e.address !== gone),
          0,
        )
        const without = keys.map(of)
        expect(without).not.toContain(gone)
        const moved = keys.filter((_, i) => before[i] !== gone && without[i] !== before[i]).length
        // Of the others few: Envoy's ring gives those who stay more places when hosts are fewer, and Maglev refills its table.
        expect(moved / keys.length).toBeLessThan(0.2)
        set.put(entries, 0)
        expect(keys.map(of)).toEqual(before)
      }),
      { numRuns: 12 },
    ))

  test('shares follow the weights', () => {
    const { of } = make(policy, [{ weight: 1 }, { weight: 3 }], {}, { ringHashLbConfig: { minimumRingSize: 8192 } })
    const heavy = keys.filter(key => of(key) === 'h1').length / keys.length
    expect(heavy).toBeGreaterThan(0.7)
    expect(heavy).toBeLessThan(0.8)
  })

  test('shares follow the weights of localities when they are to', () => {
    const said = [{ zone: 'a' }, { zone: 'b' }, { zone: 'b' }]
    const { of } = make(policy, said, { '0/a': 80, '0/b': 20 }, { commonLbConfig: { localityWeightedLbConfig: {} } })
    const near = keys.filter(key => of(key) === 'h0').length / keys.length
    expect(near).toBeGreaterThan(0.74)
    expect(near).toBeLessThan(0.86)
  })

  test('in panic all hosts are on the table, and it counts once for a choice', () => {
    const { balancer } = make(policy, [{ configured: 'unhealthy' }, { configured: 'unhealthy' }])
    const host = balancer.choose(0, 1n)!
    expect(balancer.panics).toBe(1)
    const other = balancer.choose(0, 1n, [host])
    expect(other).toBeDefined()
    expect(balancer.panics).toBe(2)
  })

  test('a request without a hash goes anywhere', () => {
    const { balancer } = make(policy, [{}, {}, {}])
    expect(count(300, () => balancer.choose(0)!.address).size).toBe(3)
  })

  test('nobody healthy: nobody', () => {
    const { of } = make(policy, [{ configured: 'unhealthy' }], {}, { commonLbConfig: { healthyPanicThreshold: {} } })
    expect(of('x')).toBeUndefined()
  })
})

test('a ring walks on for each host that was tried', () => {
  const { balancer } = make('RING_HASH', [{}, {}, {}])
  const first = balancer.choose(0, 42n)!
  const second = balancer.choose(0, 42n, [first])!
  expect(balancer.choose(0, 42n)).toBe(first)
  expect(balancer.choose(0, 42n, [first])).toBe(second)
})

test('a table of one slot, which Istio accepts, has a host', () => {
  const { of } = make('MAGLEV', [{}, {}], {}, { maglevLbConfig: { tableSize: 1 } })
  expect(of('x')).toBeDefined()
})
