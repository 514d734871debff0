// People's tests fake the timers of the runtime, after this library was loaded: its clock then goes with theirs.
import { afterEach, expect, test, vi } from 'vitest'
import { retry, timeLimiter } from '../../../src/policies/index.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('a limit passes with faked timers', async () => {
  vi.useFakeTimers()
  const told = timeLimiter({ timeoutDuration: '1h' })
    .execute(() => new Promise(() => {}))
    .catch(error => error.code)
  await vi.advanceTimersByTimeAsync(3_600_001)
  expect(await told).toBe('ERR_TIME_LIMIT')
})

test('a wait between tries passes with faked timers', async () => {
  vi.useFakeTimers()
  const told = retry({ maxAttempts: 2, waitDuration: '1h' }).execute(call => {
    if (call.attempt === 1) throw new Error('down')
    return 'up'
  })
  await vi.advanceTimersByTimeAsync(3_600_001)
  expect(await told).toBe('up')
})
