/** Neighbours of what was recorded: the same rules of Envoy in other combinations, on scripted upstreams and a virtual clock. */
import { describe, expect, test } from 'vitest'
import { fakeTransport, virtualClock } from '../../../src/testing/index.ts'
import { A, B, NOTHING, world } from './world.ts'

const NO_SUBSET = '{ loadBalancer: { simple: ROUND_ROBIN } }, subsets: [{ name: none, labels: { no: body } }]'

describe('timeouts, retries and faults together', () => {
  test('a clock with fractions adds nothing to the time that is told', async () => {
    const w = world({ [A]: {} }, { route: 'timeout: 500ms' })
    for (let i = 0; i < 50; i++) {
      await w.clock.advanceAsync(0.1 + i / 7)
      await w.ask()
    }
    expect(new Set(w.transport.requests.map(r => r.headers['x-envoy-expected-rq-timeout-ms']))).toEqual(new Set(['500']))
  })
  test.each([
    ['added', 'add: { content-type: application/json }', 'application/json'],
    ['set', 'set: { content-type: application/json }', 'application/json'],
    ['removed', 'remove: [content-type]', 'text/plain'],
  ])('the content type of an answer of our own, %s by a rule', async (_, rule, type) => {
    const response = `headers: { response: { ${rule} } }`
    const w = world({ [A]: {} }, { route: `fault: { abort: { httpStatus: 503, percentage: { value: 100 } } }, ${response}` })
    expect((await w.ask()).response.headers.get('content-type')).toBe(type)
  })
  test('an answer without a body has no content type', async () => {
    const w = world({ [A]: {} }, { route: 'redirect: { uri: /n }, headers: { response: { set: { content-type: text/html } } }' })
    const { response } = await w.ask('/', { redirect: 'manual' })
    expect([response.status, response.headers.get('content-type')]).toEqual([301, null])
  })
  test('each try has its own time; the last one says so', async () => {
    const w = world({ [A]: 'hang' }, { route: 'timeout: 10s, retries: { attempts: 2, perTryTimeout: 1s, retryOn: "5xx" }' })
    const { said, text } = await w.askWithin(4000)
    expect([said, text]).toEqual(['504 URX,UT upstream_per_try_timeout 3', 'upstream request timeout'])
    expect(w.stats()).toMatchObject({
      upstream_rq_per_try_timeout: 3,
      upstream_rq_timeout: 0,
      upstream_rq_retry: 2,
      upstream_rq_retry_limit_exceeded: 1,
    })
    expect(w.held()).toEqual(NOTHING)
  })
  test('the route timeout cuts retries, and is not retried itself', async () => {
    const w = world({ [A]: 'hang' }, { route: 'timeout: 2500ms, retries: { attempts: 9, perTryTimeout: 1s, retryOn: "5xx" }' })
    const { said } = await w.askWithin(3000)
    expect(said).toBe('504 UT response_timeout 3')
    expect(w.stats()).toMatchObject({ upstream_rq_timeout: 1, upstream_rq_per_try_timeout: 2 })
    expect(w.held()).toEqual(NOTHING)
  })
  test('a route timeout between two tries counts for no upstream', async () => {
    const w = world({ [A]: { status: 503 } }, { route: 'timeout: 300ms, retries: { attempts: 50, backoff: 10s, retryOn: "5xx" }' })
    const { said } = await w.askWithin(400)
    expect(said).toBe('504 UT response_timeout 1')
    expect(w.stats()).toMatchObject({ upstream_rq_timeout: 0 })
    expect(w.held()).toEqual(NOTHING)
  })
  test('a delay comes before the route timeout, an abort after the delay, and neither is tried again', async () => {
    const fault = (abort: string) =>
      `timeout: 100ms, retries: { attempts: 3, retryOn: "5xx" }, fault: { delay: { fixedDelay: 2s, percentage: { value: 100 } }${abort} }`
    const slow = world({ [A]: {} }, { route: fault('') })
    expect((await slow.askWithin(2100)).said).toBe('200 DI via_upstream 1')
    const both = world({ [A]: {} }, { route: fault(', abort: { httpStatus: 503, percentage: { value: 100 } }') })
    expect((await both.askWithin(2100)).said).toBe('503 DI,FI fault_filter_abort 0')
    expect(both.transport.requests).toEqual([])
    expect(both.mesh.snapshot().stats).toMatchObject({ 'fault.delays_injected': 1, 'fault.aborts_injected': 1, 'fault.active_faults': 0 })
  })
  test('who leaves during the delay leaves nothing', async () => {
    const w = world({ [A]: {} }, { route: 'fault: { delay: { fixedDelay: 2s, percentage: { value: 100 } } }' })
    const abort = new AbortController()
    const asked = w.ask('/', { signal: abort.signal })
    await w.clock.advanceAsync(500)
    abort.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    await w.clock.advanceAsync(5000)
    expect(w.mesh.snapshot().stats['fault.active_faults']).toBe(0)
    expect(w.transport.requests).toEqual([])
  })
  test('the body belongs to the route timeout: it is cut, and the host that answered is not charged', async () => {
    const policy = '{ outlierDetection: { consecutive5xxErrors: 1, maxEjectionPercent: 100 } }'
    const w = world({ [A]: { body: ['a', 'b', 'c'], pause: 400 } }, { route: 'timeout: 1s', policy })
    const response = w.mesh.fetch('http://s.test/')
    await w.clock.advanceAsync(1)
    const reading = (await response).text()
    reading.catch(() => {})
    await w.clock.advanceAsync(2000)
    await expect(reading).rejects.toThrow()
    expect(w.held()).toEqual(NOTHING)
    expect(w.stats()).toMatchObject({ upstream_rq_timeout: 1, 'outlier_detection.ejections_active': 0 })
  })
})

