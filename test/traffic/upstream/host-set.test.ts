import { expect, test } from 'vitest'
import { HostSet } from '../../../src/traffic/upstream/host-set.ts'
import { entry, hostSet, names } from './support.ts'

test('an endpoint that comes back within the grace is the same one; later it is new', () => {
  const set = hostSet([{}, {}])
  const host = set.get('h1')
  set.put([entry('h0')], 1_000)
  expect(set.get('h1')).toBeUndefined()
  set.put([entry('h0'), entry('h1')], 300_999)
  expect(set.get('h1')).toBe(host)
  set.put([entry('h0')], 301_000)
  set.put([entry('h0'), entry('h1')], 601_000)
  expect(set.get('h1')).not.toBe(host)
})

test('lists are rebuilt where something changed, and only there', () => {
  const set = hostSet([{}, {}, { priority: 1 }])
  const [near, far] = set.levels
  set.get('h2')!.ejected = true
  set.refresh(0)
  expect(set.levels[0]).toBe(near)
  expect(set.levels[1]).not.toBe(far)
  expect(set.levels[1]).toMatchObject({ healthy: [], hosts: [{ address: 'h2' }] })
})

test('an assignment: labels, weights, health, localities; the first of two equal addresses counts', () => {
  const set = new HostSet()
  const at = (address: string, portValue: number, more = {}) => ({
    endpoint: { address: { socketAddress: { address, portValue } } },
    ...more,
  })
  set.assign(
    {
      clusterName: 'c',
      endpoints: [
        { locality: { region: 'r' }, loadBalancingWeight: 7, lbEndpoints: [at('10.0.0.1', 80, { loadBalancingWeight: 3 }), at('::1', 80)] },
        {
          priority: 1,
          lbEndpoints: [
            at('10.0.0.1', 80),
            at('10.0.0.2', 80, { healthStatus: 'DRAINING' }),
            at('10.0.0.3', 80, { healthStatus: 'DEGRADED' }),
            { endpoint: { address: { pipe: { path: '/run/s' } } } },
          ],
        },
        { priority: 1, locality: { region: 'empty' }, loadBalancingWeight: 5 },
      ],
    },
    0,
  )
  expect(names(set.all)).toEqual(['10.0.0.1:80', '[::1]:80', '10.0.0.2:80', '10.0.0.3:80', '/run/s'])
  expect(set.get('10.0.0.1:80')).toMatchObject({ weight: 3, priority: 0, locality: { region: 'r' } })
  expect(set.levels[0]!.localities.map(l => l.weight)).toEqual([7])
  expect(set.levels[1]!.localities).toHaveLength(1)
  expect(names(set.levels[1]!.healthy)).toEqual(['/run/s'])
  expect(names(set.levels[1]!.degraded)).toEqual(['10.0.0.3:80'])
})

test('a gap among priorities is an empty one', () => {
  const set = hostSet([{ priority: 2 }])
  expect(set.levels.map(l => l.hosts.length)).toEqual([0, 0, 1])
})

test('endpoints set without weights of localities leave the shares as they were; a new locality weighs what its hosts weigh', () => {
  const set = new HostSet()
  const group = (zone: string, addresses: readonly string[], loadBalancingWeight?: number) => ({
    locality: { zone },
    lbEndpoints: addresses.map(address => ({
      endpoint: { address: { socketAddress: { address, portValue: 80 } } },
      loadBalancingWeight: 2,
    })),
    ...(loadBalancingWeight === undefined ? {} : { loadBalancingWeight }),
  })
  const shares = () => set.levels[0]!.localities.map(l => l.weight)
  set.assign({ clusterName: 'c', endpoints: [group('a', ['1.1.1.1'], 80), group('b', ['1.1.1.2'], 20)] }, 0)
  set.assign(
    { clusterName: 'c', endpoints: [group('a', ['1.1.1.1', '1.1.1.3']), group('b', ['1.1.1.2']), group('new', ['1.1.1.4', '1.1.1.5'])] },
    0,
  )
  expect(shares()).toEqual([80, 20, 4])
})
