/** The worker of workerd: `/run?only=…` runs the tests in one request; the other paths share policies and a mesh between requests. */
import { createMesh, fetchTransport } from '../../../src/index.ts'
import { bulkhead, circuitBreaker, timeLimiter } from '../../../src/policies/index.ts'

// Made outside of any request, as workers do it.
const slots = bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: '5s' })
const breaker = circuitBreaker({ waitDurationInOpenState: '100ms', automaticTransitionFromOpenToHalfOpenEnabled: true })
const limit = timeLimiter({ timeoutDuration: 100 })
let mesh: ReturnType<typeof createMesh> | undefined
const empty = createMesh({ transport: fetchTransport() })

const rules = (address: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec: { hosts: [s.test], resolution: STATIC, location: MESH_INTERNAL, ports: [{ number: 80, name: http, protocol: HTTP }], endpoints: [{ address: 127.0.0.1, ports: { http: ${address.split(':')[1]} } }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec:
  host: s.test
  trafficPolicy:
    connectionPool: { tcp: { maxConnections: 1 } }
    outlierDetection: { consecutive5xxErrors: 1, interval: 20ms, baseEjectionTime: 100ms, maxEjectionPercent: 100, minHealthPercent: 0 }
---
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: s }
spec: { targets: [{ host: s.test }], cache: { ttl: 10s, coalesce: true } }
`

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

/** One request each; the driver sends several of them. */
const HANDLERS: Record<string, (url: URL, server: string, request: Request, context: any) => Promise<string>> = {
  async '/global'() {
    return Object.keys(empty.snapshot().clusters).join()
  },
  async '/limit'() {
    return limit.execute(() => new Promise<string>(() => {})).catch((error: any) => error.code as string)
  },
  async '/breaker/open'() {
    breaker.open()
    return breaker.state
  },
  async '/breaker'() {
    void breaker.tryAcquire()?.release()
    await pause(1)
    return breaker.state
  },
  async '/slot'(url) {
    return slots.execute(async () => {
      await pause(Number(url.searchParams.get('ms')))
      return 'had it'
    })
  },
  async '/slot/kept'(_url, _server, _request, context) {
    const work = slots.execute(() => pause(300))
    context.waitUntil(work)
    await work
    return 'had it'
  },
  async '/mesh'(url, server) {
    mesh ??= createMesh({ transport: fetchTransport(), rules: rules(server) })
    const response = await mesh.fetch(`http://s.test${url.searchParams.get('path')}`)
    return `${response.status} ${await response.text()}`
  },
  async '/health'() {
    await pause(1)
    const [endpoint] = mesh!.snapshot().clusters['outbound|80||s.test']!.endpoints
    return `${endpoint!.health} ${endpoint!.active}`
  },
}

const outgoing = (environment: { SERVER: string }) => {
  mesh ??= createMesh({ transport: fetchTransport(), rules: rules(new URL(environment.SERVER).host) })
  return mesh
}

export default {
  async fetch(request: Request, environment: { SERVER: string }, context: any): Promise<Response> {
    const url = new URL(request.url)
    ;(globalThis as any).SERVER = environment.SERVER
    if (url.pathname === '/proxy') return outgoing(environment).fetch(`http://s.test${url.searchParams.get('path')}`)
    const handler = HANDLERS[url.pathname]
    if (handler !== undefined)
      try {
        return new Response(await handler(url, new URL(environment.SERVER).host, request, context))
      } catch (error: any) {
        return new Response(`threw ${error?.stack ?? error}`)
      }
    const { readable, writable } = new TransformStream()
    const writer = writable.getWriter()
    const encoder = new TextEncoder()
    const run = (globalThis as any).runTests(
      (result: unknown) => void writer.write(encoder.encode(`${JSON.stringify(result)}\n`)),
      url.searchParams.get('only') ?? '',
    )
    context.waitUntil(run.then(() => writer.close()))
    return new Response(readable)
  },
}
