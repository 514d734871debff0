import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/time/random.ts'
import { virtualClock } from '../../../../src/base/time/virtual-clock.ts'
import { TimeLimitError } from '../../../../src/core/errors.ts'
import { pipeline } from '../../../../src/core/pipeline.ts'
import { retry } from '../../../../src/policies/retry/index.ts'
import { type UpstreamOptions, upstream } from '../../../../src/traffic/upstream/factories/upstream.ts'
import { FakeWire } from '../support.ts'

const ENDPOINTS = [{ address: 'a:80' }, { address: 'b:80' }, { address: 'c:80' }]
const DETECTION = { consecutive5xxErrors: 2, interval: '1s', baseEjectionTime: '2s', maxEjectionPercent: 100 } as const
const make = (options: Partial<UpstreamOptions> = {}, around = {}) => {
  const clock = virtualClock()
  const pool = upstream(
    { endpoints: ENDPOINTS, loadBalancer: { simple: 'ROUND_ROBIN' }, ...options },
    { clock, random: seededRandom(1), ...around },
  )
  const where = (result: unknown = { status: 200 }) =>
    pool.execute(call => ({ ...(result as object), at: `${call.endpoint}` })).then(r => r.at)
  return { clock, pool, where }
}

test('each call gets an endpoint, whose text is its address and which is a copy', async () => {
  const { pool, where } = make()
  expect([await where(), await where(), await where()].sort()).toEqual(['a:80', 'b:80', 'c:80'])
  await pool.execute(call => {
    expect(call.endpoint).toEqual({ address: String(call.endpoint) })
    expect(ENDPOINTS).not.toContain(call.endpoint)
    expect(Object.isFrozen(call.endpoint)).toBe(true)
  })
})

test('who fails is taken out, told of, and taken back by a sweep', async () => {
  const { clock, pool } = make({ outlierDetection: DETECTION })
  const log: string[] = []
  pool.on('ejection', e => log.push(`-${e.endpoint} ${e.until}`))
  pool.on('unejection', e => log.push(`+${e.endpoint}`))
  const call = () => pool.execute(c => ({ status: String(c.endpoint) === 'a:80' ? 503 : 200 }))
  for (let i = 0; i < 6; i++) await call()
  expect(log).toEqual(['-a:80 2000'])
  expect(pool.snapshot()).toMatchObject({
    endpoints: [{ address: 'a:80', health: 'ejected', ejectedUntil: 2000, active: 0 }, { health: 'healthy' }, { health: 'healthy' }],
    stats: { 'outlier_detection.ejections_active': 1, membership_total: 3, membership_healthy: 2 },
  })
  clock.advance(2000)
  expect(log).toEqual(['-a:80 2000', '+a:80'])
})

describe('what an error says of the endpoint', () => {
  const kinds = { consecutive5xxErrors: 0, consecutiveGatewayErrors: 1, maxEjectionPercent: 100 }
  const ejects = async (error: unknown, options: object = {}, signal?: AbortSignal) => {
    const { pool } = make({ endpoints: [{ address: 'a' }], outlierDetection: kinds, ...options })
    await pool
      .execute(
        () => {
          throw error
        },
        { signal },
      )
      .catch(() => {})
    return pool.snapshot().endpoints[0]!.health === 'ejected'
  }
  test.each([
    [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), true],
    [new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) }), true],
    [new TimeLimitError('slow'), true],
    [Object.assign(new Error('http'), { status: 404 }), false],
    [Object.assign(new Error('axios'), { response: { status: 503 } }), true],
    [new Error('anything'), true],
  ])('%s', async (error, out) => expect(await ejects(error)).toBe(out))
  test('the hook decides when there is one', async () => {
    expect(await ejects(new Error('mine'), { outcome: () => undefined })).toBe(false)
    expect(await ejects(new Error('mine'), { outcome: () => 'timeout' })).toBe(true)
  })
  test('the caller giving up says nothing', async () => {
    const { pool } = make({ endpoints: [{ address: 'a' }], outlierDetection: kinds })
    const controller = new AbortController()
    const call = pool.execute(
      async c => {
        controller.abort(new Error('enough'))
        throw c.signal.reason
      },
      { signal: controller.signal },
    )
    await expect(call).rejects.toThrow('enough')
    expect(pool.snapshot().endpoints[0]!.health).toBe('healthy')
  })
  test('with split, failures to connect have their own row, and an answer ends it', async () => {
    const { pool } = make({
      endpoints: [{ address: 'a' }],
      outlierDetection: { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2, maxEjectionPercent: 100 },
    })
    const refused = () => pool.execute(() => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).catch(() => {})
    await refused()
    await pool.execute(() => 1)
    await refused()
    expect(pool.snapshot().endpoints[0]!.health).toBe('healthy')
    await refused()
    expect(pool.snapshot().endpoints[0]!.health).toBe('ejected')
  })
})

