/** The page of replies, row by row: what a caller gets, a gRPC caller, one who wants errors, and what observing says of the same. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createMesh, type MeshOptions, outcomeOf } from '../../src/index.ts'
import { type FakeScript, fakeTransport, seededRandom, virtualClock } from '../../src/testing/index.ts'
import { all, policy, service, virtual } from './documents.ts'

const A = '10.0.0.1:80'

interface Row {
  blocks?: string
  http?: string
  script?: FakeScript
  options?: MeshOptions
  url?: string
  /** Calls that are under way, and what happens before the one that is looked at. */
  before?: number
  open?: boolean
  status: number
  headers?: Record<string, string | null>
  body: string | RegExp
  flags: string
  details: string
  attempts: number
  grpc?: number
  /** Code of the error that stands for it. */
  code?: string
  /** What observing says of it, where it can know: flags and details. */
  observed?: [string, string]
}

const TEXT = { 'content-type': 'text/plain' }
const EMPTY = { 'content-type': null }
const NO_RETRY = 'retries: { attempts: 0 }'

const ROWS: Record<string, Row> = {
  'circuit breaker open': {
    blocks: 'circuitBreaker: { minimumNumberOfCalls: 1, waitDurationInOpenState: 60s }',
    script: { status: 500 },
    before: 1,
    status: 503,
    headers: { ...TEXT, 'retry-after': '60' },
    body: /circuit/,
    flags: '',
    details: 'meshless_circuit_open',
    attempts: 0,
    grpc: 14,
    code: 'ERR_CIRCUIT_OPEN',
    observed: ['', 'meshless_circuit_open'],
  },
  'bulkhead full': {
    blocks: 'bulkhead: { maxConcurrentCalls: 1 }',
    script: 'hang',
    before: 1,
    status: 503,
    headers: { ...TEXT, 'retry-after': null },
    body: /1 of 1/,
    flags: 'UO',
    details: 'meshless_bulkhead_full',
    attempts: 0,
    grpc: 14,
    code: 'ERR_BULKHEAD_FULL',
    observed: ['UO', 'meshless_bulkhead_full'],
  },
  'adaptive limit full': {
    blocks: 'adaptiveConcurrency: { initialLimit: 1, minLimit: 1, maxLimit: 1 }',
    script: 'hang',
    before: 1,
    status: 503,
    headers: { ...TEXT, 'retry-after': null },
    body: /1/,
    flags: 'UO',
    details: 'meshless_bulkhead_full',
    attempts: 0,
    grpc: 14,
    code: 'ERR_BULKHEAD_FULL',
  },
  'rate limited': {
    blocks: 'rateLimiter: { limitForPeriod: 1, limitRefreshPeriod: 5s, timeoutDuration: 0s }',
    before: 1,
    status: 429,
    headers: { ...TEXT, 'retry-after': '5' },
    body: /./,
    flags: 'RL',
    details: 'meshless_rate_limited',
    attempts: 0,
    grpc: 14,
    code: 'ERR_RATE_LIMITED',
    observed: ['RL', 'meshless_rate_limited'],
  },
  'time limit': {
    blocks: 'timeLimiter: { timeoutDuration: 1s }',
    script: 'hang',
    status: 504,
    headers: TEXT,
    body: /1000|1 ?s/,
    flags: 'UT',
    details: 'meshless_time_limit',
    attempts: 1,
    grpc: 14,
    code: 'ERR_TIME_LIMIT',
  },
  'unknown host under REGISTRY_ONLY': {
    url: 'http://nobody.test/',
    options: { meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } } },
    status: 502,
    headers: EMPTY,
    body: '',
    flags: '',
    details: 'direct_response',
    attempts: 0,
    grpc: 14,
    observed: ['', 'direct_response'],
  },
  'no endpoint known': {
    http: `route: [{ destination: { host: empty.test } }], ${NO_RETRY}`,
    status: 503,
    headers: TEXT,
    body: 'no healthy upstream',
    flags: 'UH',
    details: 'no_healthy_upstream',
    attempts: 1,
    grpc: 14,
    code: 'ERR_NO_HEALTHY_ENDPOINT',
    observed: ['UH', 'no_healthy_upstream'],
  },
  'a name that cannot be resolved': {
    http: `route: [{ destination: { host: lost.test } }], ${NO_RETRY}`,
    options: { discovery: { resolver: { resolve: () => Promise.reject(new Error('ENOTFOUND')) } } },
    status: 503,
    headers: TEXT,
    body: 'no healthy upstream',
    flags: 'UH',
    details: 'no_healthy_upstream',
    attempts: 1,
    grpc: 14,
    code: 'ERR_NO_HEALTHY_ENDPOINT',
  },
  'no cluster': {
    http: `route: [{ destination: { host: s.test, subset: unknown } }], ${NO_RETRY}`,
    status: 503,
    headers: EMPTY,
    body: '',
    flags: 'NC',
    details: 'cluster_not_found',
    attempts: 0,
    grpc: 14,
    observed: ['NC', 'cluster_not_found'],
  },
  'no route': {
    http: `match: [{ uri: { prefix: /only } }], route: [{ destination: { host: s.test } }]`,
    status: 404,
    headers: EMPTY,
    body: '',
    flags: 'NR',
    details: 'route_not_found',
    attempts: 0,
    grpc: 12,
    observed: ['NR', 'route_not_found'],
  },
  'route timeout': {
    http: `route: [{ destination: { host: s.test } }], timeout: 1s, ${NO_RETRY}`,
    script: 'hang',
    status: 504,
    headers: TEXT,
    body: 'upstream request timeout',
    flags: 'UT',
    details: 'response_timeout',
    attempts: 1,
    grpc: 14,
    code: 'ERR_TIME_LIMIT',
  },
  'an injected abort': {
    http: `route: [{ destination: { host: s.test } }], fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }`,
    status: 418,
    headers: TEXT,
    body: 'fault filter abort',
    flags: 'FI',
    details: 'fault_filter_abort',
    attempts: 0,
    grpc: 2,
    code: 'ERR_FAULT_INJECTED',
    observed: ['FI', 'fault_filter_abort'],
  },
  'connecting refused': {
    script: 'refuse',
    status: 503,
    headers: TEXT,
    body: /^upstream connect error or disconnect\/reset before headers\. reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused$/,
    flags: 'UF',
    details: 'upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}',
    attempts: 1,
    grpc: 14,
  },
  'a status that is no HTTP': {
    script: { status: 999, body: 'x' },
    status: 502,
    headers: TEXT,
    body: /protocol error/,
    flags: 'UPE',
    details: 'upstream_reset_before_response_started{protocol_error}',
    attempts: 1,
    grpc: 14,
  },
  'connections overflow': {
    script: 'hang',
    before: 1,
    options: {},
    blocks: 'limit',
    status: 503,
    headers: { ...TEXT, 'x-envoy-overloaded': 'true' },
    body: 'upstream connect error or disconnect/reset before headers. reset reason: overflow',
    flags: 'UO',
    details: 'upstream_reset_before_response_started{overflow}',
    attempts: 1,
    grpc: 14,
    code: 'ERR_OVERFLOW',
  },
  'a fallback': {
    blocks: 'fallback: { directResponse: { status: 203, body: { string: instead } } }',
    script: 'refuse',
    status: 203,
    headers: TEXT,
    body: 'instead',
    flags: 'UF',
    details: 'meshless_fallback',
    attempts: 1,
  },
}

