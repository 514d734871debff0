import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/time/random.ts'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import {
  circuitBreaker,
  type FaultInjectedError,
  type FaultInjectorOptions,
  faultInjector,
  isRejection,
  OptionsError,
  pipeline,
  retry,
  uniformLatency,
} from '../../../src/policies/index.ts'

const always = { value: 100 }
const ended = (promise: Promise<unknown>) =>
  promise.then(
    value => ({ value }),
    error => ({ error }),
  )

/** A fault injector with chosen rolls. */
function rolled(options: FaultInjectorOptions, rolls: number[] = []) {
  const clock = virtualClock()
  let taken = 0
  const chaos = faultInjector(options, { clock, random: () => rolls[taken++] ?? 0, name: 'chaos' })
  return { clock, chaos, taken: () => taken }
}

describe('abort', () => {
  test('throws instead of calling, and never reached the callee', async () => {
    const { chaos } = rolled({ abort: { percentage: always, httpStatus: 503 } })
    let calls = 0
    const { error } = (await ended(chaos.execute(() => ++calls))) as { error: FaultInjectedError }
    expect([calls, error.code, error.status, error.message, isRejection(error)]).toEqual([
      0,
      'ERR_FAULT_INJECTED',
      503,
      'fault filter abort: status 503, injected by chaos',
      true,
    ])
  })
  test.each([
    ['UNAVAILABLE', 14],
    ['14', 14],
    ['OK', 0],
  ])('a gRPC status %s', async (grpcStatus, number) => {
    const { error } = (await ended(rolled({ abort: { percentage: always, grpcStatus } }).chaos.execute(() => 1))) as {
      error: FaultInjectedError
    }
    expect([error.status, error.grpcStatus]).toEqual([200, number])
  })
  test('an error of one’s own', async () => {
    const own = new Error('mine')
    expect(await ended(rolled({ abort: { percentage: always, error: () => own } }).chaos.execute(() => 1))).toEqual({ error: own })
  })
  test('is not retried, and no breaker counts it', async () => {
    const { chaos } = rolled({ abort: { percentage: always, httpStatus: 500 } })
    const breaker = circuitBreaker()
    let tries = 0
    await ended(pipeline(retry(), breaker, chaos).execute(() => ++tries))
    expect([tries, chaos.metrics.abortsInjected, breaker.metrics.numberOfBufferedCalls]).toEqual([0, 1, 0])
  })
  test('without a percentage never fires, as in Istio', async () => {
    expect(await rolled({ abort: { httpStatus: 503 }, delay: { fixedDelay: 10 } }).chaos.execute(() => 1)).toBe(1)
  })
})

describe('delay', () => {
  test('comes first, and the abort has a roll of its own after it', async () => {
    const options = { delay: { percentage: { value: 50 }, fixedDelay: '2s' }, abort: { percentage: { value: 50 }, httpStatus: 503 } }
    const play = async (rolls: number[]) => {
      const { clock, chaos, taken } = rolled(options, rolls)
      const done = ended(chaos.execute(() => `called at ${clock.now()}`))
      await clock.advanceAsync(1999)
      const before = taken()
      await clock.advanceAsync(1)
      const outcome = (await done) as any
      return [before, taken(), outcome.value ?? outcome.error.status]
    }
    expect(await play([0.4, 0.4])).toEqual([1, 2, 503])
    expect(await play([0.4, 0.6])).toEqual([1, 2, 'called at 2000'])
    expect(await play([0.6, 0.4])).toEqual([2, 2, 503])
    expect(await play([0.6, 0.6])).toEqual([2, 2, 'called at 0'])
  })
  test('of varying length', async () => {
    const { clock, chaos } = rolled({ delay: { percentage: always, latency: uniformLatency(10, 20) } }, [0, 0.5])
    const waits: number[] = []
    chaos.on('delay', e => waits.push(e.ms))
    const done = chaos.execute(() => clock.now())
    await clock.advanceAsync(15)
    expect([await done, waits]).toEqual([15, [15]])
  })
  test('is over at once when the caller gives up, leaving nothing', async () => {
    const { clock, chaos } = rolled({ delay: { percentage: always, fixedDelay: 1000 } })
    const controller = new AbortController()
    let calls = 0
    const done = ended(chaos.execute(() => ++calls, { signal: controller.signal }))
    expect(chaos.metrics.activeFaults).toBe(1)
    controller.abort('enough')
    expect(await done).toEqual({ error: 'enough' })
    await clock.advanceAsync(0)
    expect([calls, clock.pending, chaos.metrics, getEventListeners(controller.signal, 'abort').length]).toEqual([
      0,
      0,
      { delaysInjected: 1, abortsInjected: 0, activeFaults: 0 },
      0,
    ])
  })
})

describe('which calls', () => {
  test('those of which `when` is true; a hook that throws spares the call', async () => {
    const chaos = faultInjector({ abort: { percentage: always, httpStatus: 503 }, when: call => (call as any).host === 'a' })
    expect(await ended(chaos.execute(() => 1, { host: 'b' }))).toEqual({ value: 1 })
    expect(await ended(chaos.execute(() => 1, { host: 'a' }))).toMatchObject({ error: { status: 503 } })
    const broken = faultInjector({
      abort: { percentage: always, httpStatus: 503 },
      when: () => {
        throw new Error('hook')
      },
    })
    expect(await ended(broken.execute(() => 1))).toEqual({ value: 1 })
  })
  test('a share of them', async () => {
    const chaos = faultInjector({ abort: { percentage: { value: 30 }, httpStatus: 503 } }, { random: seededRandom(1) })
    for (let i = 0; i < 2000; i++) await ended(chaos.execute(() => 1))
    expect(Math.abs(chaos.metrics.abortsInjected - 600)).toBeLessThan(60)
  })
})

test('switched off, also for a call that is being delayed', async () => {
  const { clock, chaos } = rolled({ delay: { percentage: always, fixedDelay: 100 }, abort: { percentage: always, httpStatus: 503 } })
  const delayed = ended(chaos.execute(() => 'called'))
  chaos.update({ enabled: false })
  expect(await chaos.execute(() => 'at once')).toBe('at once')
  await clock.advanceAsync(100)
  expect(await delayed).toEqual({ value: 'called' })
  chaos.update({ enabled: true })
  expect(chaos.describe().options).toMatchObject({ enabled: true, abort: { httpStatus: 503 } })
})

test.each<[FaultInjectorOptions, RegExp]>([
  [{ delay: { percentage: always } }, /delay: give either fixedDelay or latency/],
  [{ abort: { percentage: always } }, /abort: give one of httpStatus, grpcStatus, error/],
  [{ abort: { httpStatus: 503, grpcStatus: '14' } }, /abort: give one of/],
  [{ abort: { grpcStatus: 'GONE' } }, /"GONE" is no gRPC status/],
  [{ abort: { grpcStatus: '17' } }, /"17" is no gRPC status/],
  [{ abort: { httpStatus: 600 } }, /600 is out of range/],
  [{ delay: { fixedDelay: 0 } }, /0 is out of range/],
  [{ abort: { percentage: { value: 101 }, httpStatus: 503 } }, /101 is out of range/],
])('wrong options say so: %j', (options, message) => {
  expect(() => faultInjector(options)).toThrow(OptionsError)
  expect(() => faultInjector(options)).toThrow(message)
})
