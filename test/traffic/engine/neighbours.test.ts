/**
 * More neighbours of the recordings, each read off a file of Envoy 1.37 which its comment names: what its router does in which order, and
 * what it counts.
 */
import { describe, expect, test } from 'vitest'
import { xxhash64 } from '../../../src/base/formats/xxhash64.ts'
import { A, B, NOTHING, world } from './world.ts'

const HASHED = (how: string) => `{ loadBalancer: { consistentHash: ${how} } }`
/** The endpoint that a value of the header x-u hashes to. */
const ownerOf = async (value: string) => {
  const w = world({ [A]: {}, [B]: {} }, { policy: HASHED('{ httpHeaderName: x-u }') })
  return (await w.ask('/', { headers: { 'x-u': value } })).outcome.endpoint
}

// router.cc, Filter::decodeHeaders: headers are finalized before an endpoint is chosen, so the hash sees what rules made of the request.
describe('rules come before the hash', () => {
  test('of a header that they set', async () => {
    const w = world(
      { [A]: {}, [B]: {} },
      { policy: HASHED('{ httpHeaderName: x-u }'), route: 'headers: { request: { set: { x-u: k7 } } }' },
    )
    const owner = await ownerOf('k7')
    for (const own of ['a', 'b', 'c', 'd', 'e', 'f']) expect((await w.ask('/', { headers: { 'x-u': own } })).outcome.endpoint).toBe(owner)
  })
  test('of a header that they remove there is none', async () => {
    const w = world({ [A]: {}, [B]: {} }, { policy: HASHED('{ httpHeaderName: x-u }'), route: 'headers: { request: { remove: [x-u] } }' })
    const met = new Set<string>()
    for (let i = 0; i < 40; i++) met.add((await w.ask('/', { headers: { 'x-u': 'same' } })).outcome.endpoint)
    expect(met.size).toBe(2)
  })
  test('the number and the time of the first try stand before them, those of a retry after', async () => {
    const w = world(
      { [A]: [{ status: 503 }, {}] },
      {
        route:
          'timeout: 2s, retries: { attempts: 1, retryOn: "503" }, headers: { request: { set: { x-try: "%REQ(x-envoy-attempt-count)%", x-left: "%REQ(x-envoy-expected-rq-timeout-ms)%" }, remove: [x-envoy-attempt-count] } }',
      },
    )
    await w.askWithin(500)
    const seen = w.transport.requests.map(r => [r.headers['x-envoy-attempt-count'], r.headers['x-try'], r.headers['x-left']])
    // Removals come first, so the value is gone before it is read.
    expect(seen).toEqual([
      [undefined, undefined, '2000'],
      ['2', undefined, '2000'],
    ])
  })
})

// router.h addDownstreamSetCookie is asked at each choice; router.cc onUpstreamHeaders appends them before the rules of the answer.
describe('the cookie made for a hash', () => {
  const policy = HASHED('{ httpCookie: { name: sid, ttl: 60s } }')
  const sid = `sid="${xxhash64('127.0.0.1').toString(16)}"; Max-Age=60; HttpOnly`
  const cookies = async (script: Parameters<typeof world>[0], route = '') => {
    const w = world(script, { policy, route })
    return (await w.askWithin(500)).response.headers.getSetCookie()
  }
  test('comes with an answer of the upstream', async () => expect(await cookies({ [A]: {} })).toEqual([sid]))
  test('comes once for each try', async () =>
    expect(await cookies({ [A]: [{ status: 503 }, { status: 503 }, {}] }, 'retries: { attempts: 2, retryOn: "503" }')).toEqual([
      sid,
      sid,
      sid,
    ]))
  test('does not come with an answer of our own', async () => expect(await cookies({ [A]: 'refuse' })).toEqual([]))
  test('is taken off by a rule', async () =>
    expect(await cookies({ [A]: {} }, 'headers: { response: { remove: [set-cookie] } }')).toEqual([]))
})

