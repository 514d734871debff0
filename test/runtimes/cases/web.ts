/** The mesh over the runtime's fetch and the policies on its clock, against a real server. `globalThis.SERVER` is its URL. */
import { expect, test } from 'vitest'
import { createMesh, fetchTransport, governFetch, outcomeOf } from '../../../src/index.ts'
import { bulkhead, circuitBreaker, hedge, pipeline, rateLimiter, retry, timeLimiter } from '../../../src/policies/index.ts'

const server = () => (globalThis as unknown as { SERVER: string }).SERVER
const address = () => new URL(server()).host
const [host, port] = [() => '127.0.0.1', () => Number(new URL(server()).port)]
let keys = 0
const key = () => `${Math.random().toString(36).slice(2)}${keys++}`

const mesh = (
  http = '[{ route: [{ destination: { host: s.test } }] }]',
  more = '',
  endpoints = `[{ address: ${host()}, ports: { http: ${port()} } }]`,
) =>
  createMesh({
    transport: fetchTransport(),
    rules: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec: { hosts: [s.test], resolution: STATIC, location: MESH_INTERNAL, ports: [{ number: 80, name: http, protocol: HTTP }], endpoints: ${endpoints} }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s }
spec: { hosts: [s.test], http: ${http} }
${more}`,
  })

test('a request goes to its endpoint, with the headers that rules set', async () => {
  const m = mesh('[{ headers: { request: { set: { x-canary: "yes" } } }, route: [{ destination: { host: s.test } }] }]')
  const response = await m.fetch('http://s.test/echo', { method: 'POST', body: 'hello', headers: { 'content-type': 'text/plain' } })
  expect(await response.json()).toMatchObject({ method: 'POST', path: '/echo', body: 'hello', headers: { 'x-canary': 'yes' } })
  expect(outcomeOf(response)).toMatchObject({ endpoint: address(), details: 'via_upstream', attempts: 1 })
  await m.close()
})

test('a response passes where the platform asks for one of its own, with its headers and its body', async () => {
  const m = mesh()
  const response = await m.fetch('http://s.test/large?bytes=100000')
  const copy = new Response(response.body, response)
  expect([copy.status, (await copy.text()).length]).toEqual([200, 100_000])
  expect([response.url, response instanceof Response]).toEqual(['http://s.test/large?bytes=100000', true])
  const server = (globalThis as any).Deno?.serve ?? (globalThis as any).Bun?.serve
  if (server !== undefined) {
    const running = (globalThis as any).Deno
      ? server({ port: 0, hostname: '127.0.0.1', onListen() {} }, () => m.fetch('http://s.test/large?bytes=1000'))
      : server({ port: 0, hostname: '127.0.0.1', fetch: () => m.fetch('http://s.test/large?bytes=1000') })
    const answer = await fetch(`http://127.0.0.1:${running.addr?.port ?? running.port}/`)
    expect((await answer.text()).length).toBe(1000)
    await (running.shutdown ?? running.stop).call(running)
  }
  await m.close()
})

test('a 503 is retried', async () => {
  const m = mesh('[{ retries: { attempts: 2, retryOn: 5xx, backoff: 1ms }, route: [{ destination: { host: s.test } }] }]')
  const response = await m.fetch(`http://s.test/second?key=${key()}`)
  expect([response.status, await response.text(), outcomeOf(response)!.attempts]).toEqual([200, '2', 2])
  await m.close()
})

test('the route timeout ends a request that hangs', async () => {
  const m = mesh('[{ timeout: 50ms, route: [{ destination: { host: s.test } }] }]')
  const response = await m.fetch('http://s.test/hang')
  expect([response.status, outcomeOf(response)!.flags]).toEqual([504, 'UT'])
  expect(m.snapshot().clusters['outbound|80||s.test']!.stats['upstream_rq_active']).toBe(0)
  await m.close()
})

