import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/time/random.ts'
import { virtualClock } from '../../../../src/base/time/virtual-clock.ts'
import { loadBalancer } from '../../../../src/traffic/upstream/factories/load-balancer.ts'

const addresses = (n: number) => Array.from({ length: n }, (_, i) => ({ address: `10.0.0.${i}:80` }))

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

test('a hash keeps its host, given as a key or as a number', () => {
  for (const consistentHash of [{}, { ringHash: {} }, { maglev: {} }, { httpHeaderName: 'x-user', ringHash: { minimumRingSize: 10 } }]) {
    const balancer = loadBalancer({ consistentHash }, { endpoints: addresses(5) })
    for (let i = 0; i < 50; i++) expect(balancer.pick(`k${i}`)!.endpoint).toBe(balancer.pick(`k${i}`)!.endpoint)
    expect(balancer.pick(7n)!.endpoint).toBe(balancer.pick(7n)!.endpoint)
  }
})

test('least request is the default: who is busy is spared, and release counts once', () => {
  const balancer = loadBalancer({}, { endpoints: addresses(2), random: seededRandom(1) })
  const held = Array.from({ length: 20 }, () => balancer.pick()!)
  const [busy] = addresses(2)
  for (const pick of held) if (pick.endpoint.address !== busy!.address) pick.release()
  const next = Array.from({ length: 40 }, () => {
    const pick = balancer.pick()!
    pick.release()
    pick.release()
    return pick.endpoint.address
  })
  expect(next.filter(a => a === busy!.address).length).toBeLessThan(20)
})

test('the endpoint is the very object given; none: undefined', () => {
  const endpoints = [{ address: 'a:1', labels: { zone: 'x' } }]
  const balancer = loadBalancer({}, { endpoints })
  expect(balancer.pick()!.endpoint).toBe(endpoints[0])
  balancer.update([])
  expect(balancer.pick()).toBeUndefined()
})

test('priorities and health: the next one is asked when too few are healthy', () => {
  const endpoints = [
    { address: 'a', health: 'unhealthy' as const },
    { address: 'b', priority: 1 },
  ]
  expect(loadBalancer({}, { endpoints }).pick()!.endpoint.address).toBe('b')
})

test('warm-up runs on the clock given', () => {
  const clock = virtualClock()
  const settings = { simple: 'ROUND_ROBIN', warmup: { duration: '10s', minimumPercent: 10 } } as const
  const balancer = loadBalancer(settings, { endpoints: addresses(1), clock, random: seededRandom(1) })
  clock.advance(60_000)
  balancer.update(addresses(2))
  const share = () => Array.from({ length: 500 }, () => balancer.pick()!.endpoint.address).filter(a => a === '10.0.0.1:80').length / 500
  expect(share()).toBeCloseTo(0.1 / 1.1, 1)
  clock.advance(11_000)
  expect(share()).toBeCloseTo(0.5, 1)
})

describe('wrong options are named, all at once', () => {
  test.each([
    [{ simple: 'FASTEST' }, /simple: "FASTEST" is not one of LEAST_REQUEST/],
    [{ consistentHash: { maglev: { tableSize: 1000 } } }, /tableSize: 1000 is no prime/],
    [{ consistentHash: { maglev: {}, ringHash: {} } }, /exclude each other/],
    [{ warmup: {} }, /warmup.duration: is required/],
    [{ smiple: 'RANDOM' }, /smiple: unknown option \(did you mean simple\?\)/],
  ])('%j', (settings, message) => {
    expect(() => loadBalancer(settings as never, { endpoints: [] })).toThrow(message)
  })
  test('endpoints', () => {
    const endpoints = [{ address: '' }, { address: 'a', weight: 0 }, { address: 'a' }, { address: 'b', priority: -1 }]
    expect(() => loadBalancer({}, { endpoints })).toThrow(
      /endpoints\[0\].address[\s\S]*endpoints\[1\].weight: 0[\s\S]*a is there twice[\s\S]*priority: -1/,
    )
  })
})
