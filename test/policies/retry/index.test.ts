import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/time/random.ts'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import {
  bulkhead,
  CircuitOpenError,
  circuitBreaker,
  IntervalFunction,
  MaxRetriesExceededError,
  OptionsError,
  pipeline,
  type RetryOptions,
  retry,
  retryBudget,
  TimeLimitError,
  timeLimiter,
} from '../../../src/policies/index.ts'

/** Runs a script of outcomes: an Error is thrown, anything else returned; the last one repeats. */
async function play(options: RetryOptions<any>, script: unknown[], call: object = {}, random: () => number = () => 0.5) {
  const clock = virtualClock(1_000_000)
  const policy = retry<any>(options, { clock, random })
  const waits: number[] = []
  const told: string[] = []
  policy.on('retry', e => waits.push(e.waitMs))
  policy.on('error', e => told.push(`error:${e.because}`))
  policy.on('ignored', () => told.push('ignored'))
  policy.on('success', () => told.push('success'))
  let tries = 0
  const attempts: number[] = []
  const done = policy
    .execute(async c => {
      attempts.push(c.attempt)
      const next = script[Math.min(tries++, script.length - 1)]
      if (next instanceof Error) throw next
      return next
    }, call)
    .then(
      value => ({ value }),
      error => ({ error }),
    )
  await clock.advanceAsync(10_000_000)
  expect(clock.pending).toBe(0)
  return { outcome: await done, tries, waits, told, attempts, metrics: policy.metrics }
}

const down = new Error('down')
const http = (status: number, headers: Record<string, string> = {}) => ({ status, headers })
const failing = (code: string) => Object.assign(new Error(code), { code })

describe('how often', () => {
  test('two retries by default, so three tries, each told its number', async () => {
    const { tries, attempts, told } = await play({}, [down])
    expect([tries, attempts, told]).toEqual([3, [1, 2, 3], ['error:attempts']])
  })
  test('attempts counts retries, maxAttempts tries; both together are an error', async () => {
    expect((await play({ attempts: 4 }, [down])).tries).toBe(5)
    expect((await play({ maxAttempts: 4 }, [down])).tries).toBe(4)
    expect((await play({ attempts: 0 }, [down])).tries).toBe(1)
    expect(() => retry({ attempts: 1, maxAttempts: 2 })).toThrow(OptionsError)
  })
  test('every fault of the options is named', () => {
    expect(() => retry({ attempts: -1, backoff: 'soon', retryOn: '5xx' } as any)).toThrow(/attempts.*backoff/)
    expect(() => retry({ retryOn: '5xy' })).toThrow(/did you mean 5xx\?/)
  })
})

describe('how long', () => {
  test("Envoy's full jitter: a random part of 25, 50, 100, 200, 250, 250 ms", async () => {
    expect((await play({ attempts: 6 }, [down], {}, () => 0.999)).waits).toEqual([24, 49, 99, 199, 249, 249])
    expect((await play({ attempts: 6 }, [down], {}, () => 0)).waits).toEqual([0, 0, 0, 0, 0, 0])
    expect((await play({ attempts: 5, backoff: '1s' }, [down], {}, () => 0.5)).waits).toEqual([500, 1000, 2000, 4000, 5000])
  })
  test('a seeded retry waits the same each time', async () => {
    const once = await play({ attempts: 5, backoff: 100 }, [down], {}, seededRandom(3))
    const again = await play({ attempts: 5, backoff: 100 }, [down], {}, seededRandom(3))
    expect(once.waits).toEqual(again.waits)
    const own = { attempts: 3, intervalFunction: IntervalFunction.ofRandomized(100, 0.5) }
    expect((await play(own, [down], {}, () => 0)).waits).toEqual([50, 50, 50])
  })
  test('a fixed wait, or a function of try, error and result', async () => {
    expect((await play({ waitDuration: '2s' }, [down])).waits).toEqual([2000, 2000])
    const seen: unknown[] = []
    const intervalFunction: IntervalFunction = (attempt, error, result) => {
      seen.push([attempt, error, result])
      return attempt * 10
    }
    await play({ intervalFunction, retryOnResult: r => r === 'bad' }, [down, 'bad', 'good'])
    expect(seen).toEqual([
      [1, down, undefined],
      [2, undefined, 'bad'],
    ])
  })
  test('a negative interval gives up: the last outcome is returned, and counted once', async () => {
    const { outcome, tries, told, metrics } = await play({ intervalFunction: a => (a === 2 ? -1 : 5), retryOnResult: () => true }, [
      down,
      'bad',
    ])
    expect([outcome, tries, told]).toEqual([{ value: 'bad' }, 2, ['error:interval']])
    expect(metrics).toMatchObject({
      numberOfFailedCallsWithRetryAttempt: 1,
      numberOfTotalCalls: 2,
      numberOfSuccessfulCallsWithRetryAttempt: 0,
    })
  })
  test('no retry begins after maxElapsed', async () => {
    expect(await play({ attempts: 9, waitDuration: 100, maxElapsed: 350 }, [down])).toMatchObject({ tries: 4, told: ['error:elapsed'] })
  })
})

