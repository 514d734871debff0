/** `mode: 'observe'`: the request goes its own way, and what the rules would have done is said and counted. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { all, policy } from './documents.ts'

let server: http.Server
let port: number
let status = 200
beforeAll(async () => {
  server = http.createServer((_, response) => response.writeHead(status).end('real'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const rules = (http: string, endpoints = '[{ address: 10.255.255.1 }]') => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a }
spec:
  hosts: [127.0.0.1.test, localhost.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: ${port}, name: http, protocol: HTTP }]
  endpoints: ${endpoints}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a }
spec: { hosts: ['127.0.0.1', localhost.test], http: ${http} }
`
const route = '[{ route: [{ destination: { host: localhost.test } }] }]'
// The rules speak of the Host header, the real request goes to the address.
const observed = async (mesh: ReturnType<typeof createMesh>) => {
  const response = await mesh.fetch(`http://127.0.0.1:${port}/`)
  return [response.status, await response.text(), outcomeOf(response)!] as const
}

describe('observing', () => {
  test.each([
    [
      'a fault',
      '[{ fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }, route: [{ destination: { host: localhost.test } }] }]',
      { flags: 'FI', details: 'fault_filter_abort', attempts: 0 },
    ],
    ['a direct response', '[{ directResponse: { status: 404 } }]', { flags: '', details: 'direct_response', attempts: 0 }],
    [
      'no route',
      '[{ match: [{ uri: { prefix: /other } }], route: [{ destination: { host: localhost.test } }] }]',
      { flags: 'NR', details: 'route_not_found' },
    ],
    [
      'an unknown subset',
      '[{ route: [{ destination: { host: localhost.test, subset: v9 } }] }]',
      { flags: 'NC', details: 'cluster_not_found', cluster: '' },
    ],
    ['a destination', route, { flags: '', details: 'via_upstream', attempts: 1, endpoint: expect.stringContaining('10.255.255.1') }],
  ])('%s would have been chosen; the request went ungoverned', async (_, http, outcome) => {
    const mesh = createMesh({ rules: rules(http), mode: 'observe' })
    const [seen, text, said] = await observed(mesh)
    expect([seen, text]).toEqual([200, 'real'])
    expect(said).toMatchObject(outcome)
    await mesh.close()
  })

  test('nobody to ask, and the counters of it', async () => {
    const mesh = createMesh({ rules: rules(route, '[]'), mode: 'observe' })
    expect((await observed(mesh))[2]).toMatchObject({ flags: 'UH', details: 'no_healthy_upstream' })
    expect(mesh.snapshot().clusters[`outbound|${port}||localhost.test`]!.stats).toMatchObject({ upstream_cx_none_healthy: 1 })
  })

  test('a breaker counts real answers and says when it would refuse', async () => {
    const breaker = policy('localhost', 'circuitBreaker: { minimumNumberOfCalls: 2, failureRateThreshold: 50 }')
    const mesh = createMesh({ rules: all(rules(route), breaker), mode: 'observe' })
    status = 500
    for (let i = 0; i < 2; i++) await observed(mesh)
    status = 200
    const [seen, , said] = await observed(mesh)
    expect(seen).toBe(200)
    expect(said).toMatchObject({ details: 'meshless_circuit_open', attempts: 0 })
    expect(mesh.snapshot().clusters[`outbound|${port}||localhost.test`]!.stats).toMatchObject({ upstream_rq_total: 2, upstream_rq_5xx: 2 })
  })

  test('off is neither decided nor counted', async () => {
    const mesh = createMesh({ rules: rules(route), mode: 'off' })
    const response = await mesh.fetch(`http://127.0.0.1:${port}/`)
    expect(outcomeOf(response)).toBeUndefined()
    expect(mesh.snapshot().clusters[`outbound|${port}||localhost.test`]!.stats).toMatchObject({ upstream_rq_total: 0 })
    await response.text()
  })
})
