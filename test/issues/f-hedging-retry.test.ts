/** Bugs of peers about hedging, retries and changes of configuration: policies.md §3 F. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/time/random.ts'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import { bulkhead, circuitBreaker, hedge, IntervalFunction, pipeline, retry, timeLimiter } from '../../src/policies/index.ts'
import { backoffInterval } from '../../src/policies/retry/intervals.ts'
import { down, never } from './breaker.ts'

const ended = (promise: Promise<unknown>) =>
  promise.then(
    value => ({ value }),
    error => ({ error }),
  )

test('F27: a failed hedge does not beat a healthy primary (Resilience4j)', async () => {
  const clock = virtualClock()
  let tries = 0
  const done = hedge({ delay: 10 }, { clock }).execute(() =>
    ++tries === 1 ? new Promise<string>(resolve => clock.schedule(50, () => resolve('primary'))) : down(),
  )
  await clock.advanceAsync(50)
  expect(await done).toBe('primary')
})

test('F27: a loser that ignores its cancellation does not set the latency (Polly)', async () => {
  const clock = virtualClock()
  let tries = 0
  const done = hedge({ delay: 10 }, { clock }).execute(() => (++tries === 1 ? never() : 'quick'))
  await clock.advanceAsync(10)
  expect([await done, clock.now()]).toEqual(['quick', 10])
})

test('F27: a budget that is used up leaves running tries alone (failsafe-go)', async () => {
  const clock = virtualClock()
  let signal!: AbortSignal
  const policy = hedge({ delay: 10, retryBudget: { percent: 0, minRetryConcurrency: 0 } }, { clock })
  const done = policy.execute(call => {
    signal = call.signal
    return new Promise(resolve => clock.schedule(50, () => resolve('done')))
  })
  await clock.advanceAsync(50)
  expect([await done, signal.aborted, policy.metrics.numberOfRefusedHedges]).toEqual(['done', false, 1])
})

test('F28: a change of options keeps state and counts, and calls under way end as they began (Polly)', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({ minimumNumberOfCalls: 3, slidingWindowSize: 10 }, { clock })
  const slots = bulkhead({ maxConcurrentCalls: 2 }, { clock })
  const limit = timeLimiter({ timeoutDuration: '1m' }, { clock })
  const guard = pipeline(retry({ attempts: 0 }, { clock }), breaker, limit, slots)
  for (let i = 0; i < 2; i++) await ended(guard.execute(down))
  const long = guard.execute(() => new Promise(resolve => clock.schedule(50_000, () => resolve('whole'))))
  breaker.update({ slidingWindowSize: 20 })
  limit.update({ timeoutDuration: '1s' })
  slots.update({ maxConcurrentCalls: 1 })
  expect([breaker.metrics.numberOfFailedCalls, slots.metrics.availableConcurrentCalls]).toEqual([2, 0])
  await clock.advanceAsync(50_000)
  expect(await long).toBe('whole')
  expect([breaker.metrics.numberOfBufferedCalls, slots.metrics.availableConcurrentCalls]).toEqual([3, 1])
})

test('F29: an exponential back-off neither overflows nor takes for ever, whatever the try (Polly)', () => {
  const interval = IntervalFunction.ofExponentialBackoff(1000, 10)
  for (const attempt of [50, 1000, 1e9]) {
    expect(interval(attempt, undefined, undefined, () => 0)).toBe(2 ** 63)
    expect(backoffInterval(attempt, 25, 250)).toBe(250)
  }
})

test('F29: the back-off still spreads at its plateau (Resilience4j)', async () => {
  const clock = virtualClock()
  const policy = retry({ attempts: 30, backoff: 25 }, { clock, random: seededRandom(1) })
  const waits: number[] = []
  policy.on('retry', e => waits.push(e.waitMs))
  const done = ended(policy.execute(down))
  await clock.advanceAsync(100_000)
  await done
  const plateau = waits.slice(5)
  expect(Math.max(...plateau)).toBeLessThan(250)
  expect(new Set(plateau).size).toBeGreaterThan(15)
})

test('F30: composing changes none of the parts, and async context and signal reach every try (failsafe-go)', async () => {
  const clock = virtualClock()
  const context = new AsyncLocalStorage<string>()
  const again = retry({ attempts: 1, waitDuration: 10 }, { clock })
  const before = JSON.stringify(again.describe())
  const [one, two] = [pipeline(again, circuitBreaker({}, { clock })), pipeline(again, timeLimiter({}, { clock }))]
  expect(JSON.stringify(again.describe())).toBe(before)
  const seen: unknown[] = []
  const controller = new AbortController()
  const run = (guard: typeof one, name: string) =>
    context.run(name, () =>
      ended(
        guard.execute(
          call => {
            seen.push([context.getStore(), call.attempt, call.signal.aborted])
            return down()
          },
          { signal: controller.signal },
        ),
      ),
    )
  const both = [run(one, 'one'), run(two, 'two')]
  await clock.advanceAsync(10)
  await Promise.all(both)
  expect(seen).toEqual([
    ['one', 1, false],
    ['two', 1, false],
    ['one', 2, false],
    ['two', 2, false],
  ])
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
})

test('F31: a transition is told once for each that happened, and a changed number of probes is noticed (Sentinel)', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker(
    { slidingWindowSize: 2, minimumNumberOfCalls: 2, permittedNumberOfCallsInHalfOpenState: 2, waitDurationInOpenState: 100 },
    { clock },
  )
  const told: string[] = []
  breaker.on('transition', e => told.push(`${e.from}>${e.to}`))
  await Promise.all(Array.from({ length: 5 }, () => ended(breaker.execute(down))))
  clock.advance(101)
  const probes = [breaker.tryAcquire()!, breaker.tryAcquire()!]
  for (const probe of probes) probe.fail(new Error('still down'))
  expect(told).toEqual(['CLOSED>OPEN', 'OPEN>HALF_OPEN', 'HALF_OPEN>OPEN'])
  breaker.update({ permittedNumberOfCallsInHalfOpenState: 3 })
  clock.advance(101)
  expect(Array.from({ length: 5 }, () => breaker.tryAcquire() !== undefined)).toEqual([true, true, true, false, false])
})
