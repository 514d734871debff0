import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { type VirtualClock, virtualClock } from '../../../src/base/time/virtual-clock.ts'
import {
  bulkhead,
  circuitBreaker,
  type HedgeOptions,
  hedge,
  OptionsError,
  pipeline,
  retry,
  retryBudget,
  timeLimiter,
} from '../../../src/policies/index.ts'

const ended = (promise: Promise<unknown>) =>
  promise.then(
    value => ({ value }),
    error => ({ error }),
  )

/** Work whose tries take the times of the script: a number answers after so many ms, `-n` fails after n ms, null never ends. */
function scripted(clock: VirtualClock, script: (number | null)[]) {
  const tries: { attempt: number; at: number; signal: AbortSignal }[] = []
  const work = (call: { attempt: number; signal: AbortSignal }) => {
    const n = tries.push({ attempt: call.attempt, at: clock.now(), signal: call.signal })
    const ms = script[Math.min(n, script.length) - 1]!
    return new Promise<string>((resolve, reject) => {
      if (ms === null) return
      clock.schedule(Math.abs(ms), () => (ms >= 0 && !Object.is(ms, -0) ? resolve(`try ${n}`) : reject(new Error(`try ${n} failed`))))
    })
  }
  return { tries, work }
}

async function play(script: (number | null)[], options: HedgeOptions<any> = { delay: 50 }, call = {}) {
  const clock = virtualClock()
  const policy = hedge<any>(options, { clock })
  const events: unknown[] = []
  for (const type of ['hedge', 'success', 'error', 'budgetExhausted'] as const) policy.on(type, e => events.push([type, e]))
  const { tries, work } = scripted(clock, script)
  let at = -1
  const done = ended(policy.execute(work, call)).finally(() => (at = clock.now()))
  await clock.advanceAsync(100_000)
  const outcome: any = await done
  return { outcome: outcome.error ? outcome.error.message : outcome.value, at, tries, events, metrics: policy.metrics, clock, policy }
}

describe('who wins', () => {
  test('a quick first try is alone', async () => {
    const { outcome, tries, clock, events } = await play([49])
    expect([outcome, tries.length, clock.pending, events]).toEqual(['try 1', 1, 0, []])
    expect(tries[0]!.signal.aborted).toBe(false)
  })
  test('a slow one is hedged; the quicker of the two wins and the other is told at once', async () => {
    const { outcome, at, tries, events, metrics } = await play([null, 10])
    expect([outcome, at, tries.map(t => [t.attempt, t.at, t.signal.aborted])]).toEqual([
      'try 2',
      60,
      [
        [1, 0, true],
        [2, 50, false],
      ],
    ])
    expect((tries[0]!.signal.reason as any).code).toBe('ERR_HEDGE_LOST')
    expect(events).toEqual([
      ['hedge', { attempt: 2, afterMs: 50 }],
      ['success', { attempt: 2, hedged: true }],
    ])
    expect(metrics).toMatchObject({ numberOfCalls: 1, numberOfHedgedCalls: 1, numberOfHedges: 1, numberOfCallsWonByHedge: 1 })
    expect((await play([60, 100])).outcome).toBe('try 1')
  })
  test('a hedge that fails never beats a first try that is still at work', async () => {
    const { outcome, at } = await play([200, -10])
    expect([outcome, at]).toEqual(['try 1', 200])
  })
  test('nor does a first try that fails beat a hedge', async () => expect((await play([-60, 100])).outcome).toBe('try 2'))
  test('when all have failed, the call ends as the first try did', async () => {
    const { outcome, at, events } = await play([-100, -10])
    expect([outcome, at]).toEqual(['try 1 failed', 100])
    expect(events.at(-1)).toMatchObject(['error', { attempts: 2 }])
    expect((await play([-60, -100])).outcome).toBe('try 1 failed')
  })
  test('a first try that fails before the delay fails the call: that is the business of a retry', async () => {
    const { outcome, at, tries } = await play([-10, 1])
    expect([outcome, at, tries.length]).toEqual(['try 1 failed', 10, 1])
  })
  test('a bad result is no better than an error', async () => {
    const { outcome } = await play([60, 100], { delay: 50, handleResult: (r: string) => r === 'try 1' })
    expect(outcome).toBe('try 2')
    expect((await play([60, 100], { delay: 50, handleResult: () => true })).outcome).toBe('try 1')
    expect(
      (
        await play([60, 100], {
          delay: 50,
          handleResult: () => {
            throw new Error('hook')
          },
        })
      ).outcome,
    ).toBe('try 1')
  })
  test('as many as allowed, each after the delay', async () => {
    const { tries, outcome } = await play([null, null, null, 5], { delay: 20, maxHedgedRequests: 3 })
    expect([outcome, tries.map(t => [t.attempt, t.at])]).toEqual([
      'try 4',
      [
        [1, 0],
        [2, 20],
        [3, 40],
        [4, 60],
      ],
    ])
    expect((await play([100, 200, 5], { delay: 20 })).tries).toHaveLength(2)
  })
  test('work that gives no promise is never hedged', async () => {
    const policy = hedge()
    expect(await policy.execute(() => 1)).toBe(1)
    expect(
      await ended(
        policy.execute(() => {
          throw new Error('x')
        }),
      ),
    ).toMatchObject({ error: { message: 'x' } })
    expect(policy.metrics).toMatchObject({ numberOfCalls: 2, numberOfHedges: 0, numberOfFailedCalls: 1 })
  })
})

