import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../../src/base/time/virtual-clock.ts'
import { pipeline } from '../../../../src/core/pipeline.ts'
import { retry } from '../../../../src/policies/retry/index.ts'
import { connectionPool } from '../../../../src/traffic/upstream/factories/connection-pool.ts'

const gate = () => {
  let open!: (value?: unknown) => void
  const shut = new Promise(resolve => {
    open = resolve
  })
  return { shut, open }
}
const settle = () => new Promise(resolve => setImmediate(resolve))

test('so many run, so many wait, the rest is refused at once', async () => {
  const pool = connectionPool({ tcp: { maxConnections: 2 }, http: { http1MaxPendingRequests: 1 } }, { name: 'reviews' })
  const overflows: unknown[] = []
  pool.on('overflow', e => overflows.push(e))
  const { shut, open } = gate()
  let running = 0
  let most = 0
  const calls = Array.from({ length: 5 }, () =>
    pool.execute(async () => {
      most = Math.max(most, ++running)
      await shut
      running--
      return 1
    }),
  )
  const results = Promise.allSettled(calls)
  await settle()
  expect(pool.stats).toMatchObject({ upstream_rq_active: 2, upstream_rq_pending_active: 1, 'circuit_breakers.default.cx_open': 1 })
  open()
  expect((await results).map(r => (r.status === 'fulfilled' ? r.value : r.reason.code))).toEqual([1, 1, 1, 'ERR_OVERFLOW', 'ERR_OVERFLOW'])
  await expect(calls[3]).rejects.toThrow('connection pool reviews: overflow: the limit of 1 pending requests is reached')
  expect([most, overflows.length]).toEqual([2, 2])
  expect(pool.stats).toMatchObject({
    upstream_rq_active: 0,
    upstream_rq_pending_active: 0,
    upstream_cx_active: 0,
    upstream_rq_pending_overflow: 2,
  })
})

test('http2MaxRequests refuses, it does not queue', async () => {
  const pool = connectionPool({ http: { http2MaxRequests: 1 } })
  const { shut, open } = gate()
  const first = pool.execute(() => shut)
  await expect(pool.execute(() => 1)).rejects.toMatchObject({ code: 'ERR_OVERFLOW' })
  open()
  await first
  expect(await pool.execute(() => 1)).toBe(1)
})

test('maxRetries bounds tries beyond the first', async () => {
  const pool = connectionPool({ http: { maxRetries: 1 } })
  const clock = virtualClock()
  const guard = pipeline(retry({ attempts: 1, backoff: 1 }, { clock }), pool)
  const { shut, open } = gate()
  const stuck = guard.execute(async call => {
    if (call.attempt === 1) throw new Error('again')
    await shut
    return 'late'
  })
  await clock.advanceAsync(100)
  const refused = guard.execute(() => {
    throw new Error('bad')
  })
  await Promise.all([expect(refused).rejects.toThrow(), clock.advanceAsync(100)])
  expect(pool.stats['circuit_breakers.default.rq_retry_open']).toBe(1)
  open()
  expect(await stuck).toBe('late')
  expect(pool.stats['circuit_breakers.default.rq_retry_open']).toBe(0)
})

test('who is aborted while waiting leaves the queue; who is aborted while running holds the place until the work ends', async () => {
  const pool = connectionPool({ tcp: { maxConnections: 1 } })
  const { shut, open } = gate()
  const running = pool.execute(() => shut)
  const controller = new AbortController()
  const waiting = pool.execute(() => 1, { signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(pool.stats).toMatchObject({ upstream_rq_pending_active: 0, upstream_rq_active: 1 })
  open()
  await running
  expect(pool.stats['upstream_rq_active']).toBe(0)
})

test('a raised limit lets those in who wait', async () => {
  const pool = connectionPool({ tcp: { maxConnections: 1 } })
  const { shut, open } = gate()
  const first = pool.execute(() => shut)
  const second = pool.execute(() => 'in')
  pool.update({ tcp: { maxConnections: 2 } })
  expect(await second).toBe('in')
  open()
  await first
})

describe('options', () => {
  test('a 0 is no limit, as in Istio', async () => {
    const pool = connectionPool({ tcp: { maxConnections: 0 }, http: { http1MaxPendingRequests: 0 } })
    expect(await Promise.all(Array.from({ length: 50 }, (_, i) => pool.execute(() => i)))).toHaveLength(50)
  })
  test('what is about connections is said to be without effect here', () => {
    const { warnings } = connectionPool({ tcp: { connectTimeout: '1s' }, http: { maxRequestsPerConnection: 1 } }).describe()
    expect(warnings).toEqual([expect.stringContaining('tcp.connectTimeout'), expect.stringContaining('http.maxRequestsPerConnection')])
  })
  test('wrong ones are named', () => {
    expect(() => connectionPool({ tcp: { maxConnections: -1 } })).toThrow(/tcp.maxConnections: -1 is out of range/)
  })
})

test('whatever happens, limits hold and gauges end at zero', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.nat(3),
      fc.array(fc.record({ fails: fc.boolean(), ticks: fc.nat(3), abort: fc.boolean() }), { minLength: 1, maxLength: 30 }),
      async (maxConnections, pending, works) => {
        const pool = connectionPool({ tcp: { maxConnections }, http: { http1MaxPendingRequests: pending } })
        let running = 0
        const results = await Promise.allSettled(
          works.map(({ fails, ticks, abort }) => {
            const controller = new AbortController()
            const call = pool.execute(
              async () => {
                expect(++running).toBeLessThanOrEqual(maxConnections)
                for (let i = 0; i < ticks; i++) await null
                running--
                if (fails) throw new Error('bad')
                return 'good'
              },
              { signal: controller.signal },
            )
            if (abort) controller.abort(new Error('gone'))
            return call
          }),
        )
        for (const r of results)
          expect(r.status === 'fulfilled' ? r.value : r.reason.message).toMatch(/^(good|bad|gone|connection pool: overflow.*)$/)
        await settle()
        expect(pool.stats).toMatchObject({ upstream_rq_active: 0, upstream_rq_pending_active: 0, upstream_cx_active: 0 })
      },
    ),
  ))
