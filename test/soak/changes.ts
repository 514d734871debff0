/** Traffic under rules that change all the time: what must hold whatever is applied. The test runs it small, the soak script large. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { seededRandom, virtualClock } from '../../src/testing/index.ts'
import { all, instantTransport } from '../mesh/documents.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

export interface Seen {
  requests: number
  failures: string[]
  applied: number
  /** Whether the endpoint ejected before the first apply was still out after the last. */
  stillEjected: boolean
  /** Requests counted for the cluster that every set names: nothing of them may be lost. */
  counted: number
  connections: number
  timers: number
  clusters: number
  retainedBytes: number[]
}

/** Rules with changing shares, subsets, limits, balancers and endpoints; the service itself is always there. */
function rulesOf(i: number, random: () => number): string {
  const share = Math.floor(random() * 101)
  const subsets = i % 3 === 0 ? ['v1', 'v2'] : i % 3 === 1 ? ['v1', 'v2', 'v3'] : ['v2', 'v1']
  const endpoints = Array.from({ length: 4 + (i % 3) }, (_, n) => `{ address: 10.0.0.${n + 1}, labels: { version: v${(n % 2) + 1} } }`)
  return all(
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a }
spec:
  hosts: [a.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints: [${endpoints.join(', ')}]
`,
    `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a }
spec:
  host: a.test
  trafficPolicy:
    loadBalancer: { simple: ${['ROUND_ROBIN', 'RANDOM', 'LEAST_REQUEST'][i % 3]} }
    connectionPool: { tcp: { maxConnections: ${100 + (i % 7)} }, http: { http1MaxPendingRequests: ${200 + (i % 5)} } }
    outlierDetection: { consecutive5xxErrors: ${5 + (i % 4)}, baseEjectionTime: 1h }
  subsets: [${subsets.map(v => `{ name: ${v}, labels: { version: ${v === 'v3' ? 'v1' : v} } }`).join(', ')}]
`,
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a }
spec:
  hosts: [a.test]
  http:
    - route:
        - { destination: { host: a.test, subset: v1 }, weight: ${share} }
        - { destination: { host: a.test, subset: v2 }, weight: ${100 - share} }
`,
    `apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: a }
spec: { targets: [{ host: a.test }], circuitBreaker: { slidingWindowSize: ${50 + (i % 10)} } }
`,
  )
}

export async function changeUnderLoad({ applies, lanes, seed = 1 }: { applies: number; lanes: number; seed?: number }): Promise<Seen> {
  const random = seededRandom(seed)
  const clock = virtualClock()
  const transport = instantTransport(() => 200)
  const mesh = createMesh({ rules: rulesOf(0, random), clock, random: seededRandom(seed + 1), transport })
  const out = 'outbound|80|v2|a.test'
  mesh.eject(out, '10.0.0.2:80')
  const seen: Seen = {
    requests: 0,
    failures: [],
    applied: 0,
    stillEjected: false,
    counted: 0,
    connections: 0,
    timers: 0,
    clusters: 0,
    retainedBytes: [],
  }
  let over = false
  const lane = async () => {
    while (!over) {
      const response = await mesh.fetch('http://a.test/')
      await response.text()
      seen.requests++
      if (response.status !== 200) seen.failures.push(`${response.status} ${outcomeOf(response)?.flags} ${outcomeOf(response)?.details}`)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  const traffic = Promise.all(Array.from({ length: lanes }, lane))
  for (let i = 1; i <= applies; i++) {
    const result = i % 10 === 0 ? await mesh.rollback(mesh.history()[0]!.version) : await mesh.apply(rulesOf(i, random))
    if (result.accepted) seen.applied++
    await new Promise(resolve => setImmediate(resolve))
    if (i % Math.max(1, Math.floor(applies / 10)) === 0) {
      collect()
      seen.retainedBytes.push(process.memoryUsage().heapUsed)
    }
  }
  over = true
  await traffic
  const { clusters } = mesh.snapshot()
  seen.stillEjected = clusters[out]!.endpoints.find(e => e.address === '10.0.0.2:80')?.health === 'ejected'
  for (const { stats } of Object.values(clusters)) seen.counted += stats['upstream_rq_total']!
  seen.clusters = Object.keys(clusters).length
  await mesh.close()
  seen.connections = transport.open
  seen.timers = clock.pending
  return seen
}
