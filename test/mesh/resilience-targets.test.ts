/** Which ResiliencePolicy acts on a request: by route, by host, by subset; block by block. */
import { expect, test } from 'vitest'
import { outcomeOf } from '../../src/index.ts'
import { all, policy, service, virtual } from './documents.ts'
import { meshOf } from './resilient.ts'

const ROUTED = virtual(
  's',
  `[
    { name: orders, match: [{ uri: { prefix: /orders } }], route: [{ destination: { host: s.test } }], retries: { attempts: 0 } },
    { name: rest, route: [{ destination: { host: s.test } }], retries: { attempts: 0 } } ]`,
)
const ofRoute = (name: string, blocks: string) => `
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: of-${name} }
spec: { targets: [{ route: ${name} }], ${blocks} }
`
const CLUSTER = 'outbound|80||s.test'

const STRICT = 'rateLimiter: { limitForPeriod: 1, limitRefreshPeriod: 100s, timeoutDuration: 0s }'

test('a block for a route acts on that route alone, and over that of the host', async () => {
  const rules = all(
    service('s', 1),
    ROUTED,
    policy('s', 'rateLimiter: { limitForPeriod: 3, limitRefreshPeriod: 100s, timeoutDuration: 0s }'),
  )
  const { ask } = meshOf(all(rules, ofRoute('orders', STRICT)), { '10.0.0.1:80': {} })
  expect([await ask('/orders'), await ask('/orders')]).toEqual(['200 via_upstream', '429 meshless_rate_limited'])
  expect([await ask('/a'), await ask('/a'), await ask('/a'), await ask('/a')]).toEqual([
    '200 via_upstream',
    '200 via_upstream',
    '200 via_upstream',
    '429 meshless_rate_limited',
  ])
})

test('per block: what a route does not say is the one of the host, with the same state', async () => {
  const bulkhead = 'bulkhead: { maxConcurrentCalls: 1, maxWaitDuration: 0s }'
  const rules = all(service('s', 1), ROUTED, policy('s', bulkhead), ofRoute('orders', STRICT))
  const { ask, mesh } = meshOf(rules, { '10.0.0.1:80': 'hang' })
  mesh.fetch('http://s.test/else').catch(() => {})
  expect(await ask('/orders')).toBe('503 meshless_bulkhead_full')
})

test('a breaker of destinations is one for all routes; with scope: route each route has its own', async () => {
  const breaker = (scope: string) =>
    policy('s', `circuitBreaker: { minimumNumberOfCalls: 1, slidingWindowSize: 1, failureRateThreshold: 50, scope: ${scope} }`)
  const script = { '10.0.0.1:80': (r: { path: string }) => ({ status: r.path.startsWith('/orders') ? 500 : 200 }) }
  const shared = meshOf(all(service('s', 1), ROUTED, breaker('destination')), script)
  expect([await shared.ask('/orders'), await shared.ask('/a')]).toEqual(['500 via_upstream', '503 meshless_circuit_open'])
  const apart = meshOf(all(service('s', 1), ROUTED, breaker('route')), script)
  expect([await apart.ask('/orders'), await apart.ask('/orders'), await apart.ask('/a')]).toEqual([
    '500 via_upstream',
    '503 meshless_circuit_open',
    '200 via_upstream',
  ])
  const keys = Object.keys(apart.mesh.snapshot().policies)
  expect(keys).toEqual([`${CLUSTER} of route s.test:80|orders`, `${CLUSTER} of route s.test:80|rest`])
  expect(apart.mesh.breaker(keys[0]!).state).toBe('OPEN')
  apart.mesh.breaker(keys[0]!).close()
  expect(await apart.ask('/orders')).toBe('500 via_upstream')
})

