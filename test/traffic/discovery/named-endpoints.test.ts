import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import type { Cluster, ClusterLoadAssignment } from '../../../src/envoy/index.ts'
import { NamedEndpoints } from '../../../src/traffic/discovery/named-endpoints.ts'

const named = (...names: string[]): ClusterLoadAssignment => ({
  clusterName: 'c',
  endpoints: [{ lbEndpoints: names.map(address => ({ endpoint: { address: { socketAddress: { address, portValue: 80 } } } })) }],
})
const make = (type: Cluster['type'], zone: Record<string, string[] | Error>) => {
  const clock = virtualClock()
  const asked: string[] = []
  const published: string[][] = []
  const resolver = {
    async resolve(name: string) {
      asked.push(name)
      const answer = zone[name] ?? new Error('NXDOMAIN')
      if (answer instanceof Error) throw answer
      return answer.map(address => ({ address, ttl: 5000 }))
    },
  }
  const names = new NamedEndpoints({ name: 'c', type: type!, respectDnsTtl: true }, { clock, random: () => 0, resolver }, assignment =>
    published.push((assignment.endpoints ?? []).flatMap(g => (g.lbEndpoints ?? []).map(lb => lb.endpoint.address.socketAddress!.address))),
  )
  return { clock, asked, published, names, zone, now: () => published.at(-1) }
}

test('addresses need no look-up, nor do names of a cluster that is not resolved', () => {
  const { names, asked, now } = make('STATIC', {})
  names.assign(named('10.0.0.1', 'name.test'))
  expect([asked, now(), names.warming]).toEqual([[], ['10.0.0.1', 'name.test'], undefined])
})

describe('STRICT_DNS', () => {
  test('every address of every name is an endpoint; other names are never asked for', async () => {
    const { clock, names, asked, now } = make('STRICT_DNS', {
      'a.test': ['1.1.1.1', '1.1.1.2'],
      'b.test': ['2.2.2.2'],
      'c.test': ['3.3.3.3'],
    })
    names.assign(named('a.test', '10.0.0.1', 'b.test'))
    expect(names.warming).toBeDefined()
    await clock.advanceAsync(0)
    expect(now()).toEqual(['1.1.1.1', '1.1.1.2', '10.0.0.1', '2.2.2.2'])
    expect([asked, names.warming]).toEqual([['a.test', 'b.test'], undefined])
  })
  test('a failure keeps what there was, an empty answer does not', async () => {
    const { clock, names, zone, now } = make('STRICT_DNS', { 'a.test': ['1.1.1.1'] })
    names.assign(named('a.test'))
    await clock.advanceAsync(0)
    zone['a.test'] = new Error('SERVFAIL')
    await clock.advanceAsync(5000)
    expect(now()).toEqual(['1.1.1.1'])
    zone['a.test'] = []
    await clock.advanceAsync(60_000)
    expect(now()).toEqual([])
  })
  test('an answer in another order changes nothing', async () => {
    const { clock, names, zone, published } = make('STRICT_DNS', { 'a.test': ['1.1.1.1', '1.1.1.2'] })
    names.assign(named('a.test'))
    await clock.advanceAsync(0)
    zone['a.test'] = ['1.1.1.2', '1.1.1.1']
    await clock.advanceAsync(5000)
    expect(published).toHaveLength(1)
  })
  test('a new assignment keeps the addresses of names it still has, and asks for new ones only', async () => {
    const { clock, names, asked, now } = make('STRICT_DNS', { 'a.test': ['1.1.1.1'], 'b.test': ['2.2.2.2'] })
    names.assign(named('a.test'))
    await clock.advanceAsync(0)
    names.assign(named('a.test', 'b.test'))
    expect(now()).toEqual(['1.1.1.1'])
    await clock.advanceAsync(0)
    expect([now(), asked]).toEqual([
      ['1.1.1.1', '2.2.2.2'],
      ['a.test', 'b.test'],
    ])
    names.assign(named('b.test'))
    await clock.advanceAsync(60_000)
    expect(asked.filter(n => n === 'a.test')).toHaveLength(1)
  })
  test('a name that cannot be resolved settles too: nobody waits for ever', async () => {
    const { clock, names } = make('STRICT_DNS', {})
    names.assign(named('a.test'))
    await clock.advanceAsync(0)
    expect(names.warming).toBeUndefined()
  })
})

test('LOGICAL_DNS is one endpoint, and keeps its address while the name has it', async () => {
  const { clock, names, zone, now } = make('LOGICAL_DNS', { 'a.test': ['1.1.1.1', '1.1.1.2'] })
  names.assign(named('a.test'))
  await clock.advanceAsync(0)
  expect(now()).toEqual(['1.1.1.1'])
  zone['a.test'] = ['1.1.1.2', '1.1.1.1']
  await clock.advanceAsync(5000)
  expect(now()).toEqual(['1.1.1.1'])
  zone['a.test'] = ['1.1.1.3', '1.1.1.2']
  await clock.advanceAsync(5000)
  expect(now()).toEqual(['1.1.1.3'])
})

test('the other addresses of LOGICAL_DNS go along with it', async () => {
  const others: string[][] = []
  const clock = virtualClock()
  let zone = ['1.1.1.1', '1.1.1.2', '1.1.1.3']
  const resolver = { resolve: async () => zone.map(address => ({ address, ttl: 5000 })) }
  const names = new NamedEndpoints(
    { name: 'c', type: 'LOGICAL_DNS', respectDnsTtl: true },
    { clock, random: () => 0, resolver },
    ({ endpoints }) => {
      const { endpoint } = endpoints![0]!.lbEndpoints![0]!
      others.push([endpoint.address, ...(endpoint.additionalAddresses ?? []).map(a => a.address)].map(a => a.socketAddress!.address))
    },
  )
  names.assign(named('a.test'))
  await clock.advanceAsync(0)
  zone = ['1.1.1.3', '1.1.1.1']
  await clock.advanceAsync(5000)
  zone = ['1.1.1.1']
  await clock.advanceAsync(5000)
  expect(others).toEqual([['1.1.1.1', '1.1.1.2', '1.1.1.3'], ['1.1.1.1', '1.1.1.3'], ['1.1.1.1']])
})

test('close stops all watching', async () => {
  const { clock, names } = make('STRICT_DNS', { 'a.test': ['1.1.1.1'] })
  names.assign(named('a.test'))
  await clock.advanceAsync(0)
  names.close()
  expect(clock.pending).toBe(0)
})
