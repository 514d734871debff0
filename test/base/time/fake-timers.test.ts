// People's tests fake the timers of the runtime, after this library was loaded or before: its clock goes with theirs, and comes back.
import { mock } from 'node:test'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/base/time/clock.ts'
import { bulkhead, circuitBreaker, rateLimiter, retry, timeLimiter } from '../../../src/policies/index.ts'

const never = () => new Promise<never>(() => {})
/** What a call that never ends comes to under a limit. */
const limited = (timeoutDuration: number | string) =>
  timeLimiter({ timeoutDuration })
    .execute(never)
    .catch(error => error.code as string)
const HOUR = 3_600_000

afterEach(() => {
  vi.useRealTimers()
  mock.timers.reset()
})

describe('fake timers of Vitest, Jest and Sinon', () => {
  test('fire a time limit', async () => {
    vi.useFakeTimers()
    const result = limited('1h')
    await vi.advanceTimersByTimeAsync(HOUR - 1)
    expect(await Promise.race([result, 'pending'])).toBe('pending')
    await vi.advanceTimersByTimeAsync(1)
    expect(await result).toBe('ERR_TIME_LIMIT')
  })

  test('end the wait between attempts', async () => {
    vi.useFakeTimers()
    const result = retry({ maxAttempts: 2, waitDuration: '1h' }).execute(call => {
      if (call.attempt === 1) throw new Error('down')
      return 'up'
    })
    await vi.advanceTimersByTimeAsync(HOUR + 1)
    expect(await result).toBe('up')
  })

  test('leave timers that fire when they are gone', async () => {
    vi.useFakeTimers()
    void limited('1h')
    vi.useRealTimers()
    expect(await limited(5)).toBe('ERR_TIME_LIMIT')
  })

  test('hand the timers that are pending back, with the time they have left', async () => {
    vi.useFakeTimers()
    const pending = limited(HOUR)
    vi.advanceTimersByTime(HOUR - 20)
    vi.useRealTimers()
    const began = performance.now()
    expect(await limited(5)).toBe('ERR_TIME_LIMIT')
    expect(await pending).toBe('ERR_TIME_LIMIT')
    expect(performance.now() - began).toBeGreaterThan(15)
  })

  test('leave alone what was set before them', async () => {
    const pending = limited(10)
    vi.useFakeTimers()
    expect([systemClock.now() > 0, vi.getTimerCount()]).toEqual([true, 0])
    expect(await pending).toBe('ERR_TIME_LIMIT')
  })

  test('may be cleared without losing the timers that come after', async () => {
    vi.useFakeTimers()
    void limited(HOUR)
    vi.clearAllTimers()
    const result = limited(2 * HOUR)
    await vi.advanceTimersByTimeAsync(2 * HOUR)
    expect(await result).toBe('ERR_TIME_LIMIT')
  })

  test('count what is pending, and nothing else', async () => {
    vi.useFakeTimers()
    expect(await timeLimiter({ timeoutDuration: '1h' }).execute(async () => 1)).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
    void limited(1000)
    void limited(1000)
    expect(vi.getTimerCount()).toBe(2)
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('may be replaced by others again and again', async () => {
    for (let i = 0; i < 3; i++) {
      vi.useFakeTimers()
      const result = limited('1h')
      await vi.advanceTimersByTimeAsync(HOUR)
      expect(await result).toBe('ERR_TIME_LIMIT')
      vi.useRealTimers()
      expect(await limited(1)).toBe('ERR_TIME_LIMIT')
    }
  })

  test('move the clock by which policies decide, from the moment of their installation', () => {
    const breaker = circuitBreaker({ waitDurationInOpenState: '60s' })
    breaker.open()
    vi.useFakeTimers()
    vi.advanceTimersByTime(60_001)
    expect(breaker.tryAcquire()).toBeDefined()
    expect(breaker.state).toBe('HALF_OPEN')
  })

  test('hold a delay that is longer than a timer of the runtime', async () => {
    vi.useFakeTimers()
    const result = limited(3_000_000_000)
    await vi.advanceTimersByTimeAsync(2_999_999_999)
    expect(await Promise.race([result, 'pending'])).toBe('pending')
    await vi.advanceTimersByTimeAsync(1)
    expect(await result).toBe('ERR_TIME_LIMIT')
  })

  test('never let the clock step back', () => {
    const seen = [systemClock.now()]
    const read = () => seen.push(systemClock.now())
    vi.useFakeTimers()
    read()
    vi.advanceTimersByTime(5000)
    read()
    vi.useRealTimers()
    read()
    vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    read()
    vi.setSystemTime(-1e9)
    read()
    vi.useRealTimers()
    read()
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen[2]! - seen[1]!).toBeGreaterThanOrEqual(5000)
    expect(seen.at(-1)! - seen[2]!).toBeLessThan(1000)
  })

  test('set the date that events show', () => {
    vi.useFakeTimers({ now: Date.UTC(2030, 0, 1) })
    const breaker = circuitBreaker()
    const dates: number[] = []
    breaker.on('transition', ({ at }) => dates.push(at))
    breaker.open()
    expect(dates).toEqual([Date.UTC(2030, 0, 1)])
  })

  test('fake without a clock: what fires proves that its time has passed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const results = [limited(1000), limited(2000), limited(1)]
    await vi.advanceTimersByTimeAsync(1000)
    expect(await Promise.race([results[1], 'pending'])).toBe('pending')
    await vi.advanceTimersByTimeAsync(1000)
    expect(await Promise.all(results)).toEqual(Array(3).fill('ERR_TIME_LIMIT'))
  })

  test('are met already when the library is loaded', async () => {
    vi.useFakeTimers()
    vi.resetModules()
    const { timeLimiter: fresh } = await import('../../../src/policies/index.ts')
    const run = (ms: number) =>
      fresh({ timeoutDuration: ms })
        .execute(never)
        .catch(error => error.code)
    const faked = run(HOUR)
    const kept = run(HOUR + 10)
    await vi.advanceTimersByTimeAsync(HOUR)
    expect(await faked).toBe('ERR_TIME_LIMIT')
    vi.useRealTimers()
    expect(await run(5)).toBe('ERR_TIME_LIMIT')
    expect(await kept).toBe('ERR_TIME_LIMIT')
  })
})

