/** Explain: every condition with its verdict, every value with its place. */
import { describe, expect, test } from 'vitest'
import { createMesh } from '../../src/index.ts'
import { virtualClock } from '../../src/testing/index.ts'

const rules = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a }
spec:
  hosts: [a.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints:
    - { address: 10.0.0.1, labels: { version: v1 } }
    - { address: 10.0.0.2, labels: { version: v1 } }
    - { address: 10.0.0.3, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a }
spec:
  host: a.test
  trafficPolicy:
    outlierDetection: { consecutive5xxErrors: 7 }
    connectionPool:
      tcp: { maxConnections: 9 }
  subsets:
    - name: v1
      labels: { version: v1 }
      trafficPolicy:
        loadBalancer: { simple: RANDOM }
    - { name: v2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a }
spec:
  hosts: [a.test]
  http:
    - name: jason
      match: [{ headers: { end-user: { exact: jason } }, uri: { prefix: /x } }]
      route: [{ destination: { host: a.test, subset: v2 } }]
    - name: split
      timeout: 2s
      retries: { attempts: 3, retryOn: 5xx }
      route:
        - { destination: { host: a.test, subset: v1 }, weight: 90 }
        - { destination: { host: a.test, subset: v2 }, weight: 10 }
---
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: a }
spec:
  targets: [{ host: a.test }]
  circuitBreaker: { failureRateThreshold: 30 }
`
const mesh = () => createMesh({ rules, clock: virtualClock() })
const named = (values: { name: string }[]) => Object.fromEntries(values.map(v => [v.name, v]))

describe('explain', () => {
  test('shows every condition of every route tried, to the chosen one', () => {
    const said = mesh().explain({ url: 'http://a.test/x', headers: { 'End-User': 'else' } })
    expect(said.tried).toEqual([
      {
        route: 'jason',
        chosen: false,
        conditions: [
          { text: 'path starts with /x', held: true },
          { text: 'end-user = jason', held: false },
        ],
        rule: { document: 'VirtualService/default/a', path: 'spec.http[0].match[0]', line: 37, column: 15 },
      },
      {
        route: 'split',
        chosen: true,
        conditions: [],
        rule: { document: 'VirtualService/default/a', path: 'spec.http[1]', line: 39, column: 7 },
      },
    ])
    expect(said.verdict).toBe('sent to 90 % outbound|80|v1|a.test, 10 % outbound|80|v2|a.test')
    expect(mesh().explain({ url: 'http://a.test/x', headers: { 'end-user': 'jason' } })).toMatchObject({ route: 'jason' })
  })

  test('names document and line of every value in force', () => {
    const said = mesh().explain({ url: 'http://a.test/' })
    expect(named(said.policy)).toMatchObject({
      timeout: { value: '2s', from: { document: 'VirtualService/default/a', path: 'spec.http[1].timeout', line: 40 } },
      'retries.attempts': { value: 3, from: { line: 41 } },
      'retries.perTryTimeout': { value: 'none', from: "Istio's default" },
    })
    const [v1, v2] = said.destinations
    expect(named(v1!.policy)).toMatchObject({
      'loadBalancer.simple': { value: 'RANDOM', from: { path: 'spec.subsets[0].trafficPolicy.loadBalancer.simple', line: 27 } },
      'outlierDetection.consecutive5xxErrors': {
        value: 7,
        from: { path: 'spec.trafficPolicy.outlierDetection.consecutive5xxErrors', line: 20 },
      },
      'connectionPool.tcp.maxConnections': { value: 9, from: { line: 22 } },
      'circuitBreaker.failureRateThreshold': { value: 30, from: { document: 'ResiliencePolicy/default/a', line: 51 } },
    })
    expect(named(v2!.policy)['loadBalancer.simple']).toMatchObject({ from: "Istio's default" })
  })

  test('says who may answer, and why others may not', () => {
    const m = mesh()
    const why = () => m.explain({ url: 'http://a.test/' }).destinations[0]!.endpoints.map(e => [e.address, e.candidate, e.why])
    m.eject('outbound|80|v1|a.test', '10.0.0.1:80')
    expect(why()[0]![2]).toMatch(/out: ejected/)
    expect(why()[1]).toEqual(['10.0.0.2:80', true, 'in'])
    m.setEndpoints('outbound|80|v1|a.test', [
      { address: '10.0.0.8:80', priority: 0 },
      { address: '10.0.0.9:80', priority: 1 },
      { address: '10.0.0.7:80', priority: 1, health: 'unhealthy' },
    ])
    expect(why()).toEqual([
      ['10.0.0.8:80', true, 'in'],
      ['10.0.0.9:80', false, 'out: priority 0 is healthy enough (100 %)'],
      ['10.0.0.7:80', false, 'out: priority 0 is healthy enough (100 %)'],
    ])
  })

  test('limits with their use, and the state of policies', () => {
    const [v1] = mesh().explain({ url: 'http://a.test/' }).destinations
    expect(v1!.limits).toMatchObject({ connections: { limit: 9, used: 0 } })
    expect(v1!.policies).toMatchObject({ circuitBreaker: { state: 'CLOSED' } })
  })

  test('what nobody speaks of, and what nobody answers', () => {
    expect(mesh().explain({ url: 'http://a.test:81/' })).toMatchObject({ verdict: 'passes ungoverned', route: undefined, tried: [] })
    const none = createMesh({ rules, meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } } })
    expect(none.explain({ url: 'http://a.test:81/' }).verdict).toBe('answered 502')
    expect(() => mesh().explain({ url: 'nowhere' })).toThrow(TypeError)
  })
})