test('nobody left: NoHealthyEndpointError, unless panic says that all are asked', async () => {
  const { pool, where } = make()
  for (const { address } of ENDPOINTS) pool.eject(address)
  await expect(where()).rejects.toMatchObject({ code: 'ERR_NO_HEALTHY_ENDPOINT' })
  pool.update({ outlierDetection: { minHealthPercent: 50 } })
  expect(await where()).toMatch(/:80/)
  expect(pool.snapshot().stats['lb_healthy_panic']).toBe(1)
})

test('a retry prefers another endpoint', async () => {
  const { pool } = make({ loadBalancer: { simple: 'RANDOM' }, endpoints: ENDPOINTS.slice(0, 2) })
  const guard = pipeline(retry({ attempts: 1, backoff: 1 }), pool)
  let elsewhere = 0
  for (let i = 0; i < 20; i++) {
    const seen: string[] = []
    await guard
      .execute(call => {
        seen.push(String(call.endpoint))
        throw new Error('again')
      })
      .catch(() => {})
    if (new Set(seen).size === 2) elsewhere++
  }
  expect(elsewhere).toBeGreaterThan(17) // six looks by chance: one in 64 finds the same again
})

test('a key keeps its endpoint', async () => {
  const { pool } = make({ loadBalancer: { consistentHash: { maglev: {} } }, by: call => call.context as string })
  const at = (context: string) => pool.execute(call => String(call.endpoint), { context })
  for (let i = 0; i < 20; i++) expect(await at(`k${i}`)).toBe(await at(`k${i}`))
})

describe('limits', () => {
  test('hold over all endpoints, and everything is given back', async () => {
    const { pool } = make({ connectionPool: { tcp: { maxConnections: 3 }, http: { http1MaxPendingRequests: 2 } } })
    let release!: () => void
    const shut = new Promise<void>(resolve => {
      release = resolve
    })
    const calls = Promise.allSettled(Array.from({ length: 7 }, () => pool.execute(() => shut)))
    await null
    expect(pool.snapshot().endpoints.map(e => e.active)).toEqual([1, 1, 1])
    release()
    expect((await calls).map(c => c.status === 'fulfilled')).toEqual([true, true, true, true, true, false, false])
    const { stats, endpoints } = pool.snapshot()
    expect([
      endpoints.map(e => e.active),
      stats['upstream_rq_active'],
      stats['upstream_cx_active'],
      stats['upstream_rq_pending_active'],
    ]).toEqual([[0, 0, 0], 0, 0, 0])
  })
  test('an overflow is charged to nobody', async () => {
    const { pool } = make({
      endpoints: [{ address: 'a' }],
      outlierDetection: { ...DETECTION, consecutive5xxErrors: 1 },
      connectionPool: { http: { http2MaxRequests: 1 } },
    })
    const slow = pool.execute(() => new Promise(resolve => setImmediate(resolve)))
    await expect(pool.execute(() => 1)).rejects.toMatchObject({ code: 'ERR_OVERFLOW' })
    await slow
    expect(pool.snapshot().endpoints[0]!.health).toBe('healthy')
  })
})

test('endpoints that come back keep their ejection; by hand it has its time', async () => {
  const { clock, pool, where } = make()
  pool.eject('a:80', { for: '1m' })
  pool.setEndpoints([{ address: 'b:80' }])
  pool.setEndpoints(ENDPOINTS.slice(0, 2))
  expect([await where(), await where()]).toEqual(['b:80', 'b:80'])
  clock.advance(60_000)
  expect(new Set([await where(), await where()]).size).toBe(2)
  expect(() => pool.eject('nobody')).toThrow(/no endpoint nobody; known: a:80, b:80/)
})

test('health checks need a transport and run on it', async () => {
  expect(() => make({ healthChecks: [{ tcpHealthCheck: {} }] })).toThrow(/nothing to check with/)
  const wire = new FakeWire()
  const { pool, where } = make({ healthChecks: [{ tcpHealthCheck: {}, unhealthyThreshold: 1 }] }, { transport: wire })
  wire.connections[1]!.connect()
  wire.connections[0]!.fail()
  wire.connections[2]!.fail()
  await pool.ready()
  expect([await where(), await where()]).toEqual(['b:80', 'b:80'])
  pool.close()
})