describe("mock timers of Node's own test runner", () => {
  test('fire what is pending', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const [first, second] = [limited(1000), limited(1500)]
    mock.timers.tick(1000)
    expect(await first).toBe('ERR_TIME_LIMIT')
    mock.timers.tick(500)
    expect(await second).toBe('ERR_TIME_LIMIT')
  })

  test('move the clock when they mock Date too', () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const limiter = rateLimiter({ limitForPeriod: 1, limitRefreshPeriod: '10s', timeoutDuration: 0 })
    expect([limiter.reserve(1), limiter.reserve(1)]).toEqual([0, -1])
    mock.timers.tick(10_000)
    expect(limiter.reserve(1)).toBe(0)
  })

  test('leave timers that fire when they are reset', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'setImmediate', 'Date'] })
    void limited('1h')
    mock.timers.reset()
    const slots = bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: 5 })
    expect(slots.tryAcquire()).toBeDefined()
    expect(await slots.acquire().catch(error => error.code)).toBe('ERR_BULKHEAD_FULL')
  })
})

test('a wrapper round the real timers, as a tracer puts it there, changes nothing but the speed', async () => {
  const { setTimeout: real } = globalThis
  const before = systemClock.now()
  const began = performance.now()
  globalThis.setTimeout = ((...given: Parameters<typeof real>) => real(...given)) as typeof real
  try {
    for (let i = 0; i < 5; i++) expect(await limited(2)).toBe('ERR_TIME_LIMIT')
    expect(systemClock.now() - before).toBeLessThan(performance.now() - began + 6)
  } finally {
    globalThis.setTimeout = real
  }
  expect(await limited(1)).toBe('ERR_TIME_LIMIT')
})
