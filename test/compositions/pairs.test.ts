/**
 * Every policy outside every other one, in both orders, as properties. With room to spare, results and errors pass unchanged. In trouble
 * (failures, slow work, aborts, full queues, open circuits) every call settles, every step that let a call in hears of its end, and no timer,
 * listener or permit is left.
 */
import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type VirtualClock, virtualClock } from '../../src/base/time/virtual-clock.ts'
import { policy } from '../../src/core/policy.ts'
import { GOES_ON } from '../../src/core/step.ts'
import {
  adaptiveConcurrency,
  bulkhead,
  cache,
  circuitBreaker,
  fallback,
  faultInjector,
  hedge,
  keyed,
  loadShedder,
  type Policy,
  pipeline,
  rateLimiter,
  retry,
  retryBudget,
  timeLimiter,
} from '../../src/policies/index.ts'
import { runs } from '../deep.ts'

interface Made {
  policy: Policy
  /** What it holds at rest; compared with what it held at first. */
  held?: () => unknown
}
type Make = (clock: VirtualClock) => Made

/** With room to spare: nothing is refused, cut, repeated, replaced or kept. */
const ROOMY: Record<string, Make> = {
  circuitBreaker: clock => ({ policy: circuitBreaker({}, { clock }) }),
  bulkhead: clock => ({ policy: bulkhead({}, { clock }) }),
  rateLimiter: clock => ({ policy: rateLimiter({}, { clock }) }),
  timeLimiter: clock => ({ policy: timeLimiter({}, { clock }) }),
  retry: clock => ({ policy: retry({ attempts: 0, retryBudget: {} }, { clock }) }),
  fallback: () => ({ policy: fallback('unused', { handle: () => false }) as unknown as Policy }),
  hedge: clock => ({ policy: hedge({ delay: '10s' }, { clock }) }),
  cache: clock => ({ policy: cache({ ttl: 0, key: call => `key ${keys++} ${call.attempt}` }, { clock }) }),
  faultInjector: clock => ({ policy: faultInjector({}, { clock }) }),
  adaptiveConcurrency: clock => ({ policy: adaptiveConcurrency({}, { clock }) }),
  loadShedder: clock => ({ policy: loadShedder(() => 0, {}, { clock }) }),
  keyed: clock => ({
    policy: keyed(
      () => 'key',
      () => circuitBreaker({}, { clock }),
    ),
  }),
}
let keys = 0

/** In trouble: everything that can happen does. */
const TIGHT: Record<string, Make> = {
  circuitBreaker: clock => ({
    policy: circuitBreaker(
      { slidingWindowSize: 3, minimumNumberOfCalls: 3, waitDurationInOpenState: 40, permittedNumberOfCallsInHalfOpenState: 1 },
      { clock },
    ),
  }),
  bulkhead: clock => {
    const slots = bulkhead({ maxConcurrentCalls: 2, maxWaitDuration: 25, queueCapacity: 2 }, { clock })
    return { policy: slots, held: () => slots.metrics.availableConcurrentCalls }
  },
  rateLimiter: clock => ({ policy: rateLimiter({ limitForPeriod: 2, limitRefreshPeriod: 30, timeoutDuration: 40 }, { clock }) }),
  timeLimiter: clock => ({ policy: timeLimiter({ timeoutDuration: 30 }, { clock }) }),
  adaptiveConcurrency: clock => {
    const limit = adaptiveConcurrency({ algorithm: 'aimd', initialLimit: 2, minLimit: 2, maxLimit: 2 }, { clock })
    return { policy: limit, held: () => limit.metrics.inflight }
  },
  loadShedder: clock => {
    const slots = bulkhead({ maxConcurrentCalls: 2, maxWaitDuration: 25 }, { clock })
    return {
      policy: pipeline(loadShedder(slots, { shedFrom: 0.4 }, { clock }), slots) as Policy,
      held: () => slots.metrics.availableConcurrentCalls,
    }
  },
  cooperative: clock => ({ policy: timeLimiter({ timeoutDuration: 30, cooperative: true }, { clock }) }),
  retry: clock => {
    const budget = retryBudget({ percent: 50, minRetryConcurrency: 1 })
    return {
      policy: retry(
        { attempts: 2, backoff: 10, perTryTimeout: 35, retryBudget: budget, retryRejections: true },
        { clock, random: () => 0.5 },
      ),
      held: () => [budget.metrics.running, budget.metrics.extra],
    }
  },
  fallback: () => {
    const other = fallback('other', { handle: Error, maxConcurrentCalls: 1 })
    return { policy: other as unknown as Policy, held: () => other.metrics.concurrentFallbacks }
  },
  hedge: clock => {
    const budget = retryBudget({ percent: 50, minRetryConcurrency: 1 })
    return {
      policy: hedge({ delay: 15, maxHedgedRequests: 2, retryBudget: budget }, { clock }),
      held: () => [budget.metrics.running, budget.metrics.extra],
    }
  },
  cache: clock => ({ policy: cache({ ttl: 5, staleIfError: 10, staleWhileRevalidate: 10, key: () => 'key' }, { clock }) }),
  faultInjector: clock => {
    let roll = 0
    const chaos = faultInjector(
      { delay: { percentage: { value: 30 }, fixedDelay: 10 }, abort: { percentage: { value: 20 }, httpStatus: 503 } },
      { clock, random: () => (roll = (roll + 0.37) % 1) },
    )
    return { policy: chaos, held: () => chaos.metrics.activeFaults }
  },
  keyed: clock => ({
    policy: keyed(
      call => call.host,
      () => bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: 10 }, { clock }),
    ),
  }),
}