test('losers are not awaited, and what they hold is given back when they have really ended', async () => {
  const clock = virtualClock()
  const slots = bulkhead({ maxConcurrentCalls: 4 }, { clock })
  const outside = bulkhead({ maxConcurrentCalls: 4 }, { clock })
  const guard = pipeline(outside, hedge({ delay: 50 }, { clock }), slots)
  const { work } = scripted(clock, [500, 10])
  const done = guard.execute(work)
  await clock.advanceAsync(60)
  expect([await done, slots.metrics.availableConcurrentCalls, outside.metrics.availableConcurrentCalls]).toEqual(['try 2', 3, 3])
  await clock.advanceAsync(440)
  expect([slots.metrics.availableConcurrentCalls, outside.metrics.availableConcurrentCalls]).toEqual([4, 4])
})

test('a loser is no failure of its breaker', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({}, { clock })
  const guard = pipeline(hedge({ delay: 50 }, { clock }), breaker)
  let tries = 0
  const done = guard.execute(call => {
    if (++tries === 2) return 'quick'
    return new Promise<string>((_, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason)))
  })
  await clock.advanceAsync(50)
  expect(await done).toBe('quick')
  expect(breaker.metrics).toMatchObject({ numberOfFailedCalls: 0, numberOfSuccessfulCalls: 1 })
})

describe('delay by quantile', () => {
  test('starts when enough calls were timed, and follows them', async () => {
    const clock = virtualClock()
    const policy = hedge({ delay: { quantile: 0.9, minimumNumberOfCalls: 10 } }, { clock })
    const run = async (ms: number) => {
      const done = policy.execute(() => new Promise(resolve => clock.schedule(ms, () => resolve(ms))))
      await clock.advanceAsync(ms + 1)
      await done
    }
    expect(policy.metrics.delay).toBeUndefined()
    for (let i = 0; i < 10; i++) await run(100)
    expect([Math.round(policy.metrics.delay! / 10) * 10, policy.metrics.numberOfHedges]).toEqual([100, 0])
    await run(500)
    expect(policy.metrics.numberOfHedges).toBe(1)
    policy.update({ maxHedgedRequests: 2 })
    expect(policy.metrics.delay).toBeDefined()
    policy.update({ delay: 30 })
    expect(policy.metrics.delay).toBe(30)
  })
})

