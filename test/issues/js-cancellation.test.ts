/** Bugs of JavaScript peers about cancellation, timers, leaks and retries: policies.md §6, 12-19, 27, 33, 35, 37. */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { governFetch } from '../../src/adapters/outbound/govern.ts'
import type { Clock } from '../../src/base/time/clock.ts'
import { Callback, timerQueue } from '../../src/base/time/timers.ts'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import {
  bulkhead,
  cache,
  circuitBreaker,
  fallback,
  faultInjector,
  hedge,
  OptionsError,
  type Policy,
  pipeline,
  rateLimiter,
  retry,
  timeLimiter,
} from '../../src/policies/index.ts'
import { down, never } from './breaker.ts'

const ended = (promise: Promise<unknown>) =>
  promise.then(
    value => ({ value }),
    error => ({ error }),
  )

test('JS12: an abort in the back-off is heard at once, and the function is not called again (cockatiel, undici, p-retry)', async () => {
  const clock = virtualClock()
  const controller = new AbortController()
  let calls = 0
  const done = ended(retry({ waitDuration: 1000 }, { clock }).execute(() => (calls++, down()), { signal: controller.signal }))
  await clock.advanceAsync(500)
  controller.abort('enough')
  expect(await done).toEqual({ error: 'enough' })
  await clock.advanceAsync(10_000)
  expect([calls, clock.pending]).toEqual([1, 0])
})

test('JS13: an abort settles the call though a try hangs, and a success that came before it is kept (p-retry)', async () => {
  const clock = virtualClock()
  for (const guard of [
    retry({}, { clock }),
    timeLimiter({}, { clock }),
    circuitBreaker({}, { clock }),
    hedge({}, { clock }),
    fallback(1),
  ] as Policy[]) {
    const controller = new AbortController()
    const hanging = ended(guard.execute(never, { signal: controller.signal }))
    await clock.advanceAsync(1)
    controller.abort('enough')
    expect(await hanging, guard.kind).toEqual({ error: 'enough' })
    const other = new AbortController()
    const done = ended(guard.execute(async () => 'success', { signal: other.signal }))
    await clock.advanceAsync(0)
    other.abort('too late')
    expect(await done, guard.kind).toEqual({ value: 'success' })
  }
})

describe('leaks', () => {
  const POLICIES: Record<string, (clock: Clock) => Policy> = {
    circuitBreaker: clock => circuitBreaker({}, { clock }),
    bulkhead: clock => bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: 50 }, { clock }),
    rateLimiter: clock => rateLimiter({ limitForPeriod: 1, limitRefreshPeriod: 20, timeoutDuration: 50 }, { clock }),
    timeLimiter: clock => timeLimiter({ timeoutDuration: 30 }, { clock }),
    retry: clock => retry({ attempts: 2, waitDuration: 10, perTryTimeout: 20, retryBudget: {} }, { clock }),
    fallback: () => fallback('other') as unknown as Policy,
    hedge: clock => hedge({ delay: 5 }, { clock }),
    cache: clock => cache({ key: () => 'key' }, { clock }),
    faultInjector: clock => faultInjector({ delay: { percentage: { value: 100 }, fixedDelay: 5 } }, { clock }),
  }
  const WORK: Record<string, (clock: Clock) => (call: { signal: AbortSignal }) => unknown> = {
    'answers at once': () => () => 'ok',
    'answers later': clock => () => new Promise(resolve => clock.schedule(15, () => resolve('ok'))),
    'fails later': clock => () => new Promise((_, reject) => clock.schedule(15, () => reject(new Error('down')))),
    'listens to its signal': () => call =>
      new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason))),
  }
  for (const [kind, make] of Object.entries(POLICIES))
    for (const [how, work] of Object.entries(WORK))
      test(`JS14: ${kind} round work that ${how} leaves no listener on the caller's signal and no timer (cockatiel, p-timeout)`, async () => {
        const clock = virtualClock()
        const policy = make(clock)
        const controller = new AbortController()
        const { signal } = controller
        const all = Array.from({ length: 3 }, () => ended(policy.execute(work(clock) as any, { signal })))
        await clock.advanceAsync(200)
        if (how === 'listens to its signal') controller.abort('enough')
        await clock.advanceAsync(200)
        await Promise.all(all)
        expect([getEventListeners(signal, 'abort').length, clock.pending]).toEqual([0, 0])
      })
})

test("JS15: one call's timeout aborts no other and no later one; nothing is aborted after a success (opossum, cockatiel)", async () => {
  const clock = virtualClock()
  const guard = pipeline(circuitBreaker({}, { clock }), timeLimiter({ timeoutDuration: 50 }, { clock }))
  const signals: AbortSignal[] = []
  const take = (ms: number) =>
    ended(
      guard.execute(call => {
        signals.push(call.signal)
        return new Promise(resolve => clock.schedule(ms, () => resolve(ms)))
      }),
    )
  const first = take(60)
  await clock.advanceAsync(30)
  const innocent = take(40)
  await clock.advanceAsync(25)
  expect(((await first) as any).error.code).toBe('ERR_TIME_LIMIT')
  const later = take(10)
  await clock.advanceAsync(1000)
  expect([await innocent, await later]).toEqual([{ value: 40 }, { value: 10 }])
  expect(signals.map(signal => signal.aborted)).toEqual([true, false, false])
})

test('JS16: the abort of the caller is not reported as a timeout (cockatiel)', async () => {
  const clock = virtualClock()
  const limit = timeLimiter({ timeoutDuration: 50 }, { clock })
  let timeouts = 0
  limit.on('timeout', () => timeouts++)
  const controller = new AbortController()
  const done = ended(limit.execute(never, { signal: controller.signal }))
  controller.abort('enough')
  await clock.advanceAsync(1000)
  expect([await done, timeouts, limit.metrics.numberOfTimedOutCalls]).toEqual([{ error: 'enough' }, 0, 0])
})