test('an abort reaches the caller', async () => {
  const m = mesh()
  const controller = new AbortController()
  const response = m.fetch('http://s.test/hang', { signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(response).rejects.toThrow('enough')
  await m.close()
})

test('a large body comes whole, and one that is cut is an error', async () => {
  const m = mesh()
  const whole = await m.fetch('http://s.test/large?bytes=300000')
  expect((await whole.text()).length).toBe(300_000)
  const cut = await m.fetch('http://s.test/cut')
  await expect(cut.text()).rejects.toThrow()
  await m.close()
})

test('an endpoint that nothing listens on is passed over', async () => {
  const m = mesh(
    '[{ retries: { attempts: 3, retryOn: "connect-failure,reset", backoff: 1ms }, route: [{ destination: { host: s.test } }] }]',
    '',
    `[{ address: 127.0.0.1, ports: { http: 10080 } }, { address: 127.0.0.1, ports: { http: ${port()} } }]`,
  )
  for (let i = 0; i < 4; i++) {
    const response = await m.fetch('http://s.test/echo')
    expect(response.status).toBe(200)
    await response.text()
  }
  await m.close()
})

test('an ejected endpoint comes back when its time is over', async () => {
  const m = mesh(
    undefined,
    `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec: { host: s.test, trafficPolicy: { outlierDetection: { consecutive5xxErrors: 1, interval: 10ms, baseEjectionTime: 50ms, maxEjectionPercent: 100, minHealthPercent: 0 } } }
`,
  )
  const ask = async (path: string) => {
    const response = await m.fetch(`http://s.test${path}`)
    await response.text()
    return response.status
  }
  expect(await ask('/status?code=500')).toBe(500)
  expect(m.snapshot().clusters['outbound|80||s.test']!.endpoints[0]!.health).toBe('ejected')
  await expect
    .poll(() => (ask('/echo'), m.snapshot().clusters['outbound|80||s.test']!.endpoints[0]!.health), { timeout: 3000 })
    .toBe('healthy')
  await m.close()
})

test('a pool limit lets requests wait for each other', async () => {
  const m = mesh(
    undefined,
    `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec: { host: s.test, trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } } }
`,
  )
  const statuses = await Promise.all([0, 1, 2].map(async () => (await (await m.fetch('http://s.test/slow?ms=10')).text()) === 'slow'))
  expect(statuses).toEqual([true, true, true])
  await m.close()
})

test('what the transport cannot do is reported', () => {
  const m = mesh(
    undefined,
    `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec: { host: s.test, trafficPolicy: { connectionPool: { tcp: { connectTimeout: 1s } } } }
`,
  )
  expect(JSON.stringify(m.explain({ method: 'GET', url: 'http://s.test/' }))).toMatch(/connect/i)
})

test('fetch under policies', async () => {
  const governed = governFetch(fetch, pipeline(retry({ maxAttempts: 2, waitDuration: 1 }), circuitBreaker(), bulkhead()))
  expect(await (await governed(`${server()}/second?key=${key()}`)).text()).toBe('2')
})

test('policies wait and give up on the clock of the runtime', async () => {
  const began = performance.now()
  await expect(timeLimiter({ timeoutDuration: 30 }).execute(() => new Promise(() => {}))).rejects.toThrow(/30/)
  let tries = 0
  await retry({ maxAttempts: 3, waitDuration: 10 })
    .execute(async () => {
      if (++tries < 3) throw new Error('down')
    })
    .catch(() => {})
  const limiter = rateLimiter({ limitForPeriod: 1, limitRefreshPeriod: 20, timeoutDuration: 1000 })
  await limiter.execute(async () => {})
  await limiter.execute(async () => {})
  expect(await hedge({ delay: 10 }).execute(call => (call.attempt === 1 ? new Promise(() => {}) : Promise.resolve('hedged')))).toBe(
    'hedged',
  )
  const slots = bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: 10 })
  expect(slots.tryAcquire()).toBeDefined()
  await expect(slots.acquire()).rejects.toThrow(/full/)
  // Workers show a time that stands still between requests; the waits pass all the same.
  expect(tries).toBe(3)
  expect(performance.now() - began).toBeGreaterThanOrEqual(0)
})