describe('what is tried again', () => {
  test.each([
    ['5xx', { status: 500 }, 2],
    ['5xx', { status: 499 }, 1],
    ['gateway-error', { status: 504 }, 2],
    ['gateway-error', { status: 500 }, 1],
    ['retriable-4xx', { status: 409 }, 2],
    ['retriable-4xx', { status: 404 }, 1],
    ['404', { status: 404 }, 2],
    ['200', { status: 200 }, 2],
    ['5xx', 'reset', 2],
    ['gateway-error', 'reset', 2],
    ['reset', 'garbage', 2],
    ['connect-failure', 'reset', 1],
    ['refused-stream', 'refused-stream', 2],
    ['5xx', { status: 503, headers: { 'x-envoy-ratelimited': 'true' } }, 1],
    ['envoy-ratelimited', { status: 429, headers: { 'x-envoy-ratelimited': 'true' } }, 2],
    ['5xx', { status: 503, headers: { 'x-envoy-overloaded': 'true' } }, 2],
    ['unavailable', { headers: { 'content-type': 'application/grpc', 'grpc-status': '14' } }, 2],
    ['resource-exhausted', { headers: { 'grpc-status': '8' } }, 2],
    ['internal', { headers: { 'grpc-status': '14' } }, 1],
  ] as const)('%s on %j: %d tries', async (on, first, tries) => {
    const w = world({ [A]: [first as any, { body: 'ok' }] }, { route: `retries: { attempts: 1, retryOn: "${on}" }` })
    await w.askWithin(500)
    expect(w.transport.requests.length).toBe(tries)
    expect(w.held()).toEqual(NOTHING)
  })
  test('every try says which it is', async () => {
    const w = world({ [A]: [{ status: 500 }, { status: 500 }, {}] }, { route: 'timeout: 5s, retries: { attempts: 2, retryOn: "5xx" }' })
    expect((await w.askWithin(500)).said).toBe('200 - via_upstream 3')
    expect(w.transport.requests.map(r => r.headers['x-envoy-attempt-count'])).toEqual(['1', '2', '3'])
    const left = w.transport.requests.map(r => Number(r.headers['x-envoy-expected-rq-timeout-ms']))
    expect(left[0]).toBe(5000)
    expect(left[2]).toBeLessThanOrEqual(left[1]!)
  })
  test('the budget of running retries is shared, and its overflow is said', async () => {
    const w = world(
      { [A]: { status: 503, delay: 10 } },
      { route: 'retries: { attempts: 1, retryOn: "5xx", backoff: 10s }', policy: '{ connectionPool: { http: { maxRetries: 2 } } }' },
    )
    const asked = Array.from({ length: 5 }, () => w.ask())
    await w.clock.advanceAsync(11)
    expect(w.held().retries).toBe(2)
    await w.clock.advanceAsync(20_000)
    const said = (await Promise.all(asked)).map(a => a.said).sort()
    expect(said).toEqual([
      '503 UO via_upstream 1',
      '503 UO via_upstream 1',
      '503 UO via_upstream 1',
      '503 URX via_upstream 2',
      '503 URX via_upstream 2',
    ])
    expect(w.stats()).toMatchObject({ upstream_rq_retry: 2, upstream_rq_retry_overflow: 3 })
    expect(w.held()).toEqual(NOTHING)
  })
})

