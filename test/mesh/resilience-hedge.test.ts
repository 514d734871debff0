/** The hedge block: another try beside a slow one, on another host; the first good answer decides and the losers are let go. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createMesh, nodeTransport, outcomeOf } from '../../src/index.ts'
import { type FakeScript, type FakeStep, fakeTransport, virtualClock } from '../../src/testing/index.ts'
import { A, B, NOTHING, world } from '../traffic/engine/world.ts'

const C = '10.0.0.3:80'
const NO_RETRY = 'retries: { attempts: 0 }'

function hedged(
  script: Record<string, FakeScript>,
  block = 'delay: 50ms',
  more: { route?: string; policy?: string; blocks?: string } = {},
) {
  const w = world(script, {
    route: more.route ?? NO_RETRY,
    ...(more.policy !== undefined && { policy: more.policy }),
    resilience: `hedge: { ${block} }${more.blocks ?? ''}`,
  })
  const metrics = () => (w.mesh.snapshot().policies['outbound|80||s.test'] as any).hedge
  const sent = () => w.transport.requests.map(r => r.endpoint)
  return { ...w, metrics, sent }
}

test('a slow try gets another one beside it, on another host; the loser is cancelled and not awaited', async () => {
  const w = hedged({ [A]: 'hang', [B]: { body: 'b', delay: 10 } })
  const { said, text, outcome } = await w.askWithin(61)
  expect([said, text, outcome.endpoint, outcome.durations.headers]).toEqual(['200 - via_upstream 2', 'b', B, 60])
  expect(w.sent()).toEqual([A, B])
  expect(w.held()).toEqual(NOTHING)
  expect(w.stats()).toMatchObject({ upstream_rq_hedge: 1, upstream_rq_hedge_success: 1, upstream_rq_retry: 0, upstream_rq_total: 2 })
  expect(w.metrics()).toMatchObject({ numberOfCalls: 1, numberOfHedgedCalls: 1, numberOfHedges: 1, numberOfCallsWonByHedge: 1, delay: 50 })
})

test('whoever answers in time is not hedged, and leaves no timer', async () => {
  const w = hedged({ [A]: { body: 'a', delay: 49 }, [B]: { body: 'b' } })
  expect((await w.askWithin(49)).said).toBe('200 - via_upstream 1')
  await w.clock.advanceAsync(1000)
  expect(w.sent()).toEqual([A])
})

test('the first one may still win, and names its own endpoint', async () => {
  const w = hedged({ [A]: { body: 'a', delay: 80 }, [B]: 'hang' })
  const { text, outcome } = await w.askWithin(81)
  expect([text, outcome.endpoint, outcome.attempts]).toEqual(['a', A, 2])
  expect(w.held()).toEqual(NOTHING)
  expect(w.stats()).toMatchObject({ upstream_rq_hedge: 1, upstream_rq_hedge_success: 0 })
})

test.each<[string, FakeScript]>([
  ['an answer of 503', { status: 503 }],
  ['a reset', 'reset'],
  ['a refused connection', 'refuse'],
])('a hedge that fails by %s never beats a healthy first try', async (_, script) => {
  const w = hedged({ [A]: { body: 'a', delay: 200 }, [B]: script })
  const { said, text, outcome } = await w.askWithin(201)
  expect([said, text, outcome.endpoint, outcome.error]).toEqual(['200 - via_upstream 2', 'a', A, undefined])
  expect(w.held()).toEqual(NOTHING)
})

test.each<[string, FakeStep]>([
  ['an answer of 503', { status: 503 }],
  ['a reset', 'reset'],
])('a first try that fails by %s waits for the hedge', async (_, step) => {
  const script = () => new Promise<FakeStep>(resolve => w.clock.schedule(70, () => resolve(step)))
  const w = hedged({ [A]: script, [B]: { body: 'b', delay: 100 } })
  const { said, text, outcome } = await w.askWithin(151)
  expect([said, text, outcome.endpoint]).toEqual(['200 - via_upstream 2', 'b', B])
  expect(w.held()).toEqual(NOTHING)
})

test('when all fail the call ends as its first try did, body and all', async () => {
  const w = hedged({ [A]: { status: 503, body: 'first', delay: 70 }, [B]: { status: 500, body: 'second', delay: 100 } })
  const { said, text, outcome } = await w.askWithin(200)
  expect([said, text, outcome.endpoint]).toEqual(['503 - via_upstream 2', 'first', A])
  expect(w.held()).toEqual(NOTHING)
  expect(w.metrics()).toMatchObject({ numberOfFailedCalls: 1 })
  const reset = hedged({ [A]: { status: 503, body: 'first', delay: 70 }, [B]: 'reset' })
  expect((await reset.askWithin(200)).text).toBe('first')
  expect(reset.held()).toEqual(NOTHING)
})

test('then it is tried again as the route says, and hedged again', async () => {
  let n = 0
  const slow = () => (++n <= 2 ? { status: 503, delay: 80 } : { body: 'ok', delay: 10 })
  const w = hedged({ [A]: slow, [B]: slow }, 'delay: 50ms', { route: 'retries: { attempts: 1, retryOn: "5xx" }' })
  const { said } = await w.askWithin(500)
  expect(said).toBe('200 - via_upstream 3')
  expect(w.held()).toEqual(NOTHING)
  expect(w.stats()).toMatchObject({ upstream_rq_hedge: 1, upstream_rq_retry: 1 })
})

test('as many as allowed, each on a host of its own', async () => {
  let n = 0
  const third = () => (++n < 3 ? ('hang' as const) : { body: 'third', delay: 5 })
  const w = hedged({ [A]: third, [B]: third, [C]: third }, 'delay: 50ms, maxHedgedRequests: 2')
  const { said, text } = await w.askWithin(500)
  expect([said, text, new Set(w.sent()).size]).toEqual(['200 - via_upstream 3', 'third', 3])
  expect(w.held()).toEqual(NOTHING)
  const one = hedged({ [A]: 'hang', [B]: 'hang', [C]: 'hang' }, 'delay: 50ms', { route: `${NO_RETRY}, timeout: 1s` })
  expect((await one.askWithin(1001)).said).toBe('504 UT response_timeout 2')
  expect(one.held()).toEqual(NOTHING)
})

test.each(['RANDOM', 'LEAST_REQUEST'])('elsewhere, however %s chooses', async simple => {
  const w = hedged({ [A]: { delay: 60 }, [B]: { delay: 60 } }, 'delay: 50ms', { policy: `{ loadBalancer: { simple: ${simple} } }` })
  for (let i = 0; i < 50; i++) await w.askWithin(61)
  for (let i = 0; i < 100; i += 2) expect(new Set(w.sent().slice(i, i + 2)).size).toBe(2)
})

test('hedges and retries share one budget', async () => {
  const w = hedged({ [A]: 'hang', [B]: { body: 'b', delay: 100 } }, 'delay: 50ms', {
    policy: '{ loadBalancer: { simple: ROUND_ROBIN }, connectionPool: { http: { maxRetries: 1 } } }',
    route: `${NO_RETRY}, timeout: 1s`,
  })
  const both = Promise.all([w.ask('/1'), w.ask('/2'), w.ask('/3')])
  await w.clock.advanceAsync(60)
  expect(w.held().retries).toBe(1)
  await w.clock.advanceAsync(1000)
  await both
  expect(w.stats()).toMatchObject({ upstream_rq_hedge: 1 })
  expect(w.stats()['upstream_rq_hedge_overflow']).toBeGreaterThan(0)
  expect(w.metrics()).toMatchObject({ numberOfRefusedHedges: w.stats()['upstream_rq_hedge_overflow'] })
  expect(w.held()).toEqual(NOTHING)
})

test('what may not be sent twice is not hedged', async () => {
  const slow = { [A]: { body: 'a', delay: 200 }, [B]: { body: 'b', delay: 200 } }
  const post = hedged(slow)
  expect((await post.askWithin(201, '/', { method: 'POST', body: 'x' })).outcome.attempts).toBe(1)
  const put = hedged(slow)
  expect((await put.askWithin(300, '/', { method: 'PUT', body: 'x' })).outcome.attempts).toBe(2)
  expect(put.transport.requests.map(r => r.body)).toEqual(['x', 'x'])
  const stream = () => new Response('x').body!
  const streamed = hedged(slow)
  expect((await streamed.askWithin(300, '/', { method: 'PUT', body: stream(), duplex: 'half' } as RequestInit)).outcome.attempts).toBe(1)
  const chosen = hedged(slow, 'delay: 50ms, methods: [POST]')
  expect((await chosen.askWithin(300, '/', { method: 'POST', body: 'x' })).outcome.attempts).toBe(2)
})

test('a quantile of what calls took of late', async () => {
  let delay = 20
  const w = hedged({ [A]: () => ({ delay }), [B]: () => ({ delay }) }, 'delay: { quantile: 0.9, minimumNumberOfCalls: 5 }')
  delay = 2000
  expect((await w.askWithin(2001)).outcome.attempts).toBe(1) // nothing is known yet
  delay = 20
  for (let i = 0; i < 40; i++) await w.askWithin(21)
  delay = 1000
  expect((await w.askWithin(1100)).outcome.attempts).toBe(2)
  expect(w.metrics().delay).toBeLessThan(30)
})

test('a hedge stands under the policies of its cluster: refused, it changes nothing; lost, it is no failure', async () => {
  const full = hedged({ [A]: { body: 'a', delay: 200 }, [B]: { body: 'b' } }, 'delay: 50ms', {
    blocks: ', bulkhead: { maxConcurrentCalls: 1 }',
  })
  expect((await full.askWithin(201)).said).toBe('200 - via_upstream 1')
  expect(full.sent()).toEqual([A])
  const lost = hedged({ [A]: 'hang', [B]: { body: 'b' } }, 'delay: 50ms', {
    blocks: ', circuitBreaker: { minimumNumberOfCalls: 1 }, bulkhead: { maxConcurrentCalls: 5 }',
  })
  expect((await lost.askWithin(60)).outcome.endpoint).toBe(B)
  const { circuitBreaker, bulkhead } = lost.mesh.snapshot().policies['outbound|80||s.test'] as any
  expect([circuitBreaker.numberOfFailedCalls, circuitBreaker.numberOfBufferedCalls]).toEqual([0, 1])
  expect(bulkhead.availableConcurrentCalls).toBe(5)
  expect(lost.held()).toEqual(NOTHING)
})

test('a caller who leaves takes all tries along; a route timeout ends all', async () => {
  const w = hedged({ [A]: 'hang', [B]: 'hang' })
  const caller = new AbortController()
  const asked = w.ask('/', { signal: caller.signal })
  asked.catch(() => {})
  await w.clock.advanceAsync(60)
  expect(w.held()).toMatchObject({ requests: 2, active: 2, retries: 1 })
  caller.abort(new Error('gone'))
  await expect(asked).rejects.toThrow('gone')
  await w.clock.advanceAsync(1)
  expect(w.held()).toEqual(NOTHING)
})

test('a host alone is asked twice', async () => {
  const w = hedged({ [A]: ['hang', { body: 'a' }] as FakeScript })
  expect((await w.askWithin(60)).said).toBe('200 - via_upstream 2')
  expect(w.held()).toEqual(NOTHING)
})

test('on real sockets: the loser is cut, and nothing is left open', async () => {
  const open = new Set<ServerResponse>()
  const started = async (name: string, ms: number): Promise<Server> => {
    const server = createServer((request, response) => {
      open.add(response)
      response.on('close', () => open.delete(response))
      if (ms !== Infinity) setTimeout(() => response.end(name), ms)
      request.resume()
    })
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    return server
  }
  const slow = await started('slow', Infinity)
  const fast = await started('fast', 0)
  const at = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`
  const connectTo = { [A]: at(slow), [B]: at(fast) }
  const rules = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec: { hosts: [s.test], resolution: STATIC, ports: [{ number: 80, name: http, protocol: HTTP }], endpoints: [{ address: 10.0.0.1 }, { address: 10.0.0.2 }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec: { host: s.test, trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } } }
---
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: s }
spec: { targets: [{ host: s.test }], hedge: { delay: 10ms } }
`
  const mesh = createMesh({ rules, transport: nodeTransport({ connectTo }) })
  try {
    for (let i = 0; i < 4; i++) {
      const response = await mesh.fetch('http://s.test/')
      expect(await response.text()).toBe('fast')
      expect(outcomeOf(response)!.endpoint).toBe(B)
    }
    await expect.poll(() => [...open], { timeout: 10_000 }).toEqual([]) // a try that got no connection in time is seen by no server
    const { stats, endpoints } = mesh.snapshot().clusters['outbound|80||s.test']!
    expect([stats['upstream_rq_active'], endpoints.map(e => e.active)]).toEqual([0, [0, 0]])
    expect(stats['upstream_rq_hedge']).toBeGreaterThan(0)
  } finally {
    await mesh.close()
    for (const server of [slow, fast]) {
      server.closeAllConnections()
      server.close()
    }
  }
})

test.each(['', ', bulkhead: { maxConcurrentCalls: 9 }'])(
  'each try says which one it is, though the first one still connects when the next begins%s',
  async blocks => {
    const clock = virtualClock()
    const transport = fakeTransport({ [A]: { delay: 100 }, [B]: { delay: 100 } }, { clock, connectDelay: 80 })
    const w = world({ [A]: {}, [B]: {} }, { route: NO_RETRY, resilience: `hedge: { delay: 50ms }${blocks}`, options: { clock, transport } })
    const asked = w.ask()
    await clock.advanceAsync(400)
    expect((await asked).said).toBe('200 - via_upstream 2')
    expect(transport.requests.map(r => [r.endpoint, r.headers['x-envoy-attempt-count']])).toEqual([
      [A, '1'],
      [B, '2'],
    ])
  },
)
