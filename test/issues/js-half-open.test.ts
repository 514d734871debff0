/** JS1 to JS5: half-open and stale results in cockatiel, opossum and mollitia. */
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { circuitBreaker } from '../../src/policies/circuit-breaker/index.ts'
import { down, halfOpen, make, never, permits, small } from './breaker.ts'

test('JS1: a call begun before the trip neither closes, reopens nor sticks the half-open state, nor trips a closed one again', async () => {
  const { clock, breaker } = make()
  const ends: ((failed: boolean) => void)[] = []
  const begin = () =>
    breaker.execute(() => new Promise((yes, no) => ends.push(failed => (failed ? no(new Error('late')) : yes(1))))).catch(() => {})
  const early = Array.from({ length: 8 }, begin)
  breaker.open()
  clock.advance(1001)
  for (const end of ends.slice(0, 4)) end(ends.indexOf(end) % 2 === 0)
  await Promise.all(early.slice(0, 4))
  expect(breaker.state).toBe('OPEN')
  for (let i = 0; i < 2; i++) await breaker.execute(async () => 1)
  expect(breaker.state).toBe('CLOSED')
  for (const end of ends.slice(4)) end(true)
  await Promise.all(early)
  expect([breaker.state, breaker.metrics.numberOfBufferedCalls]).toEqual(['CLOSED', 0])
})

test('JS2: while a probe hangs other callers are refused at once, told when to ask again, and leave no listener', async () => {
  const { clock, breaker } = halfOpen({ maxWaitDurationInHalfOpenState: 500 })
  for (let i = 0; i < 2; i++) void breaker.execute(never)
  const { signal } = new AbortController()
  const refused = await Promise.all(Array.from({ length: 50 }, () => breaker.execute(() => 1, { signal }).catch(e => e)))
  expect(new Set(refused.map(e => `${e.code} ${e.retryAfter}`))).toEqual(new Set(['ERR_CIRCUIT_OPEN 500']))
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  clock.advance(500)
  expect(breaker.state).toBe('OPEN')
})

test('JS3: nobody waits for a probe, so none is released at once when it ends; re-admission can be gradual', async () => {
  const { clock, breaker } = halfOpen({ gradualReadmission: { shares: [0], stepDuration: 100 } })
  let reached = 0
  const probes = Array.from({ length: 1000 }, () => breaker.execute(async () => reached++).catch(() => {}))
  await Promise.all(probes)
  expect([reached, breaker.state, permits(breaker)]).toEqual([2, 'CLOSED', 0])
  clock.advance(100)
  expect(permits(breaker)).toBe(50)
})

test('JS4: an open by hand is undone by no timer and no good call', async () => {
  const { clock, breaker } = make({ automaticTransitionFromOpenToHalfOpenEnabled: true })
  const running = breaker.tryAcquire()!
  breaker.forceOpen()
  running.succeed()
  await clock.advanceAsync(1e9)
  expect([breaker.tryAcquire(), breaker.state]).toEqual([undefined, 'FORCED_OPEN'])
})

test('JS5: what was forced is released to a working state, restored breakers too', async () => {
  const { clock, breaker } = make()
  breaker.forceOpen()
  const restored = circuitBreaker(small, { clock, restore: JSON.parse(JSON.stringify(breaker.toJSON())) })
  for (const forced of [breaker, restored]) {
    expect([forced.state, permits(forced)]).toEqual(['FORCED_OPEN', 0])
    forced.close()
    for (let i = 0; i < 2; i++) await forced.execute(down).catch(() => {})
    expect(forced.state).toBe('OPEN')
  }
})