describe('headers that speak to the mesh', () => {
  const route = 'timeout: 9s, retries: { attempts: 0 }'
  const headers = {
    'x-envoy-retry-on': '5xx',
    'x-envoy-max-retries': '2',
    'x-envoy-upstream-rq-timeout-ms': '700',
    'x-envoy-expected-rq-timeout-ms': '400',
  }
  test('are not obeyed by default, and never reach the upstream', async () => {
    const w = world({ [A]: { status: 503 } }, { route })
    expect((await w.askWithin(500, '/', { headers })).said).toBe('503 - via_upstream 1')
    const names = Object.keys(w.transport.requests[0]!.headers).filter(n => n.startsWith('x-envoy'))
    expect(names.sort()).toEqual(['x-envoy-attempt-count', 'x-envoy-expected-rq-timeout-ms'])
    expect(w.transport.requests[0]!.headers['x-envoy-expected-rq-timeout-ms']).toBe('9000')
  })
  test('are obeyed with requestOverrides', async () => {
    const w = world({ [A]: { status: 503 } }, { route, options: { requestOverrides: true } })
    expect((await w.askWithin(500, '/', { headers })).said).toBe('503 URX via_upstream 3')
    expect(w.transport.requests[0]!.headers['x-envoy-expected-rq-timeout-ms']).toBe('400')
    const slow = world({ [A]: 'hang' }, { route, options: { requestOverrides: true } })
    expect((await slow.askWithin(500, '/', { headers })).said).toBe('504 UT response_timeout 1')
    const alternative = { 'x-envoy-upstream-rq-timeout-ms': '50', 'x-envoy-upstream-rq-timeout-alt-response': '1' }
    expect((await slow.askWithin(500, '/', { headers: alternative })).said).toBe('204 UT response_timeout 1')
  })
})

describe('hedging on the per-try timeout', () => {
  const hedged = { headers: { 'x-envoy-hedge-on-per-try-timeout': 'true' } }
  const route = 'timeout: 10s, retries: { attempts: 2, perTryTimeout: 100ms, retryOn: "5xx" }'
  const options = { requestOverrides: true }
  test('the slow try goes on beside the next one and may still win', async () => {
    const w = world({ [A]: [{ body: 'slow', delay: 300 }, 'hang'] }, { route, options })
    const { said, text } = await w.askWithin(2000, '/', hedged)
    expect([text, said]).toEqual(['slow', '200 - via_upstream 3'])
    expect(w.held()).toEqual(NOTHING)
  })
  test('the first good answer wins; a bad one is dropped while others run', async () => {
    const w = world(
      {
        [A]: [
          { status: 503, delay: 150 },
          { body: 'good', delay: 90 },
        ],
      },
      { route, options },
    )
    const { said, text } = await w.askWithin(2000, '/', hedged)
    expect([text, said]).toEqual(['good', '200 - via_upstream 2'])
    expect(w.held()).toEqual(NOTHING)
  })
  test('when all fail the last one answers', async () => {
    const w = world({ [A]: { status: 503, delay: 150 } }, { route, options })
    const { response } = await w.askWithin(3000, '/', hedged)
    expect(response.status).toBe(503)
    expect(w.held()).toEqual(NOTHING)
  })
})