describe('what the callee asks for', () => {
  test.each<[string, unknown, number]>([
    ['an error of ours', new CircuitOpenError('open', { retryAfter: 700 }), 700],
    ['Retry-After of a response', http(503, { 'retry-after': '2' }), 2000],
    ['a date', http(503, { 'retry-after': new Date(1_005_000).toUTCString() }), 5000],
    ['RateLimit-Reset', http(429, { 'ratelimit-reset': '3' }), 3000],
  ])('%s is never undercut', async (_, outcome, ms) => {
    const { waits } = await play({ attempts: 1, retryOn: '503,429', retryRejections: true }, [outcome, 'ok'])
    expect(waits).toEqual([ms])
  })
  test('nor does it shorten the back-off', async () => {
    expect((await play({ attempts: 1, waitDuration: 5000, retryOn: '503' }, [http(503, { 'retry-after': '2' }), 'ok'])).waits).toEqual([
      5000,
    ])
  })
  test('a callee that asks for too much is left alone', async () => {
    const bad = http(503, { 'retry-after': '61' })
    expect(await play({ retryOn: '503', maxRetryAfter: '1m' }, [bad])).toMatchObject({
      outcome: { value: bad },
      tries: 1,
      told: ['error:retryAfter'],
    })
  })
})

describe('what is retried', () => {
  test.each<[string, RetryOptions<any>, unknown, boolean, object?]>([
    ['every error by default', {}, down, true],
    ['also one that is no Error', {}, Object.assign(new Error(), { message: undefined }), true],
    ['no result by default', {}, http(503), false],
    ['a result the hook wants', { retryOnResult: r => r === 7 }, 7, true],
    ['no rejection', {}, new CircuitOpenError('open'), false],
    ['a rejection when asked for', { retryRejections: true }, new CircuitOpenError('open'), true],
    ['a time-out: the callee was reached', {}, new TimeLimitError('late'), true],
    ['a class', { retryExceptions: [TypeError] }, new TypeError('x'), true],
    ['its subclasses', { retryExceptions: [Error] }, new TypeError('x'), true],
    ['not another class', { retryExceptions: [TypeError] }, new RangeError('x'), false],
    ['a code', { retryExceptions: ['ECONNRESET'] }, failing('ECONNRESET'), true],
    ['the code of a cause', { retryExceptions: ['ECONNRESET'] }, new Error('x', { cause: failing('ECONNRESET') }), true],
    ['class or question', { retryExceptions: [TypeError], retryOnException: (e: any) => e.code === 'X' }, failing('X'), true],
    ['not what is ignored', { retryExceptions: [Error], ignoreExceptions: [TypeError] }, new TypeError('x'), false],
    ['nor what is ignored by question', { ignoreException: (e: any) => e.code === 'X' }, failing('X'), false],
    [
      'a hook that throws counts as no',
      {
        retryOnException: () => {
          throw new Error('hook')
        },
      },
      down,
      false,
    ],
    ['a status', { retryOn: '5xx' }, http(500), true],
    ['not a good one', { retryOn: '5xx' }, http(200), false],
    ['the status of an error', { retryOn: '503' }, Object.assign(new Error('503'), { response: http(503) }), true],
    ['not another status', { retryOn: '503' }, Object.assign(new Error('500'), { response: http(500) }), false],
    [
      'a connection that was refused',
      { retryOn: 'connect-failure' },
      Object.assign(new TypeError('fetch failed'), { cause: failing('ECONNREFUSED') }),
      true,
    ],
    ['not one that broke', { retryOn: 'connect-failure' }, failing('ECONNRESET'), false],
    ['an error that is no HTTP outcome, as ever', { retryOn: 'connect-failure' }, down, true],
    ['a time-out by 5xx', { retryOn: '5xx' }, new TimeLimitError('late'), true],
    ["not by Istio's default list", { retryOn: 'connect-failure,refused-stream,unavailable,cancelled' }, new TimeLimitError('late'), false],
    ['a method that may', { methods: ['GET'] }, down, true, { method: 'get' }],
    ['not one that may not', { methods: ['GET'] }, down, false, { method: 'POST' }],
    ['nor its results', { methods: ['GET'], retryOn: '5xx' }, http(503), false, { method: 'POST' }],
    ['unless the request never left', { methods: ['GET'] }, failing('ECONNREFUSED'), true, { method: 'POST' }],
    ['or was a rejection', { methods: ['GET'], retryRejections: true }, new CircuitOpenError('open'), true, { method: 'POST' }],
    ['a call without a method', { methods: ['GET'] }, down, true],
    ...['GET', 'head', 'OPTIONS', 'TRACE', 'PUT', 'delete', 'QUERY'].map(
      method => [`${method} by default`, {}, down, true, { method }] as [string, object, unknown, boolean, object],
    ),
    ['no write by default', {}, down, false, { method: 'POST' }],
    ['nor PATCH', {}, new TimeLimitError('late'), false, { method: 'patch' }],
    ['nor a method that nobody knows', {}, failing('ECONNRESET'), false, { method: 'LOCK' }],
    ['a write that did not leave', {}, new TypeError('fetch failed', { cause: failing('ECONNREFUSED') }), true, { method: 'POST' }],
    ['nor one whose time was up', {}, failing('ETIMEDOUT'), false, { method: 'POST' }],
    ['a write by its method', { methods: ['POST'] }, down, true, { method: 'POST' }],
    ['a write by a listed status', { retryOn: '503' }, Object.assign(new Error('503'), { response: http(503) }), true, { method: 'POST' }],
    ['a write by a listed result', { retryOn: '429' }, http(429), true, { method: 'POST' }],
    ['but not by what retryOn does not name', { retryOn: '503' }, down, false, { method: 'POST' }],
    ['a write by a listed error', { retryExceptions: ['ECONNRESET'] }, failing('ECONNRESET'), true, { method: 'POST' }],
    ['a write by question', { retryOnException: () => true }, down, true, { method: 'POST' }],
    ['a write that may come twice', {}, down, true, { method: 'POST', idempotent: true }],
    ['no read that may not', {}, down, false, { method: 'GET', idempotent: false }],
    ['a broken body by reset', { retryOn: 'reset' }, Object.assign(failing('ECONNRESET'), { response: http(200) }), true],
    ['nothing that can be done once only', {}, down, false, { once: true }],
    ['not even when it is listed', { retryOn: '429', methods: ['POST'] }, http(429), false, { method: 'POST', once: true }],
  ])('%s', async (_, options, outcome, wanted, call) => {
    const { tries } = await play({ attempts: 1, ...options }, [outcome, 'ok'], call)
    expect(tries).toBe(wanted ? 2 : 1)
  })

  test('what can be done once only ends as it ended, and says why', async () => {
    const bad = http(429)
    expect(await play({ retryOn: '429' }, [bad], { once: true })).toMatchObject({ outcome: { value: bad }, told: ['error:once'] })
  })

  test('a result that stays bad is returned, or becomes an error that has it', async () => {
    expect((await play({ retryOnResult: () => true }, ['bad'])).outcome).toEqual({ value: 'bad' })
    const { outcome } = await play({ retryOnResult: () => true, failAfterMaxAttempts: true }, ['bad'])
    const { error } = outcome as { error: MaxRetriesExceededError }
    expect(error).toBeInstanceOf(MaxRetriesExceededError)
    expect([error.result, error.code, error.message]).toEqual([
      'bad',
      'ERR_MAX_RETRIES',
      'retry: the result was still not good enough after 3 tries',
    ])
  })

  test('the body of a response that is thrown away is cancelled; that of the last one is not', async () => {
    const bodies = [new Response('a', { status: 503 }), new Response('b', { status: 503 }), new Response('c', { status: 503 })]
    const { outcome } = await play({ retryOn: '503' }, bodies)
    expect(await (outcome as any).value.text()).toBe('c')
    await expect(bodies[0]!.text()).rejects.toThrow()
  })

  test('nor does the response of an error that is retried keep its connection', async () => {
    const errors = [503, 503, 503].map(status => Object.assign(new Error(`HTTP ${status}`), { response: new Response('body', { status }) }))
    const { outcome } = await play({}, errors)
    expect(await (outcome as any).error.response.text()).toBe('body')
    await expect(errors[0]!.response.text()).rejects.toThrow()
  })

  test('an own hook gets it instead', async () => {
    const got: unknown[] = []
    await play({ retryOnResult: r => r === 'bad', consumeResultBeforeRetryAttempt: (attempt, r) => got.push([attempt, r]) }, [
      'bad',
      'bad',
      'ok',
    ])
    expect(got).toEqual([
      [1, 'bad'],
      [2, 'bad'],
    ])
  })
})