test('JS17: what runs in the background keeps no process alive, and nothing grows with every policy made (opossum, mollitia)', async () => {
  const clock = virtualClock()
  const kept: boolean[] = []
  const watched: Clock = {
    ...clock,
    now: () => clock.now(),
    schedule: (delay, callback, options) => (kept.push(options?.keepAlive === true), clock.schedule(delay, callback, options)),
  }
  for (let i = 0; i < 100; i++) {
    const breaker = circuitBreaker(
      { slidingWindowSize: 1, minimumNumberOfCalls: 1, automaticTransitionFromOpenToHalfOpenEnabled: true, waitDurationInOpenState: 100 },
      { clock: watched },
    )
    await ended(breaker.execute(down))
    breaker.reset()
  }
  expect([kept.length, kept.includes(true), clock.pending]).toEqual([100, false, 0])
})

test('JS18: a time that 32 bits do not hold neither fires at once nor is accepted as no number (cockatiel, p-throttle)', () => {
  const armed: number[] = []
  const queue = timerQueue(() => 0, {
    arm(delay) {
      armed.push(delay)
      return undefined
    },
    disarm() {},
    later: undefined,
  })
  let fired = false
  queue.set(new Callback(() => (fired = true), true), 2 ** 31, 0)
  expect([armed, fired]).toEqual([[2 ** 31 - 1], false])
  for (const make of [
    () => timeLimiter({ timeoutDuration: Number.NaN }),
    () => retry({ waitDuration: Number.NaN }),
    () => hedge({ delay: Number.NaN }),
  ])
    expect(make).toThrow(OptionsError)
})

test('JS19: a timed-out call holds its slot until its work has ended (opossum, p-queue)', async () => {
  const clock = virtualClock()
  const slots = bulkhead({ maxConcurrentCalls: 1 }, { clock })
  for (const guard of [
    pipeline(timeLimiter({ timeoutDuration: 10 }, { clock }), slots),
    pipeline(slots, timeLimiter({ timeoutDuration: 10 }, { clock })),
  ]) {
    let running = 0
    let most = 0
    const work = () => {
      most = Math.max(most, ++running)
      return new Promise<void>(resolve => clock.schedule(100, () => (running--, resolve())))
    }
    for (let i = 0; i < 5; i++) {
      const done = ended(guard.execute(work))
      await clock.advanceAsync(15)
      await done
    }
    expect([most, slots.metrics.availableConcurrentCalls]).toEqual([1, 0])
    await clock.advanceAsync(1000)
    expect(slots.metrics.availableConcurrentCalls).toBe(1)
  }
})

test('JS27: a joined call that threw at once is not kept as the answer of the next (opossum)', async () => {
  const policy = cache({ key: () => 'key' })
  let calls = 0
  const work = () => {
    if (++calls === 1) throw new Error('at once')
    return 'fine'
  }
  expect(await ended(policy.execute(work))).toMatchObject({ error: { message: 'at once' } })
  expect(await policy.execute(work)).toBe('fine')
})

test('JS33: Retry-After is never undercut, and the back-off has jitter (undici)', async () => {
  const clock = virtualClock()
  const policy = retry({ retryOn: '503', backoff: 10 }, { clock, random: () => 0.5 })
  const at: number[] = []
  const busy = { status: 503, headers: { 'retry-after': '2' } }
  const done = policy.execute(() => (at.push(clock.now()), at.length === 1 ? busy : { status: 200, headers: {} }))
  await clock.advanceAsync(1999)
  expect(at).toEqual([0])
  await clock.advanceAsync(1)
  expect([at, (await done).status]).toEqual([[0, 2000], 200])
})

test('JS35: a retried request has its body again, or fails clearly; never an empty one (got, undici, fetch-retry)', async () => {
  const clock = virtualClock()
  const bodies: string[] = []
  const fetcher = (async (input: any, init: any) => {
    const request = input instanceof Request ? input : new Request(input, init)
    bodies.push(await request.text())
    return new Response('', { status: bodies.length < 3 ? 503 : 200 })
  }) as typeof fetch
  const governed = governFetch(fetcher, retry({ waitDuration: 0 }, { clock }))
  for (const ask of [
    () => governed(new Request('http://a/', { method: 'PUT', body: 'whole' })),
    () => governed('http://a/', { method: 'PUT', body: 'whole' }),
    () => governed('http://a/', { method: 'PUT', body: new Blob(['whole']) }),
  ]) {
    bodies.length = 0
    expect((await ask()).status).toBe(200)
    expect(bodies).toEqual(['whole', 'whole', 'whole'])
  }
  bodies.length = 0
  const stream = new Blob(['whole']).stream()
  const outcome = (await ended(governed('http://a/', { method: 'PUT', body: stream, duplex: 'half' } as RequestInit))) as any
  expect([bodies, outcome.error ?? outcome.value.status]).not.toContainEqual(['whole', '', ''])
  expect(bodies).toEqual(['whole'])
})

test('JS37: an open breaker is not tried again and again (cockatiel)', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({}, { clock })
  breaker.open()
  let refused = 0
  breaker.on('notPermitted', () => refused++)
  const outcome = (await ended(pipeline(retry({ attempts: 5 }, { clock }), breaker).execute(() => 1))) as any
  expect([outcome.error.code, refused, clock.pending]).toEqual(['ERR_CIRCUIT_OPEN', 1, 0])
})
