import { expect, test } from 'vitest'
import { DynamicHosts } from '../../src/mesh/dynamic-hosts.ts'

const setup = (max: number) => {
  const closed: string[] = []
  const retired: string[] = []
  const busy = new Set<string>()
  const hosts = new DynamicHosts(
    max,
    name =>
      ({
        get busy() {
          return busy.has(name)
        },
        close: () => closed.push(name),
      }) as any,
    name => retired.push(name),
  )
  return { hosts, closed, retired, busy }
}

test('the host not used for longest goes first, and one in use is only retired', () => {
  const { hosts, closed, retired, busy } = setup(2)
  const key = (name: string) => `PassthroughCluster|http|${name}|80`
  hosts.get('http', 'a', 80)
  hosts.get('http', 'b', 80)
  hosts.get('http', 'a', 80)
  hosts.get('http', 'c', 80)
  expect(closed).toEqual([key('b')])
  busy.add(key('a'))
  hosts.get('http', 'd:80', 80)
  expect(retired).toEqual([key('a')])
  expect([...hosts.all.keys()]).toEqual([key('c'), key('d')])
})