test('a breaker of a route is shared by the clusters that the route leads to', async () => {
  const rules = all(
    service('s', 1),
    service('t', 1, 9),
    virtual(
      's',
      '[{ name: split, retries: { attempts: 0 }, route: [{ destination: { host: s.test }, weight: 50 }, { destination: { host: t.test }, weight: 50 }] }]',
    ),
    ofRoute('split', 'circuitBreaker: { minimumNumberOfCalls: 4, slidingWindowSize: 4, scope: route }'),
  )
  const { ask, mesh } = meshOf(rules, { '10.0.0.1:80': { status: 500 }, '10.0.0.9:80': { status: 500 } })
  const said = []
  for (let i = 0; i < 6; i++) said.push(await ask('/'))
  expect(said).toEqual([...Array(4).fill('500 via_upstream'), ...Array(2).fill('503 meshless_circuit_open')])
  expect(Object.keys(mesh.snapshot().policies).length).toBe(2)
})

test('apply keeps what a route has counted, and explain names the document and line of each block', async () => {
  const rules = (limit: number) =>
    all(service('s', 1), ROUTED, policy('s', STRICT), ofRoute('orders', `circuitBreaker: { minimumNumberOfCalls: ${limit}, scope: route }`))
  const { ask, mesh } = meshOf(rules(7), { '10.0.0.1:80': {} })
  await ask('/orders')
  expect((await mesh.apply(rules(9))).accepted).toBe(true)
  const key = `${CLUSTER} of route s.test:80|orders`
  expect(mesh.snapshot().policies[key]).toMatchObject({ circuitBreaker: { numberOfBufferedCalls: 1 } })
  const [destination] = mesh.explain({ url: 'http://s.test/orders' }).destinations
  expect(destination!.policies).toMatchObject({ circuitBreaker: { state: 'CLOSED' }, rateLimiter: {} })
  const from = (name: string) => destination!.policy.find(v => v.name === name)?.from
  expect(from('circuitBreaker.minimumNumberOfCalls')).toMatchObject({
    document: 'ResiliencePolicy/default/of-orders',
    line: expect.any(Number),
  })
  expect(from('rateLimiter.limitForPeriod')).toMatchObject({ document: 'ResiliencePolicy/default/s', line: expect.any(Number) })
  expect(mesh.explain({ url: 'http://s.test/a' }).destinations[0]!.policies).not.toHaveProperty('circuitBreaker')
})

const limit = (n: number) => `rateLimiter: { limitForPeriod: ${n}, limitRefreshPeriod: 100s, timeoutDuration: 0s }`
const of = (name: string, target: string, blocks: string) => `
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: ${name} }
spec: { targets: [${target}], ${blocks} }
`
const passed = async (...documents: string[]) => {
  const { ask } = meshOf(all(service('s', 1), ROUTED, ...documents), { '10.0.0.1:80': {} })
  for (let n = 0; ; n++) if ((await ask('/a')).startsWith('429')) return n
}

test('a host goes before a wildcard, and any wildcard before "*"', async () => {
  const any = of('any', '"*"', limit(1))
  const short = of('short', '{ host: "*.test" }', limit(2))
  const port = of('port', '{ host: "*.test", port: 80 }', limit(4))
  const host = of('host', '{ host: s.test }', limit(5))
  const other = of('other', '{ host: "*.else" }', limit(6))
  expect(await passed(any, other)).toBe(1)
  expect(await passed(short, any, other)).toBe(2)
  expect(await passed(any, short, port)).toBe(4)
  expect(await passed(port, any, host, short)).toBe(5)
})

test('the longer wildcard of two', async () => {
  const named = (host: string) => all(service('s', 1).replaceAll('s.test', host), virtual('s').replaceAll('s.test', host))
  const { mesh, clock } = meshOf(
    all(named('a.b.test'), of('short', '{ host: "*.test" }', limit(1)), of('long', '{ host: "*.b.test" }', limit(2))),
    { '10.0.0.1:80': {} },
  )
  const statuses: number[] = []
  for (let i = 0; i < 3; i++) {
    const asked = mesh.fetch('http://a.b.test/')
    await clock.advanceAsync(1)
    statuses.push((await asked).status)
  }
  expect(statuses).toEqual([200, 200, 429])
})

