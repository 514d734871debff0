/** Endpoints set by hand are placed as the rules place their own: near and far, by labels, by shares. */
import { describe, expect, test } from 'vitest'
import { createMesh } from '../../src/index.ts'
import { MeshCore } from '../../src/mesh/mesh.ts'
import { fakeTransport, virtualClock } from '../../src/testing/index.ts'

const C = 'outbound|80||s.test'
const outliers = 'outlierDetection: { consecutive5xxErrors: 1, baseEjectionTime: 60s, maxEjectionPercent: 100 }'
const policy = (locality: string, rest = `, ${outliers}`) =>
  `{ loadBalancer: { simple: ROUND_ROBIN, localityLbSetting: ${locality} }${rest} }`

const rules = (trafficPolicy: string, endpoints = '[{ address: 10.9.9.9 }]', annotations = '{}') => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s, annotations: ${annotations} }
spec: { hosts: [s.test], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: STATIC, endpoints: ${endpoints} }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec: { host: s.test, trafficPolicy: ${trafficPolicy} }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s }
spec: { hosts: [s.test], http: [{ route: [{ destination: { host: s.test } }], retries: { attempts: 0 } }] }
`

function running(text: string, script: Record<string, any> = {}) {
  const clock = virtualClock()
  const transport = fakeTransport({ ...script, '*': { body: 'ok' } }, { clock })
  const workload = { locality: 'eu/eu-1/a', labels: { version: 'v1' } }
  const mesh = createMesh({ clock, transport, rules: text, workload, random: seeded() })
  const ask = async (times: number) => {
    const from = transport.requests.length
    for (let i = 0; i < times; i++) {
      const response = mesh.fetch('http://s.test/')
      await clock.advanceAsync(1)
      await (await response).text()
    }
    const seen: Record<string, number> = {}
    for (const { endpoint } of transport.requests.slice(from)) seen[endpoint] = (seen[endpoint] ?? 0) + 1
    return seen
  }
  const priorities = () => Object.fromEntries(mesh.snapshot().clusters[C]!.endpoints.map(e => [e.address, e.priority]))
  return { mesh, clock, ask, priorities }
}

/** Always the same numbers. */
function seeded(): () => number {
  let state = 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

const at = (address: string, locality: string, labels: Record<string, string> = {}) => ({ address: `${address}:80`, locality, labels })
const [EU, EU2, US, AP] = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80', '10.0.0.4:80'] as const
const everywhere = [at('10.0.0.1', 'eu/eu-1/a'), at('10.0.0.2', 'eu/eu-2/a'), at('10.0.0.3', 'us/us-1/a'), at('10.0.0.4', 'ap/ap-1/a')]

describe('setEndpoints and localities', () => {
  test('when the near ones are ejected the next take over, in the order of the failover', async () => {
    const { mesh, clock, ask, priorities } = running(rules(policy('{ failover: [{ from: eu, to: us }] }')), {
      [EU]: { status: 500, body: 'no' },
      [EU2]: { status: 500, body: 'no' },
    })
    mesh.setEndpoints(C, everywhere)
    expect(priorities()).toEqual({ [EU]: 0, [EU2]: 1, [US]: 2, [AP]: 3 })
    expect(await ask(1)).toEqual({ [EU]: 1 })
    expect(await ask(1)).toEqual({ [EU2]: 1 })
    expect(await ask(5)).toEqual({ [US]: 5 })
    await clock.advanceAsync(200_000)
    expect(await ask(1)).toEqual({ [EU]: 1 })
  })

  test('labels decide with failoverPriority, those of the place among them', () => {
    const { mesh, priorities } = running(rules(policy('{ failoverPriority: [topology.kubernetes.io/region, version] }')))
    mesh.setEndpoints(C, [
      at('10.0.0.1', 'eu/eu-1/a', { version: 'v2' }),
      at('10.0.0.2', 'eu/eu-2/a', { version: 'v1' }),
      at('10.0.0.3', 'us/us-1/a', { version: 'v1' }),
    ])
    expect(priorities()).toEqual({ [EU]: 1, [EU2]: 0, [US]: 2 })
  })

  test('distribute gives shares, and nothing to a locality that it leaves out', async () => {
    const { mesh, ask, priorities } = running(rules(policy('{ distribute: [{ from: eu/*, to: { eu/eu-1/*: 75, us/*: 25 } }] }', '')))
    mesh.setEndpoints(C, everywhere)
    expect(priorities()).toEqual({ [EU]: 0, [US]: 0 })
    const seen = await ask(400)
    expect(seen[EU]).toBe(300)
    expect(seen[US]).toBe(100)
  })

  test('a priority on one of them decides for all', () => {
    const { mesh, priorities } = running(rules(policy('{ failover: [{ from: eu, to: us }] }')))
    mesh.setEndpoints(C, [{ ...everywhere[0]!, priority: 1 }, everywhere[2]!])
    expect(priorities()).toEqual({ [EU]: 1, [US]: 0 })
    mesh.setEndpoints(
      C,
      everywhere.map(endpoint => ({ ...endpoint, priority: 0 })),
    )
    expect(priorities()).toEqual({ [EU]: 0, [EU2]: 0, [US]: 0, [AP]: 0 })
  })

  test.each([
    ['without outlier detection', policy('{ failover: [{ from: eu, to: us }] }', '')],
    ['switched off', policy('{ enabled: false, failover: [{ from: eu, to: us }] }')],
  ])('%s they are equally near', (_what, trafficPolicy) => {
    const { mesh, priorities } = running(rules(trafficPolicy))
    mesh.setEndpoints(C, everywhere)
    expect(priorities()).toEqual({ [EU]: 0, [EU2]: 0, [US]: 0, [AP]: 0 })
  })

  test('an annotation of the service counts without outlier detection', () => {
    const annotation = '{ networking.istio.io/traffic-distribution: PreferClose }'
    const { mesh, priorities } = running(rules('{ loadBalancer: { simple: ROUND_ROBIN } }', '[{ address: 10.9.9.9 }]', annotation))
    mesh.setEndpoints(C, everywhere)
    expect(priorities()).toEqual({ [EU]: 0, [EU2]: 1, [US]: 2, [AP]: 2 })
  })

  test('changed rules place the same endpoints anew', async () => {
    const { mesh, priorities } = running(rules('{ loadBalancer: { simple: ROUND_ROBIN } }'))
    mesh.setEndpoints(C, everywhere)
    expect(priorities()).toEqual({ [EU]: 0, [EU2]: 0, [US]: 0, [AP]: 0 })
    const next = rules(policy('{ failover: [{ from: eu, to: ap }] }'))
    expect(mesh.plan(next).changes.clusters.find(c => c.cluster === C)!.fields).toContain('priorities of the endpoints set by hand')
    await mesh.apply(next)
    expect(priorities()).toEqual({ [EU]: 0, [EU2]: 1, [AP]: 2, [US]: 3 })
    await mesh.apply(rules(policy('{ failover: [{ from: eu, to: us }] }')))
    expect(priorities()).toEqual({ [EU]: 0, [EU2]: 1, [US]: 2, [AP]: 3 })
    await mesh.apply(rules('{ loadBalancer: { simple: ROUND_ROBIN } }'))
    expect(priorities()).toEqual({ [EU]: 0, [EU2]: 0, [US]: 0, [AP]: 0 })
  })

  test('another weight for one of them changes nothing else, now and under the next rules', async () => {
    const options = { clock: virtualClock(), workload: { locality: 'eu/eu-1/a' } }
    const core = new MeshCore({ ...options, rules: rules(policy('{ failover: [{ from: eu, to: us }] }')) }, fakeTransport({}))
    const seen = () => core.cluster(C).hosts().map(({ address, priority, weight }) => [address, priority, weight]) // biome-ignore format: short
    core.setEndpoints(C, everywhere)
    core.setWeight(C, US, 7)
    expect(seen().sort()).toEqual([[EU, 0, 1], [EU2, 1, 1], [US, 2, 7], [AP, 3, 1]]) // biome-ignore format: short
    await core.rules.apply(rules(policy('{ failover: [{ from: eu, to: ap }] }')))
    expect(seen().sort()).toEqual([[EU, 0, 1], [EU2, 1, 1], [US, 3, 7], [AP, 2, 1]]) // biome-ignore format: short
  })

  test.each([
    '{ failover: [{ from: eu, to: us }] }',
    '{ failoverPriority: [topology.kubernetes.io/region, version] }',
    '{ failoverPriority: ["version=v2"], failover: [{ from: eu, to: ap }] }',
    '{ distribute: [{ from: "*", to: { eu/*: 60, us/*: 40 } }] }',
    '{}',
  ])('they stand where the same endpoints of a ServiceEntry would: %s', setting => {
    const some = everywhere.map((endpoint, i) => ({ ...endpoint, labels: { version: `v${1 + (i % 2)}` } }))
    const listed = some.map(({ address, locality, labels }) => ({ address: address.slice(0, -3), locality, labels }))
    const byRules = running(rules(policy(setting), JSON.stringify(listed)))
    const byHand = running(rules(policy(setting)))
    byHand.mesh.setEndpoints(C, [...some].reverse())
    const seen = (of: typeof byRules) => of.mesh.snapshot().clusters[C]!.endpoints.map(({ address, priority }) => [address, priority])
    expect(seen(byHand)).toEqual(seen(byRules))
    expect(seen(byHand).length).toBeGreaterThan(1)
  })
})
