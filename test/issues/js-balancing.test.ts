/** JS34 and JS36: balancing and outlier ejection in undici and grpc-js. */
import { expect, test } from 'vitest'
import { createMesh, outlierDetector } from '../../src/index.ts'
import { type FakeScript, fakeTransport, seededRandom, virtualClock } from '../../src/testing/index.ts'

const [A, B] = ['10.0.0.1:80', '10.0.0.2:80']

function meshOver(script: Record<string, FakeScript>, trafficPolicy: object) {
  const clock = virtualClock()
  const transport = fakeTransport(script, { clock })
  const mesh = createMesh({
    clock,
    transport,
    random: seededRandom(34),
    rules: [
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'ServiceEntry',
        metadata: { name: 's' },
        spec: {
          hosts: ['s.test'],
          ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
          resolution: 'STATIC',
          endpoints: [{ address: '10.0.0.1' }, { address: '10.0.0.2' }],
        },
      },
      { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 's' }, spec: { host: 's.test', trafficPolicy } },
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: 's' },
        spec: { hosts: ['s.test'], http: [{ route: [{ destination: { host: 's.test' } }], retries: { attempts: 0 } }] },
      },
    ],
  })
  const get = async () => {
    const response = await mesh.fetch('http://s.test/')
    await response.text()
    return response.status
  }
  return { transport, get }
}

test('JS34: a host that answers 500 is left out, instead of keeping half of the traffic', async () => {
  const { transport, get } = meshOver(
    { [A]: { status: 500 }, [B]: {} },
    { outlierDetection: { consecutive5xxErrors: 3, baseEjectionTime: '60s', maxEjectionPercent: 100 } },
  )
  const seen: number[] = []
  for (let i = 0; i < 50; i++) seen.push(await get())
  expect(seen.filter(status => status === 500)).toHaveLength(3)
  expect(transport.requests.filter(request => request.endpoint === A)).toHaveLength(3)
})

test('JS34: with one connection each, requests do not hang after both hosts refused once', async () => {
  const { transport, get } = meshOver({ [A]: 'refuse', [B]: 'refuse' }, { connectionPool: { tcp: { maxConnections: 1 } } })
  expect([await get(), await get()]).toEqual([503, 503])
  transport.script(A, {})
  transport.script(B, {})
  const after: number[] = []
  for (let i = 0; i < 8; i++) after.push(await get())
  expect(after).toEqual(Array(8).fill(200))
})

test('JS36: an unknown host is not ejected, and a host that two rules condemn at once is ejected once', () => {
  const detector = outlierDetector(
    { consecutive5xxErrors: 2, consecutiveGatewayErrors: 2, baseEjectionTime: '10s', interval: '1s', maxEjectionPercent: 100 },
    { hosts: [A, B] },
  )
  expect(detector.isEjected('10.9.9.9:80')).toBe(false)
  const until: number[] = []
  detector.on('ejection', event => until.push(event.until))
  for (let i = 0; i < 4; i++) detector.report(A, { status: 503 }, 100)
  expect(until).toHaveLength(1)
  expect(detector.isEjected(A)).toBe(true)
  detector.advance(12_000) // one base time and a sweep, not two
  expect([detector.isEjected(A), detector.isEjected(B)]).toEqual([false, false])
})