/** A step that counts who came in and who was heard of. */
function gate() {
  const counts = { admitted: 0, settled: 0 }
  const step = {
    admit: () => void counts.admitted++,
    answered: (_call: unknown, _pass: unknown, value: unknown) => {
      counts.settled++
      return value
    },
    failed: () => {
      counts.settled++
      return GOES_ON
    },
  }
  return { counts, policy: policy('gate', '', step, () => ({ kind: 'gate', name: '', options: {} })) }
}

/** One call: what its work does, when it begins, when its caller gives it up. */
const call = fc.record({
  at: fc.nat(60),
  takes: fc.nat(70),
  end: fc.constantFrom('ok' as const, 'fails' as const, 'throws' as const, 'now' as const, 'heeds' as const),
  abortAfter: fc.option(fc.nat(50), { freq: 4 }),
  host: fc.constantFrom('a', 'b'),
})
type Scripted = typeof call extends fc.Arbitrary<infer T> ? T : never

function workOf({ takes, end }: Scripted, clock: VirtualClock) {
  return (view: { signal: AbortSignal }): unknown => {
    if (end === 'throws') throw new Error('thrown')
    if (end === 'now') return 'at once'
    return new Promise((resolve, reject) => {
      clock.schedule(takes, () => (end === 'fails' ? reject(new Error('failed')) : resolve('later')))
      if (end === 'heeds') view.signal.addEventListener('abort', () => reject(view.signal.reason))
    })
  }
}

const pairs = (of: Record<string, Make>) =>
  Object.keys(of).flatMap(outer => Object.keys(of).map(inner => [outer, inner] as [outer: string, inner: string]))

describe('with room to spare', () => {
  test.each(pairs(ROOMY))('%s outside %s: results and errors pass unchanged', async (outer, inner) => {
    const clock = virtualClock()
    const guard = pipeline(ROOMY[outer]!(clock).policy, ROOMY[inner]!(clock).policy)
    const [value, error] = [{ a: 1 }, { not: 'an Error' }]
    const outcomes = [
      guard.execute(() => value),
      guard.execute(async () => value),
      guard.execute(() => new Promise(resolve => clock.schedule(20, () => resolve(value)))),
      guard.execute(() => {
        throw error
      }),
      guard.execute(async () => Promise.reject(error)),
      guard.execute(() => undefined),
    ].map(promise =>
      promise.then(
        result => ['value', result],
        reason => ['error', reason],
      ),
    )
    await clock.advanceAsync(100)
    const seen = await Promise.all(outcomes)
    expect(seen.map(([kind]) => kind)).toEqual(['value', 'value', 'value', 'error', 'error', 'value'])
    expect(seen.map(([, what]) => what === value || what === error || what === undefined)).toEqual(Array(6).fill(true))
    expect(clock.pending).toBe(0)
  })
})

describe('in trouble', () => {
  test.each(pairs(TIGHT))(
    '%s outside %s: every call settles, every step hears of it, nothing is left',
    async (outer, inner) => {
      await fc.assert(
        fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 8 }), async calls => {
          const clock = virtualClock(1000)
          const made = [TIGHT[outer]!(clock), TIGHT[inner]!(clock)]
          const gates = [gate(), gate(), gate()]
          const guard = pipeline(gates[0]!.policy, made[0]!.policy, gates[1]!.policy, made[1]!.policy, gates[2]!.policy)
          const before = made.map(m => m.held?.())
          const signals: AbortSignal[] = []
          let settled = 0
          for (const scripted of calls) {
            const controller = new AbortController()
            signals.push(controller.signal)
            clock.schedule(scripted.at, () => {
              const done = () => settled++
              guard.execute(workOf(scripted, clock) as () => unknown, { signal: controller.signal, host: scripted.host }).then(done, done)
            })
            if (scripted.abortAfter !== null)
              clock.schedule(scripted.at + scripted.abortAfter, () => controller.abort(new Error('given up')))
          }
          await clock.advanceAsync(2000)
          expect(settled).toBe(calls.length)
          for (const { counts } of gates) expect(counts.settled).toBe(counts.admitted)
          expect(made.map(m => m.held?.())).toEqual(before)
          expect(signals.map(signal => getEventListeners(signal, 'abort').length)).toEqual(calls.map(() => 0))
          expect(clock.pending).toBe(0)
        }),
        { numRuns: Math.max(8, Math.ceil(runs(4) / pairs(TIGHT).length)) },
      )
    },
    600_000,
  )
})