const EMPTY_SERVICE = service('empty', 1).replace(/endpoints:[\s\S]*/, 'endpoints: []\n')
const LIMIT = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: limit }
spec: { host: s.test, trafficPolicy: { connectionPool: { http: { http2MaxRequests: 1 } } } }
`

function meshOf(row: Row, options: MeshOptions = {}) {
  const clock = virtualClock()
  const transport = fakeTransport({ [A]: row.script ?? {} }, { clock })
  const rules = all(
    service('s', 1),
    EMPTY_SERVICE,
    virtual('s', `[{ ${row.http ?? `route: [{ destination: { host: s.test } }], ${NO_RETRY}`} }]`),
    ...(row.blocks === 'limit' ? [LIMIT] : row.blocks === undefined ? [] : [policy('s', row.blocks)]),
  )
  const mesh = createMesh({ rules, clock, transport, random: seededRandom(3), ...row.options, ...options })
  const url = row.url ?? 'http://s.test/'
  const ask = async (init?: RequestInit) => {
    for (let i = 0; i < (row.before ?? 0); i++) mesh.fetch(url).catch(() => {})
    await clock.advanceAsync(5)
    const asked = mesh.fetch(url, init)
    asked.catch(() => {})
    await clock.advanceAsync(2000)
    return asked
  }
  return { ask }
}

afterEach(() => void vi.restoreAllMocks())

describe.each(Object.entries(ROWS))('%s', (_, row) => {
  test('is answered with this status, these headers, this body, these flags and details', async () => {
    const response = await meshOf(row).ask()
    const { flags, details, attempts } = outcomeOf(response)!
    expect({ status: response.status, flags, details, attempts }).toEqual({
      status: row.status,
      flags: row.flags,
      details: row.details,
      attempts: row.attempts,
    })
    for (const [name, value] of Object.entries(row.headers ?? {})) expect([name, response.headers.get(name)]).toEqual([name, value])
    const text = await response.text()
    if (typeof row.body === 'string') expect(text).toBe(row.body)
    else expect(text).toMatch(row.body)
  })

  const grpc = { method: 'POST', headers: { 'content-type': 'application/grpc' }, body: new Uint8Array(5) }
  test.skipIf(row.grpc === undefined)('to gRPC: 200, and all of it in headers', async () => {
    const response = await meshOf(row).ask(grpc)
    const { flags, details } = outcomeOf(response)!
    expect([response.status, await response.text(), flags, details]).toEqual([200, '', row.flags, row.details])
    expect(response.headers.get('content-type')).toBe('application/grpc')
    expect(response.headers.get('grpc-status')).toBe(String(row.grpc))
    if (row.body === '') expect(response.headers.get('grpc-message')).toBe(null)
    else expect(response.headers.get('grpc-message')).toMatch(row.body)
  })

  test("localReplies: 'throw' gives an error with its code, to gRPC as well; a fallback is an answer", async () => {
    const throwing = () => meshOf(row, { localReplies: 'throw' })
    if (row.details === 'meshless_fallback') return expect((await throwing().ask()).status).toBe(row.status)
    for (const init of [undefined, grpc]) {
      const error: any = await throwing()
        .ask(init)
        .catch((e: unknown) => e)
      expect(error).toBeInstanceOf(Error)
      expect(error.code).toBe(row.code)
      if (row.code === undefined) expect([error.flags, error.details]).toEqual([row.flags, row.details])
    }
  })

  test.skipIf(row.observed === undefined)('observing says so and lets the call be', async () => {
    const real = vi
      .spyOn(globalThis, 'fetch')
      .mockImplementation(async () => new Response('real', { status: row.before === undefined ? 200 : 500 }))
    if (row.details === 'meshless_bulkhead_full') real.mockImplementationOnce(() => new Promise(() => {}))
    const response = await meshOf(row, { mode: 'observe' }).ask()
    const { flags, details } = outcomeOf(response)!
    expect([await response.text(), flags, details]).toEqual(['real', ...row.observed!])
  })
})

describe('what is no answer', () => {
  test.each(['response', 'throw'] as const)("the caller's own abort is thrown as it is (%s)", async localReplies => {
    const caller = new AbortController()
    const reason = { any: 'thing' }
    const { ask } = meshOf({ ...ROWS['route timeout']! }, { localReplies })
    caller.abort(reason)
    expect(await ask({ signal: caller.signal }).catch((e: unknown) => e)).toBe(reason)
  })
  test('misuse, and an ungoverned host that cannot be reached, fail as fetch does', async () => {
    const { ask } = meshOf({ ...ROWS['connecting refused']!, url: 'http://10.9.9.9/' })
    await expect(ask()).rejects.toBeInstanceOf(TypeError)
    await expect(meshOf({ ...ROWS['no route']!, url: 'http://' }).ask()).rejects.toBeInstanceOf(TypeError)
  })
  test('a status without a body loses the one it came with', async () => {
    for (const status of [204, 205, 304]) {
      const response = await meshOf({
        ...ROWS['no route']!,
        http: `route: [{ destination: { host: s.test } }]`,
        script: { status, body: 'x' },
      }).ask()
      expect([response.status, response.body]).toEqual([status, null])
    }
  })
})
