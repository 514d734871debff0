/** The vertical slice on real sockets: Istio YAML governs HTTP on loopback. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import axios from 'axios'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMesh, outcomeOf, RuleError } from '../../src/index.ts'

const servers: http.Server[] = []
const ports: number[] = []

beforeAll(async () => {
  for (const version of ['v1', 'v2']) {
    const server = http.createServer((request, response) => {
      let body = ''
      request.on('data', chunk => {
        body += chunk
      })
      request.on('end', () => {
        const status = Number(new URL(request.url!, 'http://x').searchParams.get('status') ?? 200)
        response.writeHead(status, { 'content-type': 'application/json', 'x-version': version })
        response.end(status === 204 ? undefined : JSON.stringify({ version, method: request.method, host: request.headers.host, body }))
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    servers.push(server)
    ports.push((server.address() as AddressInfo).port)
  }
})
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

const services = () => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [reviews.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints:
    - { address: 127.0.0.1, ports: { http: ${ports[0]} }, labels: { version: v1 } }
    - { address: 127.0.0.1, ports: { http: ${ports[1]} }, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews.test
  trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } }
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`
const route = (http: string) => `${services()}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews.test]
  http:
${http}
`

describe('a governed request', () => {
  test('goes where the rules say, and says how it went', async () => {
    const mesh = createMesh({ rules: route('    - route: [{ destination: { host: reviews.test, subset: v2 } }]') })
    const response = await mesh.fetch('http://reviews.test/x', { method: 'POST', body: 'hello' })
    expect(await response.json()).toEqual({ version: 'v2', method: 'POST', host: 'reviews.test', body: 'hello' })
    expect(outcomeOf(response)).toMatchObject({
      flags: '',
      details: 'via_upstream',
      cluster: 'outbound|80|v2|reviews.test',
      endpoint: `127.0.0.1:${ports[1]}`,
      attempts: 1,
    })
    expect(response).toBeInstanceOf(Response)
    await mesh.close()
  })

  test('takes turns, and follows an apply at once', async () => {
    const mesh = createMesh({ rules: services() })
    const seen = new Set<string | null>()
    for (let i = 0; i < 2; i++) seen.add((await mesh.fetch('http://reviews.test/')).headers.get('x-version'))
    expect(seen).toEqual(new Set(['v1', 'v2']))
    const applied = await mesh.apply(route('    - route: [{ destination: { host: reviews.test, subset: v1 } }]'))
    expect(applied.accepted).toBe(true)
    for (let i = 0; i < 4; i++) expect((await mesh.fetch('http://reviews.test/')).headers.get('x-version')).toBe('v1')
    await mesh.close()
  })

  test('a wrong set changes nothing and names every fault with its place', async () => {
    const mesh = createMesh({ rules: route('    - route: [{ destination: { host: reviews.test, subset: v1 } }]') })
    const refused = await mesh.apply(
      route('    - timeout: soon\n      match: [{ uri: { regex: "(" } }]\n      route: [{ destination: { host: reviews.test } }]'),
    )
    expect(refused.accepted).toBe(false)
    if (!refused.accepted) {
      expect(refused.errors.length).toBeGreaterThanOrEqual(2)
      for (const error of refused.errors) expect(error.line).toBeGreaterThan(0)
    }
    expect((await mesh.fetch('http://reviews.test/')).headers.get('x-version')).toBe('v1')
    expect(() =>
      createMesh({ rules: 'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: x }\nspec: { hosts: [] }' }),
    ).toThrow(RuleError)
    await mesh.close()
  })

  test('a header formatter that we lack is a fault of the rules', async () => {
    const mesh = createMesh({ rules: services() })
    const refused = await mesh.apply(
      route('    - route: [{ destination: { host: reviews.test } }]\n      headers: { request: { set: { x-a: "%HOSTNAME%" } } }'),
    )
    expect(refused).toMatchObject({ accepted: false, errors: [{ code: 'unknown-formatter', line: expect.any(Number) }] })
    await mesh.close()
  })

  test('local replies are those of Envoy', async () => {
    const mesh = createMesh({
      rules: route(`    - match: [{ uri: { prefix: /fault } }]
      fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }
      route: [{ destination: { host: reviews.test } }]
    - match: [{ uri: { prefix: /nowhere } }]
      route: [{ destination: { host: reviews.test, subset: v9 } }]
    - match: [{ uri: { prefix: /ok } }]
      route: [{ destination: { host: reviews.test } }]`),
    })
    const ask = async (path: string) => {
      const response = await mesh.fetch(`http://reviews.test${path}`)
      return [response.status, await response.text(), outcomeOf(response)!.flags]
    }
    expect(await ask('/fault')).toEqual([418, 'fault filter abort', 'FI'])
    expect(await ask('/nowhere')).toEqual([503, '', 'NC'])
    expect(await ask('/else')).toEqual([404, '', 'NR'])
    await mesh.close()
  })

  test('retries go on until the answer is good or the tries are used up', async () => {
    const mesh = createMesh({
      rules: route('    - route: [{ destination: { host: reviews.test } }]\n      retries: { attempts: 2, retryOn: 5xx, backoff: 1ms }'),
    })
    const response = await mesh.fetch('http://reviews.test/?status=503')
    await response.text()
    expect(outcomeOf(response)).toMatchObject({ flags: 'URX', attempts: 3 })
    await mesh.close()
  })

  test('after the bodies are read every gauge is back at zero', async () => {
    const mesh = createMesh({ rules: services() })
    await Promise.all(Array.from({ length: 50 }, async () => (await mesh.fetch('http://reviews.test/')).text()))
    await new Promise(resolve => setImmediate(resolve))
    const { stats, endpoints } = mesh.snapshot().clusters['outbound|80||reviews.test']!
    expect(stats).toMatchObject({ upstream_rq_total: 50, upstream_rq_active: 0, upstream_rq_pending_active: 0 })
    expect(endpoints.map(e => e.active)).toEqual([0, 0])
    await mesh.close()
  })

  test('the caller’s abort comes back as it is', async () => {
    const mesh = createMesh({ rules: services() })
    const reason = new Error('enough')
    await expect(mesh.fetch('http://reviews.test/', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await mesh.close()
  })
})

describe('other doors', () => {
  test('axios goes through the mesh', async () => {
    const mesh = createMesh({ rules: route('    - route: [{ destination: { host: reviews.test, subset: v1 } }]') })
    const client = axios.create({ adapter: mesh.axios() })
    const { data, status } = await client.post('http://reviews.test/a', { b: 1 })
    expect([status, data.version, data.body]).toEqual([200, 'v1', '{"b":1}'])
    await expect(client.get('http://reviews.test/?status=404')).rejects.toMatchObject({ isAxiosError: true, response: { status: 404 } })
    await mesh.close()
  })

  test('explain names route, cluster and endpoints', () => {
    const mesh = createMesh({ rules: route('    - name: main\n      route: [{ destination: { host: reviews.test, subset: v1 } }]') })
    const said = mesh.explain({ url: 'http://reviews.test/x' })
    expect(said.route).toBe('main')
    expect(said.destinations).toMatchObject([
      { cluster: 'outbound|80|v1|reviews.test', percent: 100, endpoints: [{ address: `127.0.0.1:${ports[0]}`, why: 'in' }] },
    ])
  })

  test('an endpoint can be ejected by hand and taken back', async () => {
    const mesh = createMesh({ rules: services() })
    const key = 'reviews.test||80'
    mesh.eject(key, `127.0.0.1:${ports[0]}`)
    for (let i = 0; i < 4; i++) expect((await mesh.fetch('http://reviews.test/')).headers.get('x-version')).toBe('v2')
    mesh.uneject(key, `127.0.0.1:${ports[0]}`)
    expect(mesh.snapshot().clusters['outbound|80||reviews.test']!.endpoints.map(e => e.health)).toEqual(['healthy', 'healthy'])
    await mesh.close()
  })
})