describe('answers of our own', () => {
  test.each([
    ['fault: { abort: { httpStatus: 404, percentage: { value: 100 } } }', '12', 'fault filter abort'],
    ['fault: { abort: { grpcStatus: ABORTED, percentage: { value: 100 } } }', '10', 'fault filter abort'],
    ['route: [{ destination: { host: s.test, subset: none } }]', '14', undefined],
  ])('to gRPC: HTTP 200 and the status in headers (%s)', async (route, status, message) => {
    const { response, text } = await world({ [A]: {} }, { route }).ask('/', {
      method: 'POST',
      headers: { 'content-type': 'application/grpc' },
    })
    expect([response.status, text]).toEqual([200, ''])
    expect(response.headers.get('content-type')).toBe('application/grpc')
    expect(response.headers.get('grpc-status')).toBe(status)
    expect(response.headers.get('grpc-message') ?? undefined).toBe(message)
  })
  test('gRPC-Web is answered as HTTP', async () => {
    const w = world({ [A]: {} }, { route: 'fault: { abort: { httpStatus: 404, percentage: { value: 100 } } }' })
    expect((await w.ask('/', { method: 'POST', headers: { 'content-type': 'application/grpc-web' } })).said).toBe(
      '404 FI fault_filter_abort 0',
    )
  })
  test('the words of a failure after a retry', async () => {
    const w = world({ [A]: 'reset' }, { route: 'retries: { attempts: 1, retryOn: reset }' })
    const { said, text } = await w.askWithin(500)
    expect(said).toBe('503 URX,UC upstream_reset_before_response_started{connection_termination} 2')
    expect(text).toBe(
      'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection termination',
    )
  })
})

describe('bodies and mirrors', () => {
  /** A body that comes in two pieces, the second one after `ms`. */
  const slowBody = (w: ReturnType<typeof world>, ms: number) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('a'))
        w.clock.schedule(ms, () => {
          controller.enqueue(new TextEncoder().encode('b'))
          controller.close()
        })
      },
    })
  const stream = (body: ReadableStream<Uint8Array>) => ({ method: 'POST', body, duplex: 'half' }) as RequestInit

  test("the upstream's time begins when it has the whole request", async () => {
    const w = world({ [A]: { body: 'ok' } }, { route: 'timeout: 1s, retries: { attempts: 1, perTryTimeout: 500ms, retryOn: "5xx" }' })
    const { said } = await w.askWithin(5000, '/', stream(slowBody(w, 3000)))
    expect(said).toBe('200 - via_upstream 1')
    expect(w.transport.requests[0]).toMatchObject({ body: 'ab', headers: { 'x-envoy-expected-rq-timeout-ms': '500' } })
    const slow = world({ [A]: 'hang' }, { route: 'timeout: 1s' })
    const asked = slow.ask('/', stream(slowBody(slow, 3000)))
    await slow.clock.advanceAsync(3999)
    expect(slow.held()).toMatchObject({ requests: 1 })
    await slow.clock.advanceAsync(2)
    expect((await asked).said).toBe('504 UT response_timeout 1')
    expect(slow.held()).toEqual(NOTHING)
  })
  test('a stream is sent again from its start', async () => {
    const w = world({ [A]: [{ status: 503 }, {}] }, { route: 'retries: { attempts: 1, retryOn: "5xx" }' })
    expect((await w.askWithin(5000, '/', stream(slowBody(w, 100)))).said).toBe('200 - via_upstream 2')
    expect(w.transport.requests.map(r => r.body)).toEqual(['ab', 'ab'])
  })
  const mirrors = (n: number) => `mirrors: [${Array.from({ length: n }, () => '{ destination: { host: s.test } }').join(', ')}]`
  test('without an endpoint for the request there is no mirror', async () => {
    const w = world(
      { [A]: {} },
      { route: 'route: [{ destination: { host: s.test, subset: none } }], mirror: { host: s.test }', policy: NO_SUBSET },
    )
    expect((await w.ask()).said).toBe('503 UH no_healthy_upstream 1')
    expect(w.transport.requests).toEqual([])
  })
  test('several mirrors each get the request as it was rewritten, once, whatever is retried', async () => {
    const w = world(
      { [A]: r => (r.headers['x-envoy-attempt-count'] === '1' && w.transport.requests.length === 1 ? { status: 503 } : { body: 'ok' }) },
      {
        route: `${mirrors(2)}, rewrite: { uri: /new }, retries: { attempts: 1, retryOn: "5xx" }`,
      },
    )
    const { said } = await w.askWithin(500, '/', { method: 'POST', body: 'hello' })
    expect(said).toBe('200 - via_upstream 2')
    expect(w.transport.requests.map(r => `${r.path} ${r.body} ${r.headers['x-envoy-attempt-count']}`)).toEqual([
      '/new hello 1',
      '/new hello 1',
      '/new hello 1',
      '/new hello 2',
    ])
    expect(w.held()).toEqual(NOTHING)
  })
  test('a body that its reader gives up frees everything', async () => {
    const w = world({ [A]: { body: ['a', 'b', 'c'], pause: 1000 } })
    const response = await w.mesh.fetch('http://s.test/')
    expect(w.held()).toMatchObject({ requests: 1, active: 1 })
    await response.body!.cancel()
    await w.clock.advanceAsync(10_000)
    expect(w.held()).toEqual(NOTHING)
  })
})

