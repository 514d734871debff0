// 10,000 requests at concurrency 200 while upstreams are killed and restarted: nothing may hang, leak or surprise. `npm run test:soak`.
import { fork } from 'node:child_process'
import http from 'node:http'
import { fileURLToPath } from 'node:url'

if (process.argv[2] === 'upstream') {
  http
    .createServer((request, response) => {
      request.resume()
      request.on('end', () => response.end(request.url === '/large' ? Buffer.alloc(200_000) : 'fine'))
    })
    .listen(Number(process.argv[3]), '127.0.0.1', function () {
      process.send(this.address().port)
    })
} else await soak()

async function soak() {
  const { createMesh, outcomeOf } = await import('meshless')
  const start = port =>
    new Promise(resolve => {
      const child = fork(fileURLToPath(import.meta.url), ['upstream', String(port)])
      child.once('message', at => resolve({ child, port: at }))
    })
  const upstreams = await Promise.all([0, 0, 0].map(start))
  const mesh = createMesh({
    limits: { abandonedBodyTimeout: '200ms' },
    rules: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec:
  hosts: [s.test]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [${upstreams.map(u => `{ address: 127.0.0.1, ports: { http: ${u.port} } }`).join(', ')}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec:
  host: s.test
  trafficPolicy:
    connectionPool: { tcp: { maxConnections: 300 } }
    outlierDetection: { consecutive5xxErrors: 5, interval: 100ms, baseEjectionTime: 200ms, maxEjectionPercent: 60 }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s }
spec:
  hosts: [s.test]
  http: [{ route: [{ destination: { host: s.test } }], timeout: 5s, retries: { attempts: 2, retryOn: "5xx,reset,connect-failure", backoff: 5ms } }]
`,
  })
  const rejected = []
  process.on('unhandledRejection', error => rejected.push(error))
  const told = new Map()
  const count = what => told.set(what, (told.get(what) ?? 0) + 1)
  let left = Number(process.env.REQUESTS ?? 10_000)
  const kinds = [
    () => mesh.fetch('http://s.test/').then(r => r.text().then(() => r)),
    () => mesh.fetch('http://s.test/', { method: 'POST', body: 'x'.repeat(5000) }).then(r => r.json().then(() => r, () => r)),
    () => mesh.fetch('http://s.test/large'),
    () => mesh.fetch('http://s.test/large', { signal: AbortSignal.timeout(5) }).then(r => r.arrayBuffer().then(() => r)),
  ]
  const one = async n => {
    try {
      const response = await kinds[n % kinds.length]()
      count(`${response.status} ${outcomeOf(response).flags}`)
    } catch (error) {
      count(error.name === 'TimeoutError' ? 'aborted' : `threw ${error.message}`)
    }
  }
  const heap = () => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  await Promise.all(Array.from({ length: 200 }, (_, i) => one(i)))
  const before = heap()
  const began = performance.now()
  let running = true
  const chaos = (async () => {
    for (let i = 0; running; i++) {
      const victim = upstreams[i % upstreams.length]
      victim.child.kill('SIGKILL')
      await new Promise(resolve => setTimeout(resolve, 50))
      Object.assign(victim, await start(victim.port))
      await new Promise(resolve => setTimeout(resolve, 150))
    }
  })()
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      while (left > 0) await one(left--)
    }),
  )
  running = false
  await chaos
  const took = performance.now() - began
  await new Promise(resolve => setTimeout(resolve, 600))
  const { stats, endpoints } = mesh.snapshot().clusters['outbound|80||s.test']
  const gauges = {
    upstream_rq_active: stats.upstream_rq_active,
    upstream_rq_pending_active: stats.upstream_rq_pending_active,
    active: endpoints.reduce((sum, e) => sum + e.active, 0),
  }
  const grown = (heap() - before) / 2 ** 20
  for (const { child } of upstreams) child.kill('SIGKILL')
  await mesh.close()
  const envoys = /^(200 |50[234] (URX,)?(UC|UF|UT|UPE|UH|UO)|50[234] URX|aborted)/
  const strange = [...told.keys()].filter(what => !envoys.test(what))
  console.log(Object.fromEntries([...told].sort()), gauges, { seconds: +(took / 1000).toFixed(1), heapGrownMB: +grown.toFixed(1) })
  const faults = [
    ...strange.map(what => `an answer that Envoy would not give: ${what}`),
    ...Object.entries(gauges).flatMap(([name, value]) => (value === 0 ? [] : [`${name} is ${value}`])),
    ...rejected.map(error => `unhandled: ${error}`),
    ...(globalThis.gc !== undefined && grown > 20 ? [`the heap grew by ${grown.toFixed(1)} MB`] : []),
  ]
  for (const fault of faults) console.error(fault)
  process.exit(faults.length === 0 ? 0 : 1)
}
