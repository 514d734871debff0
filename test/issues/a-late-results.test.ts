/** A: late results, and half-open states that never end or admit too many. */
import { expect, test } from 'vitest'
import { BulkheadFullError, reject, TimeLimitError } from '../../src/core/errors.ts'
import { pipeline } from '../../src/core/pipeline.ts'
import { timeLimiter } from '../../src/policies/time-limiter/index.ts'
import { down, halfOpen, make, never, permits } from './breaker.ts'

test('A1: late results decide nothing in a later state', () => {
  for (const end of ['succeed', 'fail', 'release'] as const) {
    const { clock, breaker } = make()
    const late = Array.from({ length: 6 }, () => breaker.tryAcquire()!)
    breaker.open()
    clock.advance(1001)
    breaker.tryAcquire()
    for (const permit of late) permit[end](new Error('late'))
    expect([breaker.state, breaker.metrics.numberOfBufferedCalls, permits(breaker)]).toEqual(['HALF_OPEN', 0, 1])
  }
})

test('A2: bystanders that are refused, aborted or ended by others change nothing for the probe', async () => {
  const { clock, breaker } = make({ permittedNumberOfCallsInHalfOpenState: 1 })
  const controller = new AbortController()
  const bystander = breaker.execute(call => new Promise((_, no) => call.signal.addEventListener('abort', no)), {
    signal: controller.signal,
  })
  breaker.open()
  clock.advance(1001)
  let probed!: (value: string) => void
  const probe = breaker.execute(() => new Promise<string>(yes => (probed = yes)))
  for (let i = 0; i < 20; i++) await expect(breaker.execute(() => 1)).rejects.toThrow('HALF_OPEN')
  controller.abort(new Error('bystander'))
  await bystander.catch(() => {})
  expect(breaker.state).toBe('HALF_OPEN')
  probed('well')
  await probe
  expect(breaker.state).toBe('CLOSED')
})

test('A2, A3: a probe that its own semaphore refuses gives its permit back', async () => {
  const { breaker } = halfOpen({ permittedNumberOfCallsInHalfOpenState: 1 })
  for (let i = 0; i < 9; i++) await breaker.execute(() => Promise.reject(reject(BulkheadFullError, 'full'))).catch(() => {})
  expect([breaker.state, permits(breaker)]).toEqual(['HALF_OPEN', 1])
})

test('A3: no hook and no listener that throws keeps a half-open permit', async () => {
  const broken = () => { throw new Error('hook') } // biome-ignore format: one line
  for (const hook of ['recordException', 'ignoreException', 'recordResult', 'transitionOnResult'] as const) {
    const { breaker } = halfOpen({ [hook]: broken })
    for (const event of ['success', 'error', 'ignored', 'transition'] as const) breaker.on(event, broken)
    const good = hook === 'recordResult' || hook === 'transitionOnResult'
    for (let i = 0; i < 2; i++) await breaker.execute(good ? async () => 'fine' : down).catch(() => {})
    expect([hook, breaker.state]).toEqual([hook, good ? 'CLOSED' : 'OPEN'])
  }
})

test('A3: whatever a probe throws settles it, a non-error too', async () => {
  for (const thrown of [undefined, null, 'text', 0, new Error('x'), Object.create(null)]) {
    const { breaker } = halfOpen()
    for (let i = 0; i < 2; i++) await breaker.execute(() => { throw thrown }).catch(() => {}) // biome-ignore format: one line
    expect(breaker.state).toBe('OPEN')
  }
})

test('A3: a probe that never ends expires when the state may not last', () => {
  for (const [then, expected] of [
    ['OPEN', 'OPEN'],
    ['CLOSED', 'CLOSED'],
  ] as const) {
    // biome-ignore format: pairs
    const { clock, breaker } = halfOpen({ maxWaitDurationInHalfOpenState: 500, transitionToStateAfterWaitDuration: then })
    for (let i = 0; i < 2; i++) void breaker.execute(never)
    clock.advance(499)
    expect(breaker.state).toBe('HALF_OPEN')
    clock.advance(1)
    expect(breaker.state).toBe(expected)
  }
})

test('A4: a probe that an outer time limit gave up counts as a failure and does not close', async () => {
  const { clock, breaker } = halfOpen({ permittedNumberOfCallsInHalfOpenState: 1 })
  const guard = pipeline(timeLimiter({ timeoutDuration: 100 }, { clock }), breaker)
  const probe = guard
    .execute(call => new Promise((_, no) => call.signal.addEventListener('abort', () => no(call.signal.reason))))
    .catch(e => e)
  await clock.advanceAsync(100)
  expect(await probe).toBeInstanceOf(TimeLimitError)
  expect(breaker.state).toBe('OPEN')
})

test('A5: half-open admits no more in total than is permitted, however results come', () => {
  const { breaker } = halfOpen({ permittedNumberOfCallsInHalfOpenState: 3, minimumNumberOfCalls: 3 })
  breaker.tryAcquire()!.succeed()
  breaker.tryAcquire()!.fail(new Error('one'))
  expect([breaker.state, permits(breaker)]).toEqual(['HALF_OPEN', 1])
})

test('A6: releasing twice, or after settling, adds no permits', () => {
  const { breaker } = halfOpen()
  const probe = breaker.tryAcquire()!
  for (let i = 0; i < 5; i++) probe.release()
  probe.succeed()
  expect([breaker.metrics.numberOfBufferedCalls, permits(breaker)]).toEqual([0, 2])
})
