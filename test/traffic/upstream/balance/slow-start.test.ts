import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/time/random.ts'
import type { Cluster } from '../../../../src/envoy/index.ts'
import { SlowStart } from '../../../../src/traffic/upstream/balance/slow-start.ts'
import { LoadBalancer } from '../../../../src/traffic/upstream/load-balancer.ts'
import { count, entry, hostSet } from '../support.ts'

describe('the curve', () => {
  const at = (ms: number, aggression: number, least: number) =>
    new SlowStart({ window: 10_000, aggression, least }, 0).factor({ healthy: true, healthySince: 0 }, ms)
  test.each([
    [0, 1, 0.1, 0.1],
    [1000, 1, 0.1, 0.1],
    [2500, 1, 0.1, 0.25],
    [9999.9, 1, 0.1, 0.9999],
    [10_000, 1, 0.1, 1],
    [2500, 2, 0.1, 0.5],
    [2500, 0.5, 0, 0.0625],
    [0, 1, 0, 0.0001], // never nothing: a millisecond is counted
    [5000, 1, 1, 1],
  ])('after %d ms, aggression %d, at least %d: %d', (ms, aggression, least, factor) => {
    expect(at(ms, aggression, least)).toBeCloseTo(factor, 6)
  })
  test('who is not healthy is not weighed down', () => {
    expect(new SlowStart({ window: 10, aggression: 1, least: 0.1 }, 0).factor({ healthy: false, healthySince: 0 }, 1)).toBe(1)
  })
})

const cluster = (policy: 'ROUND_ROBIN' | 'LEAST_REQUEST'): Cluster => ({
  name: 'c',
  lbPolicy: policy,
  [policy === 'ROUND_ROBIN' ? 'roundRobinLbConfig' : 'leastRequestLbConfig']: {
    slowStartConfig: { slowStartWindow: '10s', minWeightPercent: { value: 10 }, aggression: { defaultValue: 1 } },
  },
})

describe.each(['ROUND_ROBIN', 'LEAST_REQUEST'] as const)('%s', policy => {
  test('a newcomer gets its share of the curve, and all of it after the window', () => {
    const set = hostSet([{}, {}])
    const balancer = new LoadBalancer(set, cluster(policy), seededRandom(1), 0)
    set.put([entry('h0'), entry('h1'), entry('h2')], 20_000)
    const share = (now: number) => (count(1000, () => balancer.choose(now)!.address).get('h2') ?? 0) / 1000
    expect(share(20_500)).toBeCloseTo(0.1 / 2.1, 1)
    expect(share(22_500)).toBeCloseTo(0.25 / 2.25, 1)
    expect(share(25_000)).toBeCloseTo(0.5 / 2.5, 1)
    expect(share(31_000)).toBeCloseTo(1 / 3, 1)
  })

  test('who leaves and comes back warms up again', () => {
    const set = hostSet([{}, {}])
    const balancer = new LoadBalancer(set, cluster(policy), seededRandom(1), 0)
    set.put([entry('h0')], 20_000)
    set.put([entry('h0'), entry('h1')], 30_000)
    expect((count(1000, () => balancer.choose(30_100)!.address).get('h1') ?? 0) / 1000).toBeCloseTo(0.1 / 1.1, 1)
  })
})