// retry_state_impl.cc: 425 is tried again at once; x in `|=` upstream_request_started_ of router.cc stays for all tries.
describe('retries', () => {
  test('after 425 do not wait', async () => {
    const w = world({ [A]: [{ status: 425 }, {}] }, { route: 'retries: { attempts: 1, retryOn: "425", backoff: 100s }' })
    expect((await w.askWithin(1)).said).toBe('200 - via_upstream 2')
    expect(w.stats()).toMatchObject({ upstream_rq_retry: 1, upstream_rq_retry_backoff_exponential: 0, upstream_rq_retry_success: 1 })
  })
  // RetryStateImpl::shouldRetry: an armed retry after which nothing is tried again counts as a success, an overflow too.
  test('that meet the limit of requests count as Envoy counts them', async () => {
    const policy = '{ connectionPool: { http: { http2MaxRequests: 1 } } }'
    const w = world({ [A]: [{ status: 503 }, {}] }, { policy, route: 'retries: { attempts: 1, retryOn: "5xx", backoff: 1s }' })
    const asked = w.ask()
    await w.clock.advanceAsync(0)
    w.transport.script(A, 'hang')
    const abort = new AbortController()
    const holding = w.ask('/', { signal: abort.signal })
    await w.clock.advanceAsync(1000)
    expect((await asked).said).toBe('503 UO upstream_reset_before_response_started{overflow} 2')
    expect(w.stats()).toMatchObject({ upstream_rq_retry: 1, upstream_rq_retry_success: 1, upstream_rq_pending_overflow: 1 })
    expect(w.held().retries).toBe(0)
    abort.abort(new Error('enough'))
    await expect(holding).rejects.toThrow('enough')
    expect(w.held()).toEqual(NOTHING)
  })
  test('before the request are none once a try has gone out', async () => {
    const w = world({ [A]: [{ status: 503 }] }, { route: 'retries: { attempts: 5, retryOn: "503,reset-before-request", backoff: 1s }' })
    const asked = w.ask()
    await w.clock.advanceAsync(0)
    w.transport.script(A, 'refuse')
    w.transport.kill(A)
    await w.clock.advanceAsync(60_000)
    expect((await asked).said).toMatch(/^503 UF .* 2$/)
  })
})

// router.cc counts a redirect as a direct response; context_impl.h's rq_redirect is never counted.
test('a redirect counts as an answer of our own', async () => {
  const w = world({ [A]: {} }, { route: 'redirect: { uri: /n }' })
  await w.ask('/', { redirect: 'manual' })
  expect(w.mesh.snapshot().stats).toMatchObject({ rq_direct_response: 1 })
})

// router.cc onUpstreamHeaders: a gRPC request is judged by the grpc-status in headers, whatever the answer's content type is.
test.each([
  ['application/grpc', 'ejected'],
  ['application/json', 'healthy'],
])('grpc-status 14 to a request of %s: %s', async (type, health) => {
  const policy = '{ outlierDetection: { consecutive5xxErrors: 1, maxEjectionPercent: 100 } }'
  const w = world({ [A]: { headers: { 'grpc-status': '14' } } }, { policy, route: 'retries: { attempts: 0 }' })
  await w.ask('/', { method: 'POST', headers: { 'content-type': type } })
  expect(w.mesh.snapshot().clusters['outbound|80||s.test']!.endpoints[0]!.health).toBe(health)
})

// conn_pool_base.cc, MultiplexedActiveClientBase::onStreamReset.
describe('HTTP/2 streams that end early are counted', () => {
  const h2 = '{ connectionPool: { http: { h2UpgradePolicy: UPGRADE } } }'
  test.each([
    ['hang', 'timeout: 100ms', { upstream_rq_tx_reset: 1, upstream_rq_timeout: 1 }],
    ['hang', 'retries: { attempts: 1, perTryTimeout: 50ms, retryOn: "5xx" }', { upstream_rq_tx_reset: 2, upstream_rq_per_try_timeout: 2 }],
    ['reset', 'retries: { attempts: 0 }', { upstream_rq_pending_failure_eject: 1, upstream_rq_tx_reset: 0 }],
    ['refused-stream', 'retries: { attempts: 0 }', { upstream_rq_rx_reset: 0, upstream_rq_tx_reset: 0 }],
  ] as const)('%s under %s', async (step, route, counted) => {
    const w = world({ [A]: step }, { policy: h2, route })
    await w.askWithin(1000)
    expect(w.stats()).toMatchObject(counted)
  })
  test('and those of HTTP/1.1 are not', async () => {
    const w = world({ [A]: 'hang' }, { route: 'timeout: 100ms' })
    await w.askWithin(1000)
    expect(w.stats()).toMatchObject({ upstream_rq_tx_reset: 0, upstream_rq_timeout: 1 })
  })
})