test('two policies for the same target: the first counts, block by block, and a warning says so, whoever brought them', async () => {
  const { mesh, ask } = meshOf(
    all(service('s', 1), ROUTED, of('one', '{ host: s.test }', limit(1)), of('two', '{ host: s.test }', limit(9))),
    {
      '10.0.0.1:80': {},
    },
  )
  expect([await ask('/a'), await ask('/a')]).toEqual(['200 via_upstream', '429 meshless_rate_limited'])
  const warned = () => mesh.diagnostics.filter(d => d.code === 'duplicate-target')
  expect(warned()).toMatchObject([{ severity: 'warning', name: 'two', path: 'spec.targets[0]' }])
  expect((await mesh.patch(of('three', '{ host: s.test }', 'bulkhead: { maxConcurrentCalls: 1 }'))).accepted).toBe(true)
  expect(warned().length).toBe(1)
  const changed = await mesh.patch(of('three', '{ host: s.test }', limit(3)))
  expect(changed).toMatchObject({ accepted: true, warnings: expect.arrayContaining([expect.objectContaining({ name: 'three' })]) })
})

test('"*" and wildcards reach hosts that only traffic brings, each on its own; a change of the rules reaches them too', async () => {
  const { mesh, clock } = meshOf(of('any', '"*"', limit(1)), {
    '10.0.0.1:80': {},
    '10.0.0.2:80': {},
  })
  const ask = async (host: string) => {
    const asked = mesh.fetch(`http://${host}/`)
    asked.catch(() => {})
    await clock.advanceAsync(1)
    return (await asked).status
  }
  expect([await ask('10.0.0.1'), await ask('10.0.0.1'), await ask('10.0.0.2')]).toEqual([200, 429, 200])
  const key = 'PassthroughCluster|http|10.0.0.1|80'
  expect(mesh.snapshot().policies).toMatchObject({ [key]: { rateLimiter: {} } })
  expect((await mesh.apply(of('any', '"*"', 'fallback: { directResponse: { status: 202 } }'))).accepted).toBe(true)
  expect([await ask('10.0.0.1'), await ask('10.0.0.3')]).toEqual([200, 202])
})

test('"*" gives hosts that only traffic brings a cache, which they share; explain names the policies before and after they were asked', async () => {
  const { mesh, transport, clock } = meshOf(of('any', '"*"', 'cache: { ttl: 10s, maxEntries: 2 }'), { '*': { body: 'a' } })
  const ask = async (host: string) => {
    const asked = mesh.fetch(`http://${host}/`)
    await clock.advanceAsync(1)
    const response = await asked
    await response.text()
    return `${outcomeOf(response)!.details} ${outcomeOf(response)!.cluster}`
  }
  const told = () => mesh.explain({ url: 'http://10.0.0.1/' }).destinations
  expect(told()).toMatchObject([
    {
      cluster: 'PassthroughCluster',
      percent: 100,
      names: ['10.0.0.1:80'],
      policy: [
        { name: 'cache.ttl', value: '10s', from: { document: 'ResiliencePolicy/default/any', path: 'spec.cache.ttl' } },
        { name: 'cache.maxEntries', value: 2 },
      ],
    },
  ])
  expect([await ask('10.0.0.1'), await ask('10.0.0.1'), await ask('10.0.0.2')]).toEqual([
    'via_upstream PassthroughCluster',
    'meshless_cache_hit PassthroughCluster',
    'via_upstream PassthroughCluster',
  ])
  expect(transport.requests.length).toBe(2)
  expect(told()).toMatchObject([{ policies: { cache: { numberOfHits: 1, numberOfMisses: 2 } } }])
  await ask('10.0.0.3') // the third of two
  expect(await ask('10.0.0.1')).toBe('via_upstream PassthroughCluster')
  await mesh.apply(of('any', '"*"', 'cache: { ttl: 10s, maxEntries: 2 }, bulkhead: { maxConcurrentCalls: 9 }'))
  expect(await ask('10.0.0.1')).toBe('meshless_cache_hit PassthroughCluster')
})

test('a route that sends others to a host that no rule names has their policies as well', async () => {
  const { mesh, clock } = meshOf(all(service('s', 1), of('any', '"*"', 'cache: { ttl: 10s }')), { '*': { body: 'a' } })
  const ask = async () => {
    const asked = mesh.fetch('http://10.0.0.7/')
    await clock.advanceAsync(1)
    return outcomeOf(await asked)!.details
  }
  expect([await ask(), await ask()]).toEqual(['via_upstream', 'meshless_cache_hit'])
})
