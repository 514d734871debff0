/**
 * The public contract, exercised as one reads it in the design: names, shapes, what is synchronous and what is a Promise. Whether each thing
 * computes the right figures is tested in its own room; this file is for those who call it from outside.
 */
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as meshless from '../src/index.ts'
import {
  adaptiveConcurrency,
  bind,
  bulkhead,
  CircuitOpenError,
  cache,
  circuitBreaker,
  collapse,
  command,
  connectionPool,
  createMesh,
  fallback,
  faultInjector,
  files,
  governAxios,
  governFetch,
  hedge,
  isRejection,
  keyed,
  loadBalancer,
  nodeTransport,
  outcomeOf,
  outlierDetector,
  pipeline,
  rateLimiter,
  registry,
  retry,
  timeLimiter,
  translate,
  upstream,
  validate,
  weightedRouter,
} from '../src/index.ts'
import * as policies from '../src/policies/index.ts'
import { fakeTransport, seededRandom, virtualClock } from '../src/testing/index.ts'

const HOST = 'reviews.default.svc.cluster.local'
const rules = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [${HOST}]
  ports: [{ number: 9080, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 10.0.0.1, labels: { version: v1 } }, { address: 10.0.0.2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: ${HOST}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [${HOST}]
  http: [{ route: [{ destination: { host: ${HOST}, subset: v2 } }] }]
---
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: reviews, namespace: default }
spec:
  targets: [{ host: ${HOST}, subset: v2 }]
  circuitBreaker: { failureRateThreshold: 50, slidingWindowSize: 100, waitDurationInOpenState: 60s, scope: destination }
  bulkhead: { maxConcurrentCalls: 25, maxWaitDuration: 0s, queueCapacity: 0 }
  rateLimiter: { limitForPeriod: 100, limitRefreshPeriod: 1s, timeoutDuration: 0s }
  timeLimiter: { timeoutDuration: 2s }
  fallback: { directResponse: { status: 200, body: { string: "[]" } } }
  hedge: { delay: 50ms, maxHedgedRequests: 1 }
  cache: { ttl: 1s, maxEntries: 1000, maxBytes: 10Mi, coalesce: true }
`

describe('policies', () => {
  test('breaker: states, permits settled once, manual states, update, toJSON and restore, events', () => {
    const clock = virtualClock()
    const breaker = circuitBreaker(
      { failureRateThreshold: 50, waitDurationInOpenState: '60s' },
      { name: 'b', clock, random: seededRandom(1) },
    )
    expect(breaker.state).toBe('CLOSED')
    const moves: string[] = []
    const off = breaker.on('transition', e => moves.push(`${e.from} ${e.to}`))

    breaker.tryAcquire()!.succeed('answer')
    breaker.tryAcquire()!.succeed('answer', 5)
    const permit = breaker.tryAcquire()!
    permit.fail(new Error('no'), 100)
    permit.fail(new Error('again'))
    permit.succeed()
    breaker.tryAcquire()!.release()
    expect(breaker.metrics).toMatchObject({
      failureRate: -1,
      slowCallRate: -1,
      numberOfBufferedCalls: 3,
      numberOfFailedCalls: 1,
      numberOfSuccessfulCalls: 2,
      numberOfSlowCalls: 0,
      numberOfSlowSuccessfulCalls: 0,
      numberOfSlowFailedCalls: 0,
      numberOfNotPermittedCalls: 0,
    })

    breaker.forceOpen()
    expect([breaker.state, breaker.tryAcquire()]).toEqual(['FORCED_OPEN', undefined])
    breaker.disable()
    expect(breaker.state).toBe('DISABLED')
    breaker.metricsOnly()
    expect(breaker.state).toBe('METRICS_ONLY')
    breaker.close()
    breaker.open({ for: '2s' })
    expect(breaker.state).toBe('OPEN')
    const saved = JSON.parse(JSON.stringify(breaker))
    expect(saved).toMatchObject({ state: 'OPEN', remaining: 2000 })
    clock.advance(2001)
    breaker.tryAcquire()!.release()
    expect(breaker.state).toBe('HALF_OPEN')
    breaker.reset()
    breaker.open()
    breaker.halfOpen()
    expect(breaker.state).toBe('HALF_OPEN')
    breaker.reset()
    breaker.update({ failureRateThreshold: 20 })
    expect(breaker.state).toBe('CLOSED')
    expect(moves).toContain('CLOSED OPEN')
    off()

    expect(circuitBreaker({}, { clock: virtualClock(), restore: { ...saved, at: 0 } }).state).toBe('OPEN')
  })

  test('limiter: reserve is synchronous, ms to wait or -1', () => {
    const limiter = rateLimiter({ limitForPeriod: 2, limitRefreshPeriod: '1s', timeoutDuration: '1s' }, { clock: virtualClock() })
    expect([limiter.reserve(2), limiter.reserve(1), limiter.reserve(2)]).toEqual([0, 1000, -1])
    limiter.drain()
    expect(limiter.metrics).toMatchObject({ availablePermissions: -1, numberOfWaitingThreads: 0 })
  })

  test('slots: tryAcquire is synchronous, acquire waits and hears its signal', async () => {
    const slots = bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: '1s' }, { clock: virtualClock() })
    const held = slots.tryAcquire()!
    expect(slots.tryAcquire()).toBeUndefined()
    const caller = new AbortController()
    const waiting = slots.acquire({ signal: caller.signal })
    expect(waiting).toBeInstanceOf(Promise)
    caller.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    const next = slots.acquire()
    held.release()
    ;(await next).succeed('answer')
    expect(slots.metrics).toMatchObject({ availableConcurrentCalls: 1, maxAllowedConcurrentCalls: 1 })
  })

  test('adaptive: samples from outside move the limit', () => {
    const adaptive = adaptiveConcurrency(
      { algorithm: 'aimd', initialLimit: 10, minLimit: 1 },
      { clock: virtualClock(), random: seededRandom(1) },
    )
    expect(adaptive.limit).toBe(10)
    expect(adaptive.sample(0, 20, 10, true)).toBeUndefined()
    expect(adaptive.limit).toBe(9)
  })

  test('the pipeline of the design: execute, wrap, wrap of bind', async () => {
    const guard = pipeline(
      fallback(() => 'instead', { handle: CircuitOpenError }),
      retry(),
      circuitBreaker(),
      timeLimiter({ timeoutDuration: '1s' }),
      bulkhead(),
    )
    expect(await guard.execute(call => `${call.attempt} ${call.signal.aborted}`, { signal: new AbortController().signal })).toBe('1 false')
    const self = {
      at: 'users',
      get: guard.wrap(async function get(this: { at: string }, id: number) {
        return `${this.at} ${id}`
      }),
    }
    expect(await self.get(7)).toBe('users 7')
    const load = guard.wrap(bind((call, id: string) => `${id} ${call.attempt}`))
    expect(await load('a')).toBe('a 1')
    expect(guard.describe().inner!.map(policy => policy.kind)).toEqual(['fallback', 'retry', 'circuitBreaker', 'timeLimiter', 'bulkhead'])
  })

  test('keyed, hedge, cache, faultInjector, collapse, command, registry', async () => {
    const perHost = keyed(
      call => call.host,
      host => circuitBreaker({}, { name: host }),
      { max: 1000 },
    )
    expect(await pipeline(perHost, hedge(), cache({ ttl: '1s' }), faultInjector()).execute(() => 1, { host: 'a' })).toBe(1)
    expect(perHost.get('a')!.name).toBe('a')

    const clock = virtualClock()
    const batch = collapse(async (ids: readonly number[]) => ids.map(id => id * 10), { maxSize: 2, maxWait: 5 }, { clock })
    expect(await Promise.all([batch(1), batch(2)])).toEqual([10, 20])

    const cmd = command('GetUser', async (id: string) => `user ${id}`, { getFallback: () => 'guest' })
    expect(await cmd('1')).toBe('user 1')

    const all = registry({ configs: { default: { circuitBreaker: { slidingWindowSize: 5 } } } })
    expect(all.circuitBreaker('a').describe().options).toMatchObject({ slidingWindowSize: 5 })
  })

  test('detector, split, balancer, pool, upstream: the kernels of the engine', async () => {
    const detector = outlierDetector(
      { consecutive5xxErrors: 2, interval: '1s', baseEjectionTime: '2s', maxEjectionPercent: 100 },
      { hosts: ['a', 'b'], random: seededRandom(1) },
    )
    for (const result of [{ status: 200 }, 'connected', 'timeout', { status: 500 }] as const) detector.report('a', result, 0)
    for (const result of ['reset', 'connect-failure'] as const) detector.report('b', result, 0)
    expect(detector.isEjected('a')).toBe(true)
    detector.advance(3000)
    expect(detector.isEjected('a')).toBe(false)

    const split = weightedRouter(
      [
        { destination: { host: 'a' }, weight: 1 },
        { destination: { host: 'b' }, weight: 99 },
      ],
      { random: seededRandom(1), by: () => undefined },
    )
    expect(split.pick().host).toBe('b')

    const balancer = loadBalancer(
      { simple: 'ROUND_ROBIN' },
      { endpoints: [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }], random: seededRandom(1) },
    )
    const { endpoint, release } = balancer.pick()!
    expect(endpoint.address).toMatch(/^10\.0\.0\.[12]:80$/)
    release()
    expect(balancer.pick('a key')!.endpoint.address).not.toBe(endpoint.address)

    expect(await connectionPool({ tcp: { maxConnections: 1 } }).execute(() => 2)).toBe(2)
    const pool = upstream({
      endpoints: [{ address: '10.0.0.9:80' }],
      loadBalancer: { simple: 'RANDOM' },
      outlierDetection: { consecutive5xxErrors: 5 },
      connectionPool: { tcp: { maxConnections: 10 } },
    })
    expect(await pool.execute(call => call.endpoint.address)).toBe('10.0.0.9:80')
    expect(await split.execute(call => call.destination.host)).toBe('b')
  })

  test('an error has a class, a code and a brand; a rejection never reached the callee', async () => {
    const breaker = circuitBreaker()
    breaker.forceOpen()
    const error = await breaker.execute(() => 1).catch(e => e)
    expect(error).toBeInstanceOf(CircuitOpenError)
    expect([error.code, isRejection(error), isRejection(new Error('x'))]).toEqual(['ERR_CIRCUIT_OPEN', true, false])
    const codes = {
      CircuitOpenError: 'ERR_CIRCUIT_OPEN',
      BulkheadFullError: 'ERR_BULKHEAD_FULL',
      RateLimitedError: 'ERR_RATE_LIMITED',
      TimeLimitError: 'ERR_TIME_LIMIT',
      FaultInjectedError: 'ERR_FAULT_INJECTED',
      OverflowError: 'ERR_OVERFLOW',
      NoHealthyEndpointError: 'ERR_NO_HEALTHY_ENDPOINT',
      SheddedError: 'ERR_SHEDDED',
    } as const
    for (const [name, code] of Object.entries(codes)) {
      const made = new (meshless as any)[name]('message')
      expect([made.name, made.code]).toEqual([name, code])
      expect((policies as any)[name]).toBe((meshless as any)[name])
    }
    expect(() => createMesh({ rules: 'kind: VirtualService' })).toThrow(expect.objectContaining({ code: 'ERR_RULES' }))
  })

  test('governFetch and governAxios take a guard', async () => {
    const breaker = circuitBreaker()
    const governed = governFetch(async () => new Response('no', { status: 503 }), breaker)
    expectTypeOf(governed).toEqualTypeOf<typeof fetch>()
    expect((await governed('http://users/1')).status).toBe(503)
    expect(breaker.metrics.numberOfFailedCalls).toBe(1)
    expect(typeof governAxios).toBe('function')
  })
})

describe('mesh', () => {
  const make = () => {
    const clock = virtualClock(0)
    const transport = fakeTransport(
      { '10.0.0.1:9080': { body: 'v1' }, '10.0.0.2:9080': { body: 'v2' }, '10.0.0.3:9080': { body: 'v3' } },
      { clock },
    )
    return createMesh({
      rules,
      sources: [],
      workload: { namespace: 'default', labels: { app: 'web', version: 'v1' }, locality: 'eu/eu-1/a', domain: 'cluster.local' },
      meshConfig: { outboundTrafficPolicy: { mode: 'ALLOW_ANY' } },
      strict: false,
      discovery: { unlisted: 'none' },
      mode: 'enforce',
      localReplies: 'response',
      clock,
      random: seededRandom(1),
      transport,
      limits: { abandonedBodyTimeout: '30s', retryBufferLimit: '1Mi', dynamicHosts: 1000 },
    })
  }

  test('the walk of the design: ready, fetch, outcomeOf, explain, snapshot, setEndpoints, breaker, eject, apply, patch, plan, history, rollback, close', async () => {
    const mesh = make()
    await mesh.ready({ timeout: '1s' })
    const response = await mesh.fetch('http://reviews:9080/reviews/1', { method: 'POST' })
    expect(await response.text()).toBe('v2')
    expect(outcomeOf(response)).toMatchObject({
      flags: '',
      details: 'via_upstream',
      cluster: `outbound|9080|v2|${HOST}`,
      endpoint: '10.0.0.2:9080',
      attempts: 1,
    })

    const explained = mesh.explain({ method: 'GET', url: 'http://reviews:9080/reviews/1', headers: {} })
    expect(JSON.stringify(explained)).toContain(`outbound|9080|v2|${HOST}`)
    const { version, clusters, policies: kept, stats, routes, sources } = JSON.parse(JSON.stringify(mesh.snapshot()))
    expect(version).toBe(1)
    const cluster = clusters[`outbound|9080|v2|${HOST}`]
    expect(cluster.endpoints).toEqual([
      expect.objectContaining({
        address: '10.0.0.2:9080',
        labels: expect.objectContaining({ version: 'v2' }),
        priority: 0,
        weight: 1,
        health: 'healthy',
        active: 0,
      }),
    ])
    expect(cluster.stats.upstream_rq_total).toBe(1)
    for (const part of [kept, stats, routes, sources]) expect(part).toBeTypeOf('object')

    const key = `${HOST}|v2|9080`
    expect(mesh.breaker(key).state).toBe('CLOSED')
    mesh.breaker(key).forceOpen()
    expect(mesh.breaker(key).state).toBe('FORCED_OPEN')
    const instead = await mesh.fetch('http://reviews:9080/reviews/2', { method: 'POST' })
    expect([instead.status, await instead.text()]).toEqual([200, '[]'])
    mesh.breaker(key).close()

    const heard: unknown[] = []
    const off = mesh.on('ejection', e => heard.push(e), { signal: new AbortController().signal })
    mesh.eject(`outbound|9080|v2|${HOST}`, '10.0.0.2:9080', { for: '5m' })
    expect(heard).toHaveLength(1)
    expect(mesh.snapshot().clusters[`outbound|9080|v2|${HOST}`]!.endpoints[0]!.health).toBe('ejected')
    mesh.uneject(`outbound|9080|v2|${HOST}`, '10.0.0.2:9080')
    off()

    expect(mesh.setEndpoints(`outbound|9080|v2|${HOST}`, [{ address: '10.0.0.3:9080' }])).toBeUndefined()
    expect(await (await mesh.fetch('http://reviews:9080/', { method: 'POST' })).text()).toBe('v3')

    expect(mesh.plan('kind: nonsense')).toBeTypeOf('object')
    const wrong = await mesh.apply('apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: x }\nspec: { hosts: 5 }')
    expect(wrong).toMatchObject({ accepted: false, errors: expect.any(Array), warnings: expect.any(Array) })
    expect(await mesh.apply(rules)).toMatchObject({ accepted: true, warnings: expect.any(Array) })
    const patched = await mesh.patch(
      { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'reviews' }, $delete: true },
      { ifVersion: mesh.snapshot().version },
    )
    expect(patched.accepted).toBe(true)
    expect(mesh.history().length).toBeGreaterThanOrEqual(2)
    expect((await mesh.rollback(1)).accepted).toBe(true)
    await mesh.close({ drain: '0s' })
    await mesh.close()
  })

  test('validate and translate are synchronous and need no mesh', () => {
    const [fault] = validate(
      'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: x }\nspec:\n  hosts: [a.b]\n  http: 5',
      { strict: true, lint: true },
    )
    expect(fault).toMatchObject({ severity: 'error', code: expect.any(String), message: expect.any(String), line: 6, column: 3 })
    const { clusters, routes, endpoints } = translate(rules, { workload: { namespace: 'default' }, meshConfig: {} })
    expect(clusters.map(c => c.name)).toContain(`outbound|9080|v2|${HOST}`)
    for (const part of [routes, endpoints]) expect(part.length).toBeGreaterThan(0)
    expect(() => files('./rules', { watch: true })).not.toThrow()
    expect(() => nodeTransport({ connectTo: () => undefined })).not.toThrow()
  })
})