describe('under a ResiliencePolicy no permit is lost', () => {
  const resilience =
    'bulkhead: { maxConcurrentCalls: 1 }, circuitBreaker: { failureRateThreshold: 100, slidingWindowSize: 10, minimumNumberOfCalls: 10 }'
  const running = (w: ReturnType<typeof world>) =>
    JSON.parse(JSON.stringify(Object.values(w.mesh.snapshot().policies)[0])).bulkhead.availableConcurrentCalls
  test('by a per-try timeout', async () => {
    const w = world({ [A]: 'hang' }, { resilience, route: 'timeout: 10s, retries: { attempts: 2, perTryTimeout: 1s, retryOn: "5xx" }' })
    expect((await w.askWithin(5000)).said).toBe('504 URX,UT upstream_per_try_timeout 3')
    expect([running(w), w.held()]).toEqual([1, NOTHING])
  })
  test('by a route timeout', async () => {
    const w = world({ [A]: 'hang' }, { resilience, route: 'timeout: 1s' })
    expect((await w.askWithin(2000)).said).toBe('504 UT response_timeout 1')
    expect([running(w), w.held()]).toEqual([1, NOTHING])
  })
  test('by a caller who leaves, who is no failure', async () => {
    const w = world({ [A]: 'hang' }, { resilience })
    const abort = new AbortController()
    const asked = w.ask('/', { signal: abort.signal })
    await w.clock.advanceAsync(10)
    abort.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    await w.clock.advanceAsync(10)
    expect([running(w), w.held()]).toEqual([1, NOTHING])
    const breaker = w.mesh.breaker('s.test||80') as { metrics: { numberOfBufferedCalls: number } }
    expect(breaker.metrics.numberOfBufferedCalls).toBe(0)
  })
  test('by an answer that is complete before the policies have seen it', async () => {
    const w = world({ [A]: { status: 204 } }, { resilience })
    for (let i = 0; i < 3; i++) expect((await w.askWithin(1)).said).toBe('204 - via_upstream 1')
    expect([running(w), w.held()]).toEqual([1, NOTHING])
  })
  test('by no healthy endpoint', async () => {
    const w = world({ [A]: {}, [B]: {} }, { resilience, policy: '{ outlierDetection: {} }' })
    for (const address of [A, B]) w.mesh.eject('s.test||80', address)
    expect((await w.ask()).said).toBe('503 UH no_healthy_upstream 1')
    expect([running(w), w.held()]).toEqual([1, NOTHING])
  })
})

