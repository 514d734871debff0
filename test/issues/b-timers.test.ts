/** B: timers that outlive what they were for. */
import { expect, test } from 'vitest'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import { pipeline } from '../../src/core/pipeline.ts'
import { bulkhead } from '../../src/policies/bulkhead/index.ts'
import { timeLimiter } from '../../src/policies/time-limiter/index.ts'
import { down, make } from './breaker.ts'

test('B7: reset leaves no timer alive, of the open or of the half-open state', () => {
  const { clock, breaker } = make({
    maxWaitDurationInHalfOpenState: 300,
    automaticTransitionFromOpenToHalfOpenEnabled: true,
    waitDurationInOpenState: 400,
  })
  breaker.open()
  breaker.halfOpen()
  breaker.reset()
  expect(clock.pending).toBe(0)
  clock.advance(10_000)
  expect(breaker.state).toBe('CLOSED')
  breaker.open()
  clock.advance(200)
  breaker.reset()
  breaker.open()
  clock.advance(200) // when the first wait would have been over
  expect(breaker.state).toBe('OPEN')
  clock.advance(200)
  expect(breaker.state).toBe('HALF_OPEN')
})

test('B8: callers and listeners that ask again during a change neither recurse nor get more than is permitted', () => {
  const { clock, breaker } = make({ permittedNumberOfCallsInHalfOpenState: 1 })
  let inside = 0
  breaker.on('transition', ({ to }) => {
    if (to === 'HALF_OPEN') for (let i = 0; i < 1000; i++) if (breaker.tryAcquire() !== undefined) inside++
  })
  breaker.open()
  clock.advance(1001)
  expect([breaker.tryAcquire(), inside, breaker.state]).toEqual([undefined, 1, 'HALF_OPEN'])
})

test('B9: a time limit cancels the work, frees the slot when the work ends, and leaves no timer after a failure', async () => {
  const clock = virtualClock()
  const slots = bulkhead({ maxConcurrentCalls: 1 }, { clock })
  const guard = pipeline(timeLimiter({ timeoutDuration: 50 }, { clock }), slots)
  const late = guard
    .execute(call => new Promise((_, no) => call.signal.addEventListener('abort', () => no(call.signal.reason))))
    .catch(e => e.code)
  await clock.advanceAsync(50)
  expect([await late, slots.metrics.availableConcurrentCalls]).toEqual(['ERR_TIME_LIMIT', 1])
  await guard.execute(down).catch(() => {})
  expect(clock.pending).toBe(0)
})
