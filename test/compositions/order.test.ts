/** The order of a call, pair by pair: what ORDER says comes first is seen to come first. */
import { describe, expect, test } from 'vitest'
import { ORDER, type Position } from '../../src/traffic/engine/order.ts'
import { A, B, NOTHING, world } from '../traffic/engine/world.ts'

const seen: [Position, Position][] = []
const before = (first: Position, second: Position, what: string, run: () => Promise<void>) => {
  seen.push([first, second])
  test(`${first} before ${second}: ${what}`, run)
}
const abort = (status = 503) => `fault: { abort: { httpStatus: ${status}, percentage: { value: 100 } } }`
const policyOf = (w: ReturnType<typeof world>) => JSON.parse(JSON.stringify(Object.values(w.mesh.snapshot().policies)[0] ?? {}))

describe('the order of a call', () => {
  before('match', 'destination', 'who has no route has no destination', async () => {
    const w = world({ [A]: {} }, { route: 'match: [{ uri: { prefix: /only } }], route: [{ destination: { host: s.test } }]' })
    const { outcome } = await w.ask('/else')
    expect([outcome.details, outcome.cluster]).toEqual(['route_not_found', ''])
  })
  before('destination', 'fallback', 'the fallback is that of the destination', async () => {
    const w = world(
      { [A]: { status: 503 } },
      { resilience: 'fallback: { directResponse: { status: 200, body: { string: "[]" } } }', route: 'retries: { attempts: 0 }' },
    )
    const { text, outcome } = await w.ask()
    expect([text, outcome.details, outcome.cluster]).toEqual(['[]', 'meshless_fallback', 'outbound|80||s.test'])
  })
  before('fallback', 'fault', 'an injected abort is answered by the fallback', async () => {
    const w = world({ [A]: {} }, { resilience: 'fallback: { directResponse: { status: 200, body: { string: "[]" } } }', route: abort() })
    expect((await w.ask()).said).toBe('200 FI meshless_fallback 0')
    expect(w.transport.requests).toEqual([])
  })
  const to = 'route: [{ destination: { host: s.test } }]'
  before('fallback', 'cache', 'what the fallback says is not kept', async () => {
    const w = world(
      { [A]: [{ status: 503 }, { body: 'a' }] },
      { resilience: 'cache: { ttl: 10s }, fallback: { directResponse: { body: { string: f } } }', route: 'retries: { attempts: 0 }' },
    )
    expect([(await w.ask()).text, (await w.ask()).text]).toEqual(['f', 'a'])
  })
  before('cache', 'fault', 'a hit meets no fault', async () => {
    const faulty = `match: [{ headers: { x-faulty: { exact: "1" } } }], ${abort()}, ${to} }, { ${to}`
    const w = world({ [A]: { body: 'a' } }, { resilience: 'cache: { ttl: 10s }', route: faulty })
    expect((await w.ask()).said).toBe('200 - via_upstream 1')
    expect((await w.ask('/', { headers: { 'x-faulty': '1' } })).said).toBe('200 - meshless_cache_hit 0')
    expect((await w.ask('/other', { headers: { 'x-faulty': '1' } })).said).toBe('503 FI fault_filter_abort 0')
  })
  before('fault', 'reply', 'an abort hits a redirect too', async () => {
    const w = world({ [A]: {} }, { route: `match: [{ uri: { prefix: / } }], ${abort()}, route: [{ destination: { host: s.test } }]` })
    expect((await w.ask()).said).toBe('503 FI fault_filter_abort 0')
  })
  before('fault', 'mirror', 'an aborted request is not copied', async () => {
    const w = world({ [A]: {} }, { route: `mirror: { host: s.test }, ${abort()}` })
    await w.ask()
    expect(w.transport.requests).toEqual([])
  })
  before('fault', 'routeTimeout', 'a delay is no part of the timeout', async () => {
    const w = world({ [A]: {} }, { route: 'timeout: 100ms, fault: { delay: { fixedDelay: 1s, percentage: { value: 100 } } }' })
    expect((await w.askWithin(1100)).said).toBe('200 DI via_upstream 1')
  })
  before('fault', 'retry', 'an abort is retried by nobody', async () => {
    expect((await world({ [A]: {} }, { route: `${abort()}, retries: { attempts: 3, retryOn: "5xx" }` }).ask()).said).toBe(
      '503 FI fault_filter_abort 0',
    )
  })
  before('fault', 'circuitBreaker', 'an abort is charged to nobody', async () => {
    const w = world({ [A]: {} }, { route: abort(), resilience: 'circuitBreaker: { minimumNumberOfCalls: 1 }' })
    await w.ask()
    expect(policyOf(w).circuitBreaker.numberOfBufferedCalls).toBe(0)
  })
  before('reply', 'rewrite', 'a redirect starts from what was asked', async () => {
    const w = world({ [A]: {} }, { route: 'match: [{ uri: { prefix: /a } }], redirect: { authority: n.test }' })
    const response = await w.mesh.fetch('http://s.test/a/b', { redirect: 'manual' })
    expect(response.headers.get('location')).toBe('http://n.test/a/b')
  })
  before('rewrite', 'mirror', 'the copy is rewritten as well', async () => {
    const w = world({ [A]: {} }, { route: 'rewrite: { uri: /new }, mirror: { host: s.test }' })
    await w.askWithin(1)
    expect(w.transport.requests.map(r => r.path)).toEqual(['/new', '/new'])
  })
  before('mirror', 'retry', 'copied once, however often it is tried', async () => {
    const w = world({ [A]: { status: 503 } }, { route: 'mirror: { host: s.test }, retries: { attempts: 2, retryOn: "5xx" }' })
    await w.askWithin(1000)
    expect(w.transport.requests.length).toBe(1 + 3)
  })
  before('routeTimeout', 'retry', 'it bounds all tries and the waits between them', async () => {
    const w = world({ [A]: { status: 503, delay: 400 } }, { route: 'timeout: 1s, retries: { attempts: 9, retryOn: "5xx" }' })
    expect((await w.askWithin(1100)).said).toMatch(/^504 UT response_timeout [23]$/)
    expect(w.held()).toEqual(NOTHING)
  })
  before('retry', 'circuitBreaker', 'every try is counted', async () => {
    const w = world(
      { [A]: { status: 503 } },
      { route: 'retries: { attempts: 2, retryOn: "5xx" }', resilience: 'circuitBreaker: { minimumNumberOfCalls: 10 }' },
    )
    await w.askWithin(1000)
    expect(policyOf(w).circuitBreaker.numberOfFailedCalls).toBe(3)
  })
  const hedge = 'hedge: { delay: 50ms }'
  before('retry', 'circuitBreaker', 'a hedge is a try as any other: counted by itself', async () => {
    const w = world(
      { [A]: { delay: 80 }, [B]: { status: 500, delay: 10 } },
      { resilience: `${hedge}, circuitBreaker: { minimumNumberOfCalls: 10 }`, route: 'retries: { attempts: 0 }' },
    )
    expect((await w.askWithin(100)).said).toBe('200 - via_upstream 2')
    expect(policyOf(w).circuitBreaker).toMatchObject({ numberOfSuccessfulCalls: 1, numberOfFailedCalls: 1 })
  })
  before('retry', 'bulkhead', 'a hedge needs a slot of its own, and one that gets none harms nobody', async () => {
    const w = world({ [A]: { delay: 80 }, [B]: {} }, { resilience: `${hedge}, bulkhead: { maxConcurrentCalls: 1 }` })
    expect((await w.askWithin(100)).said).toBe('200 - via_upstream 1')
    expect(w.transport.requests.map(r => r.endpoint)).toEqual([A])
  })
  before('retry', 'endpoint', 'a hedge goes elsewhere', async () => {
    const w = world({ [A]: { delay: 80 }, [B]: { delay: 10 } }, { resilience: hedge })
    expect((await w.askWithin(100)).outcome.endpoint).toBe(B)
  })
  before('routeTimeout', 'retry', 'it ends hedges as well', async () => {
    const w = world({ [A]: 'hang', [B]: 'hang' }, { resilience: hedge, route: 'timeout: 200ms, retries: { attempts: 0 }' })
    expect((await w.askWithin(200)).said).toBe('504 UT response_timeout 2')
    expect(w.held()).toEqual(NOTHING)
  })
  before('mirror', 'retry', 'copied once, however many hedges there are', async () => {
    const w = world({ [A]: { delay: 80 }, [B]: { delay: 80 } }, { resilience: hedge, route: 'mirror: { host: s.test }' })
    await w.askWithin(200)
    expect(w.transport.requests.length).toBe(1 + 2)
  })
  before('cache', 'retry', 'a hit is not hedged', async () => {
    const w = world({ [A]: { delay: 10 } }, { resilience: `${hedge}, cache: { ttl: 10s }` })
    await w.askWithin(20)
    expect((await w.askWithin(200)).outcome.details).toBe('meshless_cache_hit')
    expect(w.transport.requests.length).toBe(1)
  })
  before('circuitBreaker', 'rateLimiter', 'an open breaker costs no token', async () => {
    const w = world(
      { [A]: {} },
      {
        resilience:
          'circuitBreaker: { minimumNumberOfCalls: 1 }, rateLimiter: { limitForPeriod: 1, limitRefreshPeriod: 100s, timeoutDuration: 0s }',
      },
    )
    ;(w.mesh.breaker('s.test||80') as { forceOpen(): void }).forceOpen()
    expect((await w.ask()).outcome.details).toBe('meshless_circuit_open')
    ;(w.mesh.breaker('s.test||80') as { close(): void }).close()
    expect((await w.askWithin(1)).said).toBe('200 - via_upstream 1')
    expect((await w.askWithin(1)).outcome.details).toBe('meshless_rate_limited')
  })
  before('rateLimiter', 'timeLimiter', 'the wait for a token is not limited', async () => {
    const w = world(
      { [A]: {} },
      {
        resilience:
          'rateLimiter: { limitForPeriod: 1, limitRefreshPeriod: 5s, timeoutDuration: 10s }, timeLimiter: { timeoutDuration: 1s }',
      },
    )
    await w.askWithin(1)
    expect((await w.askWithin(6000)).said).toBe('200 - via_upstream 1')
  })
  before('timeLimiter', 'bulkhead', 'the wait for a slot is', async () => {
    const w = world(
      { [A]: 'hang' },
      {
        resilience: 'timeLimiter: { timeoutDuration: 1s }, bulkhead: { maxConcurrentCalls: 1, maxWaitDuration: 100s }',
        route: 'retries: { attempts: 0 }',
      },
    )
    const both = Promise.all([w.ask('/1'), w.ask('/2')])
    await w.clock.advanceAsync(1001)
    expect((await both).map(a => a.said)).toEqual(['504 UT meshless_time_limit 1', '504 UT meshless_time_limit 1'])
    expect(w.held()).toEqual(NOTHING)
  })
  before('bulkhead', 'endpoint', 'who finds it full chooses nobody', async () => {
    const w = world({ [A]: 'hang' }, { resilience: 'bulkhead: { maxConcurrentCalls: 1 }' })
    const first = w.ask('/1')
    first.catch(() => {})
    await w.clock.advanceAsync(1)
    const { outcome } = await w.ask('/2')
    expect([outcome.details, outcome.endpoint]).toEqual(['meshless_bulkhead_full', ''])
  })
  before('retry', 'endpoint', 'a retry may go elsewhere', async () => {
    const w = world({ [A]: { status: 503 }, [B]: { status: 503 } }, { route: 'retries: { attempts: 1, retryOn: "5xx" }' })
    await w.askWithin(500)
    expect(w.transport.requests.map(r => r.endpoint).sort()).toEqual([A, B])
  })
  before('endpoint', 'pool', "the chosen host's pool decides: it is named though it refused", async () => {
    const w = world({ [A]: 'hang' }, { policy: '{ connectionPool: { http: { http1MaxPendingRequests: 1 }, tcp: { maxConnections: 1 } } }' })
    const running = [w.ask('/1'), w.ask('/2')]
    for (const r of running) r.catch(() => {})
    await w.clock.advanceAsync(1)
    const third = w.ask('/3')
    third.catch(() => {})
    const { outcome } = await w.ask('/4')
    expect([outcome.flags, outcome.endpoint]).toEqual(['UO', A])
  })
  before('pool', 'perTryTimeout', 'a try has its time from its connection on', async () => {
    const w = world(
      { [A]: { delay: 800 } },
      {
        policy: '{ connectionPool: { tcp: { maxConnections: 1 } } }',
        route: 'retries: { attempts: 1, perTryTimeout: 1s, retryOn: "5xx" }',
      },
    )
    const both = Promise.all([w.ask('/1'), w.ask('/2')])
    await w.clock.advanceAsync(2000)
    expect((await both).map(a => a.said)).toEqual(['200 - via_upstream 1', '200 - via_upstream 1'])
  })
  before('perTryTimeout', 'send', 'the upstream is told how long the try has', async () => {
    const w = world({ [A]: {} }, { route: 'timeout: 9s, retries: { attempts: 1, perTryTimeout: 2s }' })
    await w.askWithin(1)
    expect(w.transport.requests[0]!.headers['x-envoy-expected-rq-timeout-ms']).toBe('2000')
  })
  before('send', 'outlier', 'each try is reported to its own host', async () => {
    const w = world(
      { [A]: { status: 503 }, [B]: {} },
      {
        policy: '{ loadBalancer: { simple: ROUND_ROBIN }, outlierDetection: { consecutive5xxErrors: 2, maxEjectionPercent: 100 } }',
        route: 'retries: { attempts: 1, retryOn: "5xx" }',
      },
    )
    for (let i = 0; i < 4; i++) expect((await w.askWithin(500)).response.status).toBe(200)
    const health = Object.fromEntries(w.mesh.snapshot().clusters['outbound|80||s.test']!.endpoints.map(e => [e.address, e.health]))
    expect(health).toEqual({ [A]: 'ejected', [B]: 'healthy' })
  })

  test('the pairs are in the order of the page, and speak of every position on it', () => {
    const positions = ORDER.map(([name]) => name)
    for (const [first, second] of seen)
      expect(positions.indexOf(first), `${first} before ${second}`).toBeLessThan(positions.indexOf(second))
    expect(positions.filter(p => !seen.flat().includes(p))).toEqual([])
  })
})
