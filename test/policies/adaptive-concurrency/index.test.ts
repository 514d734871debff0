/** The adaptive limit round real calls: what is let in, what becomes a sample, what is left behind. The algorithms are held by recordings. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/time/random.ts'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { BulkheadFullError, CircuitOpenError, isRejection, reject, TimeLimitError } from '../../../src/core/errors.ts'
import { pipeline } from '../../../src/core/pipeline.ts'
import {
  type AdaptiveConcurrencyOptions,
  type AdaptivePermit,
  adaptiveConcurrency,
} from '../../../src/policies/adaptive-concurrency/index.ts'
import { timeLimiter } from '../../../src/policies/time-limiter/index.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'
import { deferred, expectNothingLeft, settled } from '../leaks.ts'

const make = (options: AdaptiveConcurrencyOptions<any> = {}) => {
  const clock = virtualClock(1000)
  const around = { clock, random: seededRandom(7), name: 'api' }
  return { clock, adaptive: adaptiveConcurrency({ algorithm: 'aimd', initialLimit: 2, minLimit: 1, ...options }, around) }
}

describe('letting in', () => {
  test('looking and taking are one step: a burst never runs over the limit', async () => {
    const { clock, adaptive } = make()
    const works = [deferred(), deferred()]
    let running = 0
    const rejected: unknown[] = []
    adaptive.on('rejected', e => rejected.push(e))
    const outcomes = await Promise.all([
      ...works.map(work => {
        adaptive.execute(() => (running++, work.promise))
      }),
      ...Array.from({ length: 5 }, () => adaptive.execute(() => running++).catch(e => e)),
    ])
    expect([running, adaptive.metrics.inflight, rejected.length]).toEqual([2, 2, 5])
    const error = outcomes[3]
    expect(error).toBeInstanceOf(BulkheadFullError)
    expect([error.message, isRejection(error)]).toEqual(['adaptive limit api is reached: 2 of 2 calls run', true])
    for (const work of works) work.resolve()
    await settled()
    expect(adaptive.metrics.inflight).toBe(0)
    expectNothingLeft(clock)
  })
  test('a call weighs as much as its caller says', () => {
    const { adaptive } = make()
    const heavy = adaptive.tryAcquire({ weight: 2 })!
    expect(adaptive.tryAcquire()).toBeUndefined()
    heavy.release()
    expect(adaptive.metrics.inflight).toBe(0)
    expect(() => adaptive.tryAcquire({ weight: 0 })).toThrow(RangeError)
  })
})

describe('what becomes a sample', () => {
  const counts = ({ metrics }: ReturnType<typeof make>['adaptive']) => [
    metrics.numberOfSuccessfulCalls,
    metrics.numberOfDroppedCalls,
    metrics.numberOfIgnoredCalls,
  ]
  test('success grows the limit, a timeout shrinks it and holds its place until the work has ended', async () => {
    const { clock, adaptive } = make({ initialLimit: 4 })
    const changes: unknown[] = []
    adaptive.on('limitChanged', e => changes.push(e))
    const guard = pipeline(adaptive, timeLimiter({ timeoutDuration: 50 }, { clock }))
    const slow = deferred()
    const done = guard.execute(() => slow.promise).catch(e => e)
    await clock.advanceAsync(50)
    expect(await done).toBeInstanceOf(TimeLimitError)
    expect([adaptive.limit, adaptive.metrics.inflight, counts(adaptive)]).toEqual([3, 1, [0, 1, 0]])
    slow.resolve()
    await settled()
    expect(adaptive.metrics.inflight).toBe(0)
    adaptive.tryAcquire()
    await adaptive.execute(() => 1)
    expect([adaptive.limit, changes]).toEqual([
      4,
      [
        { from: 4, to: 3 },
        { from: 3, to: 4 },
      ],
    ])
  })
  test('rejections, the abort of the caller and errors that are no sign of load say nothing', async () => {
    const { adaptive } = make()
    const controller = new AbortController()
    await adaptive.execute(() => Promise.reject(reject(CircuitOpenError, 'open'))).catch(() => {})
    await adaptive.execute(() => Promise.reject(new Error('bug'))).catch(() => {})
    const aborted = adaptive.execute(call => new Promise((_, no) => call.signal.addEventListener('abort', () => no(call.signal.reason))), {
      signal: controller.signal,
    })
    controller.abort('gone')
    await aborted.catch(() => {})
    expect([counts(adaptive), adaptive.limit, adaptive.metrics.inflight]).toEqual([[0, 0, 3], 2, 0])
  })
  test.each([
    { code: 'ETIMEDOUT' },
    { name: 'TimeoutError' },
    { cause: { code: 'UND_ERR_HEADERS_TIMEOUT' } },
    { status: 503 },
    { statusCode: 429 },
    { response: { status: 504 } },
  ])('an error like %j is a drop', async like => {
    const { adaptive } = make()
    await adaptive.execute(() => Promise.reject(Object.assign(new Error('x'), like))).catch(() => {})
    expect(counts(adaptive)).toEqual([0, 1, 0])
  })
  test('hooks say what a drop is, also of a result; one that throws is reported and counts as none', async () => {
    const { adaptive } = make({ isDrop: (error: any, result: any) => (result ?? error).status === 503 })
    await adaptive.execute(() => ({ status: 503 }))
    await adaptive.execute(() => ({ status: 200 }))
    const warned = new Promise(resolve => process.once('warning', resolve))
    await adaptive.execute(() => undefined)
    await warned
    expect(counts(adaptive)).toEqual([2, 1, 0])
    const named = make({ dropErrors: ['EBUSY'] }).adaptive
    for (const code of ['EBUSY', 'ETIMEDOUT'])
      await named.execute(() => Promise.reject(Object.assign(new Error(code), { code }))).catch(() => {})
    expect(counts(named)).toEqual([0, 1, 1])
    const byStatus = make({ dropStatus: [503] }).adaptive
    for (const status of [200, 503, 504]) await byStatus.execute(() => ({ status }))
    await byStatus.execute(() => null)
    expect(counts(byStatus)).toEqual([3, 1, 0])
  })
  test('a permit counts once', () => {
    const { clock, adaptive } = make()
    const permit: AdaptivePermit = adaptive.tryAcquire()!
    clock.advance(10)
    permit.succeed()
    permit.fail(new TimeLimitError('late'))
    permit.release()
    adaptive.tryAcquire()!.fail(new TimeLimitError('slow'), 6000)
    adaptive.tryAcquire()!.release()
    expect([counts(adaptive), adaptive.metrics.inflight]).toEqual([[1, 1, 1], 0])
  })
  test('a clock too coarse for a call moves nothing, and never makes a limit that is no number', () => {
    for (const algorithm of ['vegas', 'gradient2'] as const) {
      const { adaptive } = make({ algorithm, initialLimit: 20 })
      for (let i = 0; i < 50; i++) adaptive.sample(i, 0, 20, false)
      expect(adaptive.limit).toBe(20)
    }
  })
})

test('update keeps the limit as far as the new settings allow', () => {
  const { adaptive } = make({ initialLimit: 50 })
  adaptive.update({ maxLimit: 30 })
  expect(adaptive.limit).toBe(30)
  adaptive.update({ algorithm: 'vegas' })
  expect([adaptive.limit, adaptive.describe().options['algorithm']]).toEqual([30, 'vegas'])
  adaptive.update({ algorithm: 'settable', limit: 5 })
  expect(adaptive.limit).toBe(5)
  expect(() => adaptive.update({ algorithm: 'aimd' })).toThrow('finds its own limit')
  expect(() => adaptiveConcurrency({ maxLimit: 3, maxConcurrency: 3 })).toThrow('same option')
  expect(() => adaptiveConcurrency({ window: { windowSize: 20, percentile: 0.9 } })).toThrow('window.percentileSamples')
  expect(adaptive.limit).toBe(5)
})

test(
  'any sequence of calls, ends, samples and updates stays within its bounds and loses no place',
  () => {
    let operations = 0
    const op = fc.oneof(
      { weight: 6, arbitrary: fc.record({ op: fc.constant('acquire' as const), weight: fc.constantFrom(1, 1, 1, 2) }) },
      {
        weight: 5,
        arbitrary: fc.record({ op: fc.constant('end' as const), pick: fc.nat(), how: fc.constantFrom('ok', 'drop', 'bug', 'release') }),
      },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 40 }) }) },
      {
        weight: 1,
        arbitrary: fc.record({ op: fc.constant('sample' as const), rtt: fc.nat(9000), inflight: fc.nat(40), dropped: fc.boolean() }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          op: fc.constant('update' as const),
          minLimit: fc.integer({ min: 1, max: 5 }),
          maxLimit: fc.integer({ min: 5, max: 40 }),
        }),
      },
    )
    fc.assert(
      fc.property(
        fc.constantFrom('aimd' as const, 'vegas' as const, 'gradient2' as const),
        fc.boolean(),
        fc.array(op, { minLength: 60, maxLength: 120 }),
        (algorithm, windowed, ops) => {
          let [minLimit, maxLimit] = [1, 40]
          const { clock, adaptive } = make({
            algorithm,
            initialLimit: 4,
            minLimit,
            maxLimit,
            ...(windowed ? { window: { minWindowTime: 100 } } : {}),
          })
          const open: { permit: AdaptivePermit; weight: number }[] = []
          const used = () => open.reduce((sum, { weight }) => sum + weight, 0)
          for (const o of ops) {
            operations++
            if (o.op === 'acquire') {
              const permit = adaptive.tryAcquire({ weight: o.weight })
              expect(permit !== undefined).toBe(used() + o.weight <= adaptive.limit)
              if (permit) open.push({ permit, weight: o.weight })
            } else if (o.op === 'end' && open.length > 0) {
              const { permit } = open.splice(o.pick % open.length, 1)[0]!
              if (o.how === 'ok') permit.succeed()
              else if (o.how === 'release') permit.release()
              else permit.fail(o.how === 'drop' ? new TimeLimitError('slow') : new Error('bug'))
              permit.succeed()
            } else if (o.op === 'advance') clock.advance(o.ms)
            else if (o.op === 'sample') adaptive.sample(clock.now(), o.rtt, o.inflight, o.dropped)
            else if (o.op === 'update') {
              ;({ minLimit, maxLimit } = o)
              adaptive.update({ minLimit, maxLimit })
            }
            const { limit, estimatedLimit, inflight } = adaptive.metrics
            expect([inflight, limit, limit >= minLimit && limit <= maxLimit]).toEqual([used(), Math.trunc(estimatedLimit), true])
          }
        },
      ),
      { numRuns: runs(60) },
    )
    expect(operations).toBeGreaterThan(OPERATIONS)
  },
  DEEP_TIMEOUT,
)