describe('budget', () => {
  test('who is over it fails with the last outcome, and its place is given back at the end of a try', async () => {
    const clock = virtualClock()
    const policy = retry({ attempts: 2, waitDuration: 10, retryBudget: { percent: 0, minRetryConcurrency: 2 } }, { clock })
    const because: string[] = []
    policy.on('error', e => because.push(e.because))
    const five = Promise.all(Array.from({ length: 5 }, () => policy.execute(() => Promise.reject(down)).catch(e => e.message)))
    await clock.advanceAsync(1000)
    expect(await five).toEqual(Array(5).fill('down'))
    expect(because.sort()).toEqual(['attempts', 'attempts', 'budget', 'budget', 'budget'])
    expect((policy.describe().options['retryBudget'] as any).minRetryConcurrency).toBe(2)
  })

  test('one budget for several policies counts a call once, and comes to nothing in the end', async () => {
    const clock = virtualClock()
    const budget = retryBudget({ percent: 50, minRetryConcurrency: 0 })
    const guard = pipeline(
      retry({ attempts: 1, waitDuration: 10, retryBudget: budget }, { clock }),
      retry({ attempts: 1, waitDuration: 10, retryBudget: budget }, { clock }),
    )
    let most = 0
    const all = Promise.all(
      Array.from({ length: 4 }, () =>
        guard
          .execute(async () => {
            most = Math.max(most, budget.metrics.running)
            throw down
          })
          .catch(() => {}),
      ),
    )
    await clock.advanceAsync(1000)
    await all
    expect(most).toBe(4)
    expect(budget.metrics).toMatchObject({ running: 0, extra: 0, limit: 0 })
    expect(budget.metrics.refused).toBeGreaterThan(0)
  })

  test('a changed option keeps the budget', () => {
    const policy = retry({ retryBudget: { percent: 10 } })
    const before = policy.describe().options['retryBudget']
    policy.update({ attempts: 5 })
    expect(policy.describe().options['retryBudget']).toBe(before)
  })
})

