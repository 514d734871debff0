/** JS24 to JS31: errors and listeners in cockatiel, opossum and mollitia. */
import { expect, test } from 'vitest'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import { circuitBreaker } from '../../src/policies/circuit-breaker/index.ts'
import { fallback } from '../../src/policies/fallback/index.ts'
import { retry } from '../../src/policies/retry/index.ts'
import { down, make, small } from './breaker.ts'

const broken = () => { throw new Error('listener') } // biome-ignore format: one line

test('JS24: a listener that throws changes no outcome and hides no error', async () => {
  const { breaker } = make()
  for (const type of ['success', 'error', 'ignored', 'notPermitted', 'transition', 'failureRateExceeded', 'reset'] as const)
    breaker.on(type, broken)
  let runs = 0
  expect(await breaker.execute(async () => ++runs)).toBe(1)
  await expect(breaker.execute(down)).rejects.toThrow('down')
  expect([breaker.state, breaker.metrics.numberOfFailedCalls]).toEqual(['OPEN', 1])
  await expect(breaker.execute(down)).rejects.toThrow('is OPEN')
  expect(() => breaker.reset()).not.toThrow()
  const again = retry()
  again.on('success', broken)
  expect([await again.execute(async () => ++runs), runs]).toEqual([2, 2])
})

test('JS25: a hook that throws settles the call with its own outcome', async () => {
  const { breaker } = make({ ignoreException: broken, recordResult: broken })
  await expect(breaker.execute(down)).rejects.toThrow('down')
  expect(await breaker.execute(async () => 'value')).toBe('value')
  expect(breaker.metrics).toMatchObject({ numberOfFailedCalls: 1, numberOfSuccessfulCalls: 1 })
})

test('JS26: a synchronous function that returns undefined is a success, also when the breaker is disabled', async () => {
  const { breaker } = make()
  expect(await breaker.execute(() => undefined)).toBeUndefined()
  expect(await breaker.execute(() => null)).toBeNull()
  breaker.disable()
  expect(await breaker.execute(() => undefined)).toBeUndefined()
})

test('JS28: options are copied and left alone: two policies of one object share nothing', async () => {
  const options = Object.freeze({ ...small })
  const [one, two] = [circuitBreaker(options), circuitBreaker(options)]
  for (let i = 0; i < 2; i++) await one.execute(down).catch(() => {})
  expect([one.state, two.state, two.metrics.numberOfBufferedCalls]).toEqual(['OPEN', 'CLOSED', 0])
  const loose: { slidingWindowSize: number; ignoreErrors: string[] } = { slidingWindowSize: 7, ignoreErrors: ['X'] }
  const three = circuitBreaker(loose)
  loose.slidingWindowSize = 1
  loose.ignoreErrors.push('Error')
  three.update({})
  await three.execute(down).catch(() => {})
  expect([three.describe().options['slidingWindowSize'], three.metrics.numberOfFailedCalls]).toEqual([7, 1])
})

test('JS29: a listener is taken off itself, the first too, once or twice', () => {
  const { breaker } = make()
  const heard: string[] = []
  const offs = ['a', 'b', 'c'].map(name => breaker.on('success', () => heard.push(name)))
  offs[0]!()
  offs[0]!()
  breaker.tryAcquire()!.succeed()
  offs[2]!()
  breaker.tryAcquire()!.succeed()
  expect(heard).toEqual(['b', 'c', 'b'])
})

test('JS30: jittered back-off grows by its factor; maxAttempts counts tries; the default is neither unlimited nor without a wait', async () => {
  const clock = virtualClock()
  const waits = async (policy: ReturnType<typeof retry>) => {
    const seen: number[] = []
    policy.on('retry', ({ waitMs }) => seen.push(waitMs))
    const done = policy.execute(down).catch(() => {})
    await clock.advanceAsync(60_000)
    await done
    return seen
  }
  const random = () => 0.999999
  expect(await waits(retry({ attempts: 4, backoff: 100 }, { clock, random }))).toEqual([99, 199, 399, 799])
  expect(await waits(retry({ maxAttempts: 3, waitDuration: 10 }, { clock }))).toEqual([10, 10])
  const byDefault = await waits(retry({}, { clock, random }))
  expect([byDefault.length, byDefault.every(ms => ms > 0)]).toEqual([2, true])
})

test('JS31: a fallback that throws keeps the first error as cause, and a fallback can give a value', async () => {
  const failing = fallback(() => { throw new Error('b too') }) // biome-ignore format: one line
  const error: any = await failing.execute(down).catch(e => e)
  expect([error.message, error.cause.message]).toEqual(['b too', 'down'])
  expect(await fallback('plan b').execute(down)).toBe('plan b')
})
