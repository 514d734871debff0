import { expect, test } from 'vitest'
import { virtualClock } from '../../../../src/base/time/virtual-clock.ts'
import { Host } from '../../../../src/traffic/upstream/host.ts'
import { ClusterPools } from '../../../../src/traffic/upstream/pool/cluster-pools.ts'
import { FakeWire } from '../support.ts'

test('names that traffic brings are bounded: the oldest gives its connections up, what runs on them ends first', () => {
  const wire = new FakeWire()
  const pools = new ClusterPools({ name: 'c' }, wire, virtualClock())
  const host = new Host('10.0.0.1:443', {}, undefined, 0, 1)
  const ends: string[] = []
  const ask = (name: string) => {
    pools.of(host, name).acquire({
      ready: lease =>
        void lease.send({} as any, { response() {}, reset: reason => ends.push(reason), complete: () => ends.push('complete') }),
      rejected: reason => ends.push(reason),
    })
    const connection = wire.connections.at(-1)!
    connection.connect()
    return connection
  }
  const running = ask('running.test')
  const idle = ask('idle.test')
  ;[...idle.streams][0]!.complete()
  const first = pools.of(host, 'running.test')
  for (let i = 0; i < 1000; i++) pools.of(host, `${i}.test`)
  expect(pools.limits.connections.used).toBe(1)
  expect(pools.of(host, 'running.test')).not.toBe(first)
  ;[...running.streams][0]!.complete()
  expect([ends, pools.limits.connections.used]).toEqual([['complete', 'complete'], 0])
})