describe('a mirror and the body', () => {
  const route = 'mirror: { host: s.test }, retries: { attempts: 0 }'
  const mirrored = async (body: BodyInit, more: object = {}) => {
    const w = world({ [A]: {}, [B]: {} }, { route, ...more })
    await w.askWithin(10, '/', { method: 'POST', body, duplex: 'half' } as RequestInit)
    return [w.transport.requests.length, w.stats()['retry_or_shadow_abandoned']]
  }
  test('one of the bound is copied, one byte more is not: Envoy drops the mirror when its buffer is full', async () => {
    expect(await mirrored('x'.repeat(1 << 20))).toEqual([2, 0])
    expect(await mirrored('x'.repeat((1 << 20) + 1))).toEqual([1, 1])
  })
  test('with retries the body is counted once', async () => {
    const both = 'mirror: { host: s.test }, retries: { attempts: 1, retryOn: "5xx" }'
    expect(await mirrored('x'.repeat(2 << 20), { route: both })).toEqual([1, 1])
  })
  test('the bound is retryBufferLimit', async () => {
    const options = { limits: { retryBufferLimit: 10 } }
    expect(await mirrored('x'.repeat(11), { options })).toEqual([1, 1])
    expect(await mirrored('x'.repeat(10), { options })).toEqual([2, 0])
  })
  test('a stream is not copied', async () => {
    expect(await mirrored(new Blob(['abc']).stream())).toEqual([1, 1])
  })
})

describe('headers that speak to the mesh (conn_manager_utility.cc takes them off before a route is looked for)', () => {
  const route =
    'match: [{ headers: { x-envoy-max-retries: { exact: "3" } } }], directResponse: { status: 299 } }, { route: [{ destination: { host: s.test } }]'
  const headers = { 'x-envoy-max-retries': '3', 'x-envoy-mine': '1' }
  test('no rule sees them, nor the upstream', async () => {
    const w = world({ [A]: {} }, { route })
    const { said } = await w.askWithin(1, '/', { headers })
    expect(said).toBe('200 - via_upstream 1')
    expect(w.transport.requests[0]!.headers).toMatchObject({ 'x-envoy-mine': '1' })
    expect(w.transport.requests[0]!.headers).not.toHaveProperty('x-envoy-max-retries')
  })
  test('where they are obeyed they are seen', async () => {
    const w = world({ [A]: {} }, { route, options: { requestOverrides: true } })
    expect((await w.askWithin(1, '/', { headers })).response.status).toBe(299)
  })
  test('to a host that no rule names they go as they came', async () => {
    const w = world({ [A]: {}, '*': {} })
    const asked = w.mesh.fetch('http://10.9.9.9:8123/', { headers })
    await w.clock.advanceAsync(1)
    await asked
    expect(w.transport.requests[0]!.headers).toMatchObject(headers)
  })
})

describe('an idle timeout shorter than connecting (codec_client.cc starts it when the connection is made)', () => {
  const policy = '{ connectionPool: { tcp: { connectTimeout: 1s }, http: { idleTimeout: 200ms } } }'
  test('ends the connection and who waits for it', async () => {
    const w = world({ [A]: 'unreachable' }, { policy, route: 'retries: { attempts: 0 }' })
    const { said, text } = await w.askWithin(200)
    expect(said).toBe('503 UF upstream_reset_before_response_started{local_connection_failure} 1')
    expect(text).toBe('upstream connect error or disconnect/reset before headers. reset reason: local connection failure')
    await w.clock.advanceAsync(2000)
    expect(w.stats()).toMatchObject({
      upstream_cx_idle_timeout: 1,
      upstream_cx_connect_fail: 1,
      upstream_cx_connect_timeout: 0,
      upstream_cx_active: 0,
      upstream_cx_destroy_local: 1,
    })
    expect(w.held()).toEqual(NOTHING)
  })
  test('is a failure to connect for retries', async () => {
    const w = world({ [A]: 'unreachable', [B]: {} }, { policy, route: 'retries: { attempts: 2, retryOn: connect-failure }' })
    for (let i = 0; i < 3; i++) expect((await w.askWithin(300)).response.status).toBe(200)
  })
  test('does not matter to a connection that is made in time, and is idle later', async () => {
    const clock = virtualClock()
    const transport = fakeTransport({ [A]: { delay: 500 } }, { clock, connectDelay: 150 })
    const w = world({ [A]: {} }, { policy, options: { clock, transport } })
    const asked = w.ask()
    await clock.advanceAsync(650)
    expect((await asked).said).toBe('200 - via_upstream 1')
    await clock.advanceAsync(200)
    expect(w.stats()).toMatchObject({ upstream_cx_idle_timeout: 1, upstream_cx_connect_fail: 0, upstream_cx_active: 0 })
  })
})