describe('perTryTimeout', () => {
  test('cuts each try, tells its own signal, and the next one has a fresh one', async () => {
    const clock = virtualClock()
    const policy = retry({ attempts: 2, waitDuration: 10, perTryTimeout: 100 }, { clock })
    const signals: AbortSignal[] = []
    const done = policy.execute(call => {
      signals.push(call.signal)
      return signals.length < 3 ? new Promise<string>(() => {}) : 'third'
    })
    await clock.advanceAsync(220)
    expect(await done).toBe('third')
    expect(signals.map(s => s.aborted)).toEqual([true, true, false])
    expect((signals[0]!.reason as Error).message).toBe('retry: perTryTimeout: no result within 100 ms')
    expect(clock.pending).toBe(0)
  })
  test('can be changed, but not begun, later', () => {
    expect(() => retry().update({ perTryTimeout: 100 })).toThrow(/perTryTimeout: can be changed only/)
    const policy = retry({ perTryTimeout: 100 })
    policy.update({ perTryTimeout: 200 })
    expect(policy.describe().options['perTryTimeout']).toBe(200)
  })
})

describe('given up', () => {
  test('in the back-off: at once, with the caller’s reason, leaving nothing; nothing is tried again', async () => {
    const clock = virtualClock()
    const policy = retry({ waitDuration: 1000 }, { clock })
    const controller = new AbortController()
    let tries = 0
    const done = policy
      .execute(
        () => {
          tries++
          throw down
        },
        { signal: controller.signal },
      )
      .catch(e => e)
    await clock.advanceAsync(10)
    controller.abort('enough')
    expect(await done).toBe('enough')
    await clock.advanceAsync(5000)
    expect([tries, clock.pending, getEventListeners(controller.signal, 'abort').length]).toEqual([1, 0, 0])
    expect(policy.metrics).toMatchObject({ numberOfFailedCallsWithRetryAttempt: 0, numberOfFailedCallsWithoutRetryAttempt: 0 })
  })

  test('by a time limit outside: no further try, though the first was cut by one inside', async () => {
    const clock = virtualClock()
    let tries = 0
    const guard = pipeline(
      timeLimiter({ timeoutDuration: 250 }, { clock }),
      retry({ attempts: 9, waitDuration: 10 }, { clock }),
      timeLimiter({ timeoutDuration: 100 }, { clock }),
    )
    const signals: AbortSignal[] = []
    const done = guard
      .execute(call => {
        tries++
        signals.push(call.signal)
        return new Promise(() => {})
      })
      .catch(e => [clock.now(), e.message])
    await clock.advanceAsync(10_000)
    expect(await done).toEqual([250, 'time limiter: no result within 250 ms'])
    expect([tries, signals.map(s => s.aborted), clock.pending]).toEqual([3, [true, true, true], 0])
  })

  test('by a time limit outside while it waits', async () => {
    const clock = virtualClock()
    let tries = 0
    const guard = pipeline(timeLimiter({ timeoutDuration: 50 }, { clock }), retry({ waitDuration: 100 }, { clock }))
    const done = guard
      .execute(() => {
        tries++
        throw down
      })
      .catch(e => e.code)
    await clock.advanceAsync(10_000)
    expect([await done, tries, clock.pending]).toEqual(['ERR_TIME_LIMIT', 1, 0])
  })
})

test('every try passes through what stands inside, and is settled there', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({ slidingWindowSize: 10, minimumNumberOfCalls: 10 }, { clock })
  const slots = bulkhead({ maxConcurrentCalls: 1 }, { clock })
  const guard = pipeline(retry({ attempts: 2, waitDuration: 0 }, { clock }), breaker, slots)
  expect(await guard.execute(async () => Promise.reject(down)).catch(e => e)).toBe(down)
  expect(breaker.metrics).toMatchObject({ numberOfBufferedCalls: 3, numberOfFailedCalls: 3 })
  expect(slots.metrics.availableConcurrentCalls).toBe(1)
})

test('options are copied and not changed; update is atomic', () => {
  const options = { attempts: 1 }
  const policy = retry(options)
  policy.update({ attempts: 5 })
  expect(options).toEqual({ attempts: 1 })
  expect(() => policy.update({ attempts: -1 })).toThrow(OptionsError)
  expect(policy.describe().options['attempts']).toBe(5)
})
