/** C: holes in the state machine. */
import { expect, test } from 'vitest'
import { make, permits } from './breaker.ts'

test('C10: transitionOnResult without a wait opens for the configured one, and the breaker comes back', () => {
  const { clock, breaker } = make({ transitionOnResult: (result: unknown) => result === 'shut' })
  breaker.tryAcquire()!.succeed('shut')
  expect([breaker.state, breaker.toJSON().remaining]).toEqual(['OPEN', 1000])
  clock.advance(1001)
  for (let i = 0; i < 2; i++) breaker.tryAcquire()!.succeed()
  expect([breaker.state, permits(breaker)]).toEqual(['CLOSED', 50])
})

test('C11: a late result after DISABLED or FORCED_OPEN became OPEN does not throw', async () => {
  for (const by of ['disable', 'forceOpen'] as const) {
    const { breaker } = make()
    let end!: (value: string) => void
    const running = breaker.execute(() => new Promise<string>(yes => (end = yes)))
    const late = breaker.tryAcquire()!
    breaker[by]()
    breaker.open()
    expect(() => late.fail(new Error('late'))).not.toThrow()
    end('value')
    expect(await running).toBe('value')
    expect(breaker.metrics.failureRate).toBe(-1)
  }
})

test('C12: a refusal is told and counted once; a refused change of state leaves everything as it was', () => {
  const { clock, breaker } = make({ permittedNumberOfCallsInHalfOpenState: 1 })
  let refused = 0
  breaker.on('notPermitted', () => refused++)
  breaker.open()
  clock.advance(1001)
  breaker.tryAcquire()
  expect([breaker.tryAcquire(), refused, breaker.metrics.numberOfNotPermittedCalls]).toEqual([undefined, 1, 1])
  breaker.metricsOnly()
  for (let i = 0; i < 3; i++) breaker.tryAcquire()!.fail(1)
  expect(() => breaker.open()).toThrow('METRICS_ONLY cannot go to OPEN; from there it can go to CLOSED')
  expect([breaker.state, breaker.metrics.numberOfFailedCalls]).toEqual(['METRICS_ONLY', 3])
})
