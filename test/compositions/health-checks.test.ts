/** Active health checks in a mesh, beside what the rules say: who fails them is asked by nobody, and the first request waits for the first check. */
import { expect, test } from 'vitest'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import { createMesh } from '../../src/index.ts'
import { FakeWire } from '../traffic/upstream/support.ts'

const RULES = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [reviews.test]
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints: [{ address: 10.0.0.1 }, { address: 10.0.0.2 }]
`

test('endpoints are in when they have passed, out when they fail, and the counters say so', async () => {
  const clock = virtualClock()
  const wire = new FakeWire()
  const mesh = createMesh({
    rules: RULES,
    clock,
    transport: wire,
    discovery: { unlisted: 'none' },
    clusters: { 'reviews.test': { healthChecks: [{ interval: '5s', unhealthyThreshold: 1, httpHealthCheck: { path: '/up' } }] } },
  })
  const cluster = () => mesh.snapshot().clusters['outbound|80||reviews.test']!
  const health = () => cluster().endpoints.map(e => e.health)
  expect(health()).toEqual(['unhealthy', 'unhealthy'])
  const ready = mesh.ready()
  for (const [i, status] of [200, 503].entries()) {
    const connection = wire.connections[i]!
    connection.connect()
    const [stream] = [...connection.streams]
    expect(stream!.request).toMatchObject({ path: '/up', authority: 'reviews.test' })
    stream!.respond(status)
    stream!.complete()
  }
  await ready
  expect(health()).toEqual(['healthy', 'unhealthy'])
  expect(cluster().stats).toMatchObject({
    membership_total: 2,
    membership_healthy: 1,
    'health_check.attempt': 2,
    'health_check.failure': 1,
  })
  clock.advance(5000)
  wire.connections[0]!.close()
  expect(health()).toEqual(['unhealthy', 'unhealthy'])
  await mesh.close()
  expect(wire.open).toHaveLength(0)
})

test('wrong settings are refused at construction', () => {
  expect(() => createMesh({ clusters: { 'reviews.test': { healthChecks: [{ interval: 'soon' }] } } })).toThrow(
    /interval: "soon" is not a duration/,
  )
})