// router.cc, FilterUtility::finalTimeout: istiod sends max_grpc_timeout with every route, so a gRPC request brings its own deadline.
describe('grpc-timeout', () => {
  const asked = async (route: string, timeout: string | undefined, type = 'application/grpc') => {
    const w = world({ [A]: 'hang' }, { route })
    const headers = { 'content-type': type, ...(timeout === undefined ? {} : { 'grpc-timeout': timeout }) }
    const answer = await w.askWithin(20_000, '/', { method: 'POST', headers })
    const sent = w.transport.requests[0]!.headers
    return [answer.outcome.durations.total, sent['x-envoy-expected-rq-timeout-ms'], sent['grpc-timeout'], answer.said]
  }
  const UT = '200 UT response_timeout 1'
  test.each([
    ['timeout: 3s', '100m', 100, '100', '100m'],
    ['timeout: 3s', '10S', 3000, '3000', '3000m'],
    ['timeout: 3s', undefined, 3000, '3000', '3000m'],
    ['timeout: 3s', 'soon', 3000, '3000', '3000m'],
    ['', '2S', 2000, '2000', '2000m'],
  ])('{%s} and %s', async (route, timeout, ms, expected, told) => {
    expect(await asked(route, timeout)).toEqual([ms, expected, told, UT])
  })
  test('means nothing on another request', async () => {
    expect(await asked('timeout: 3s', '100m', 'application/json')).toEqual([3000, '3000', '100m', '504 UT response_timeout 1'])
  })
})

// weighted_cluster_specifier.cc sets the host without a word of the old one; config_impl.cc, for the route's own rewrite, tells it.
describe('the host that is rewritten', () => {
  const weighted =
    'route: [{ destination: { host: s.test }, weight: 1, headers: { request: { set: { host: d.test } } } }, { destination: { host: s.test }, weight: 0 }]'
  const seen = async (route: string, headers: Record<string, string> = {}) => {
    const w = world({ [A]: {} }, { route })
    await w.ask('/', { headers })
    const { authority, headers: sent } = w.transport.requests[0]!
    return [authority, sent['x-envoy-original-host'], sent['x-saw']]
  }
  test('by a weighted destination', async () => expect(await seen(weighted)).toEqual(['d.test', undefined, undefined]))
  test('by the route after it', async () => {
    const rules = `${weighted}, rewrite: { authority: r.test }, headers: { request: { set: { x-saw: "%REQ(:authority)%" } } }`
    expect(await seen(rules)).toEqual(['r.test', 'd.test', 'd.test'])
  })
  test('by the route, whatever the caller says it was', async () => {
    expect(await seen('rewrite: { authority: r.test }', { 'x-envoy-original-host': 'x' })).toEqual(['r.test', 's.test', undefined])
  })
})

// config_impl.cc, finalizePathHeader: a rewrite that comes to nothing is none.
test('a regex that leaves nothing of the path rewrites nothing', async () => {
  const w = world({ [A]: {} }, { route: 'rewrite: { uriRegexRewrite: { match: "^/gone$|^/(kept)", rewrite: "\\\\1" } }' })
  await w.ask('/gone?q=1')
  expect([w.transport.requests[0]!.path, w.transport.requests[0]!.headers['x-envoy-original-path']]).toEqual(['/gone?q=1', undefined])
})

// filter_manager.cc, prepareLocalReplyViaFilterChain: the route's rules come before what the router adds to its own reply.
test('no rule takes x-envoy-overloaded off', async () => {
  const policy = '{ connectionPool: { http: { http2MaxRequests: 1 } } }'
  const w = world(
    { [A]: 'hang' },
    { policy, route: 'headers: { response: { remove: [x-envoy-overloaded], set: { x-f: "%RESPONSE_FLAGS%" } } }' },
  )
  const running = new AbortController()
  w.ask('/', { signal: running.signal }).catch(() => {})
  await w.clock.advanceAsync(1)
  const { response } = await w.ask()
  expect([response.headers.get('x-envoy-overloaded'), response.headers.get('x-f')]).toEqual(['true', 'UO'])
  running.abort()
})
