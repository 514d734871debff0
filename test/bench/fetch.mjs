// Governed mesh.fetch (retries, outlier detection, pool limits, 90:10) against global fetch, undici.request and bare node:http on the same servers.
import { fork } from 'node:child_process'
import http from 'node:http'
import { request } from 'undici'
import { createMesh } from '../../dist/index.js'
import { median, printed, row } from './measure.mjs'

const BODY = Buffer.from(JSON.stringify({ text: 'x'.repeat(1000) }))

if (process.argv[2] === 'server') {
  const server = http.createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length }).end(BODY)
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
}

const rules = ports => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [reviews.test]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  location: MESH_INTERNAL
  endpoints:
  - { address: 127.0.0.1, ports: { http: ${ports[0]} }, labels: { version: v1 } }
  - { address: 127.0.0.1, ports: { http: ${ports[1]} }, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews.test
  trafficPolicy:
    connectionPool: { tcp: { maxConnections: 100 }, http: { http1MaxPendingRequests: 1000, http2MaxRequests: 1000 } }
    outlierDetection: { consecutive5xxErrors: 5, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 100 }
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews.test]
  http:
  - route:
    - { destination: { host: reviews.test, subset: v1 }, weight: 90 }
    - { destination: { host: reviews.test, subset: v2 }, weight: 10 }
    retries: { attempts: 2, retryOn: '5xx,reset,connect-failure' }
`

export default async function rows({ requests = 3000, rounds = 7, concurrency = 16 } = {}) {
  const servers = [0, 1].map(() => fork(new URL(import.meta.url), ['server']))
  const ports = await Promise.all(servers.map(server => new Promise(resolve => server.once('message', resolve))))
  const mesh = createMesh({ rules: rules(ports) })
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency })
  const direct = `http://127.0.0.1:${ports[0]}/reviews/1`
  const subjects = {
    mesh: async () => (await mesh.fetch('http://reviews.test/reviews/1')).text(),
    fetch: async () => (await fetch(direct)).text(),
    undici: async () => (await request(direct)).body.text(),
    http: () =>
      new Promise((resolve, reject) => {
        http
          .get(direct, { agent }, response => {
            let text = ''
            response.setEncoding('utf8').on('data', part => (text += part))
            response.on('end', () => resolve(text))
          })
          .on('error', reject)
      }),
  }
  const round = async subject => {
    let left = requests
    const started = performance.now()
    const before = process.cpuUsage()
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (left-- > 0) await subject()
      }),
    )
    const { user, system } = process.cpuUsage(before)
    return { rate: requests / (performance.now() - started), cpu: (user + system) / requests }
  }
  const alone = { mesh: [], fetch: [], undici: [], http: [] }
  const oneByOne = async () => {
    for (const [name, times] of Object.entries(alone)) {
      const started = performance.now()
      await subjects[name]()
      times.push(1000 * (performance.now() - started))
    }
  }
  const taken = Object.fromEntries(Object.keys(subjects).map(name => [name, []]))
  try {
    for (const subject of Object.values(subjects)) await round(subject)
    for (let i = 0; i < rounds; i++) for (const [name, subject] of Object.entries(subjects)) taken[name].push(await round(subject))
    for (let i = 0; i < 2 * requests; i++) await oneByOne()
  } finally {
    await mesh.close()
    agent.destroy()
    for (const server of servers) server.kill()
  }
  const of = (name, figure) => median(taken[name].map(t => t[figure]))
  const rate = of('mesh', 'rate') / of('fetch', 'rate')
  const cpu = of('mesh', 'cpu') / of('fetch', 'cpu')
  const beside = of('mesh', 'cpu') / of('undici', 'cpu')
  const p50 = name => median(alone[name].slice(requests))
  const added = name => `${(p50('mesh') - p50(name)).toFixed(0)} us beside ${name}`
  const old = Number(process.versions.node.split('.')[0]) < 22
  return [
    row(
      `governed mesh.fetch against global fetch, GET 1 kB, concurrency ${concurrency}, Node ${process.versions.node}`,
      `${rate.toFixed(2)}x the requests/s at ${cpu.toFixed(2)}x the CPU (${of('mesh', 'cpu').toFixed(0)} us)`,
      old ? '>= 2.5x at <= 0.3x' : '>= 2x at <= 0.4x',
      old ? rate >= 2.5 && cpu <= 0.3 : rate >= 2 && cpu <= 0.4,
    ),
    row('… against undici.request', `${beside.toFixed(2)}x the CPU`, '<= 1.2x', beside <= 1.2),
    row('… against bare node:http', `${(of('mesh', 'cpu') / of('http', 'cpu')).toFixed(2)}x the CPU`, ''),
    row(
      'what it adds to a request sent alone, p50 (a hop through a real Envoy on loopback: 150 us)',
      `${added('fetch')} (${p50('mesh').toFixed(0)} us in all), ${added('http')}, ${added('undici')}`,
      '<= 8 us beside fetch',
      p50('mesh') - p50('fetch') <= 8,
    ),
  ]
}
if (process.argv[2] !== 'server') await printed(rows, import.meta)