describe('which calls', () => {
  test('only methods that may be repeated, and calls without one', async () => {
    expect((await play([100, 1], { delay: 50 }, { method: 'post' })).tries).toHaveLength(1)
    expect((await play([100, 1], { delay: 50 }, { method: 'get' })).tries).toHaveLength(2)
    expect((await play([100, 1], { delay: 50, methods: ['POST'] }, { method: 'POST' })).tries).toHaveLength(2)
  })
})

describe('budget', () => {
  test('a hedge beyond it is not made, and running tries are left alone', async () => {
    const { outcome, tries, events, metrics } = await play([100], { delay: 10, retryBudget: { percent: 0, minRetryConcurrency: 0 } })
    expect([outcome, tries.length, events]).toEqual(['try 1', 1, [['budgetExhausted', { attempt: 2 }]]])
    expect(metrics.numberOfRefusedHedges).toBe(1)
  })
  test('shared with a retry, its places come back when the tries have ended', async () => {
    const clock = virtualClock()
    const budget = retryBudget({ percent: 0, minRetryConcurrency: 1 })
    const guard = pipeline(retry({ waitDuration: 5, retryBudget: budget }, { clock }), hedge({ delay: 10, retryBudget: budget }, { clock }))
    const { work, tries } = scripted(clock, [-20, 100, 100, 1])
    const done = ended(guard.execute(work))
    await clock.advanceAsync(20)
    expect(budget.metrics).toMatchObject({ running: 1, extra: 1 })
    await clock.advanceAsync(1000)
    expect([await done, tries.length]).toEqual([{ value: 'try 2' }, 2])
    expect(budget.metrics).toMatchObject({ running: 0, extra: 0, refused: 0 })
  })
})

describe('given up', () => {
  test('by the caller: every try is told, no further one is begun, nothing is left', async () => {
    const clock = virtualClock()
    const controller = new AbortController()
    const { work, tries } = scripted(clock, [null])
    const done = ended(hedge({ delay: 10, maxHedgedRequests: 3 }, { clock }).execute(work, { signal: controller.signal }))
    await clock.advanceAsync(15)
    controller.abort('enough')
    expect(await done).toEqual({ error: 'enough' })
    await clock.advanceAsync(1000)
    expect([tries.map(t => t.signal.reason), clock.pending]).toEqual([['enough', 'enough'], 0])
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })
  test('by a time limit outside as well', async () => {
    const clock = virtualClock()
    const { work, tries } = scripted(clock, [null])
    const done = ended(
      pipeline(timeLimiter({ timeoutDuration: 25 }, { clock }), hedge({ delay: 10, maxHedgedRequests: 9 }, { clock })).execute(work),
    )
    await clock.advanceAsync(1000)
    expect([((await done) as any).error.code, tries.map(t => t.signal.aborted), clock.pending]).toEqual([
      'ERR_TIME_LIMIT',
      [true, true, true],
      0,
    ])
  })
})

test('a hedge runs in the async context of its caller', async () => {
  const clock = virtualClock()
  const context = new AsyncLocalStorage<string>()
  const policy = hedge({ delay: 10 }, { clock })
  const run = (name: string) =>
    context.run(name, () => {
      let tries = 0
      return policy.execute(() => (++tries === 1 ? new Promise<unknown>(() => {}) : Promise.resolve(context.getStore())))
    })
  const both = [run('a'), run('b')]
  await clock.advanceAsync(10)
  expect(await Promise.all(both)).toEqual(['a', 'b'])
})

test('wrong options say so', () => {
  for (const wrong of [{ delay: -1 }, { maxHedgedRequests: 0 }, { delay: { quantile: 2 } }, { delay: {} }] as any[])
    expect(() => hedge(wrong), JSON.stringify(wrong)).toThrow(OptionsError)
  expect(hedge().describe().options).toMatchObject({ delay: 50, maxHedgedRequests: 1 })
})
