/** The kernel against a model written for clarity, over any sequence of what can happen to it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BreakerKernel } from '../../../src/policies/circuit-breaker/kernel.ts'
import { readBreakerOptions } from '../../../src/policies/circuit-breaker/options.ts'
import { STATES, TRANSITIONS } from '../../../src/policies/circuit-breaker/transitions.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'
import { Model, type Settings, SLICE, type Stay, THRESHOLDS, WAIT } from './model.ts'

const settings: fc.Arbitrary<Settings> = fc.record({
  type: fc.constantFrom('COUNT_BASED', 'TIME_BASED'),
  size: fc.integer({ min: 1, max: 8 }),
  minimum: fc.integer({ min: 1, max: 8 }),
  permitted: fc.integer({ min: 1, max: 4 }),
  longestProbing: fc.constantFrom(0, 120),
  consecutive: fc.constantFrom(3, 1000),
})
const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('acquire') }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constant('settle'), pick: fc.nat(), failed: fc.boolean(), slow: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('release'), pick: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('advance'), ms: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('to'), state: fc.constantFrom(...STATES), forMs: fc.option(fc.nat(200)) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('update'), settings }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('reset', 'restore') }) },
)

const optionsOf = (s: Settings) =>
  readBreakerOptions({
    slidingWindowType: s.type,
    slidingWindowSize: s.type === 'COUNT_BASED' ? s.size : 1,
    slidingWindowSliceDuration: SLICE,
    minimumNumberOfCalls: s.minimum,
    permittedNumberOfCallsInHalfOpenState: s.permitted,
    maxWaitDurationInHalfOpenState: s.longestProbing,
    failureRateThreshold: THRESHOLDS.failed,
    slowCallRateThreshold: THRESHOLDS.slow,
    consecutiveFailures: s.consecutive,
    waitDurationInOpenState: attempt => attempt * WAIT,
  })

test(
  'any sequence of acquire, settle (late too), release, advance, change by hand, update, reset and restore agrees with the model',
  () => {
    let operations = 0
    fc.assert(
      fc.property(settings, fc.array(operation, { minLength: 80, maxLength: 160, size: 'max' }), (first, ops) => {
        const seen: string[] = []
        const make = (now: number) =>
          new BreakerKernel(optionsOf(model.settings), now, () => 0, {
            transition(from, to, cause) {
              expect(TRANSITIONS[from][to]).toContain(cause)
              seen.push(`${from}>${to}`)
            },
            rateExceeded: () => {},
            consecutiveFailuresExceeded: () => {},
          })
        const model = new Model(first)
        let kernel = make(0)
        let inFlight: { generation: number; stay: Stay }[] = []
        let now = 0
        for (const o of ops as any[]) {
          operations++
          const at = inFlight.length > 0 ? o.pick % inFlight.length : -1
          if (o.op === 'acquire') {
            const stay = model.acquire(now)
            expect(kernel.acquire(now)).toBe(stay !== undefined)
            if (stay !== undefined) inFlight.push({ generation: kernel.generation, stay })
            else expect(kernel.retryAfter(now) ?? 0).toBeGreaterThanOrEqual(0)
          } else if (o.op === 'settle' && at >= 0) {
            const [call] = inFlight.splice(at, 1)
            model.record(call!.stay, o.failed, o.slow, now)
            kernel.record(call!.generation, o.failed, o.slow, now)
          } else if (o.op === 'release' && at >= 0) {
            const [call] = inFlight.splice(at, 1)
            model.release(call!.stay)
            kernel.release(call!.generation)
          } else if (o.op === 'advance') {
            now += o.ms
            model.due(now)
            if (kernel.state === 'HALF_OPEN' && now >= kernel.until) kernel.due(kernel.generation, now)
          } else if (o.op === 'reset') {
            model.go('CLOSED', now)
            kernel.reset(now)
          } else if (o.op === 'to') {
            const forMs = o.state === 'OPEN' ? (o.forMs ?? undefined) : undefined
            if (TRANSITIONS[kernel.state][o.state as 'OPEN']?.includes('manual')) {
              model.go(o.state, now, forMs)
              kernel.to(o.state, now, forMs)
            } else expect(() => kernel.to(o.state, now, forMs)).toThrow(RangeError)
          } else if (o.op === 'update') {
            model.update(o.settings, now)
            kernel.update(optionsOf(o.settings), now)
          } else if (o.op === 'restore') {
            const saved = kernel.save(now)
            kernel = make(now)
            kernel.restore(saved, now)
            const { state, until } = model.stay
            const { attempts } = model
            model.refused = 0
            model.stay = { ...model.fresh(state, now), until: Math.max(until, now) }
            model.attempts = attempts
            inFlight = [] // they died with their process
          }
          const m = kernel.metrics(now)
          const counted = model.counted(now)
          expect([
            kernel.state,
            kernel.attempts,
            kernel.until,
            m.numberOfBufferedCalls,
            m.numberOfFailedCalls,
            m.numberOfSlowCalls,
            m.numberOfSlowFailedCalls,
            m.numberOfNotPermittedCalls,
          ]).toEqual([
            model.stay.state,
            model.attempts,
            model.stay.until,
            counted.length,
            counted.filter(c => c.failed).length,
            counted.filter(c => c.slow).length,
            counted.filter(c => c.failed && c.slow).length,
            model.refused,
          ])
          if (seen.length !== model.seen.length) expect(seen).toEqual(model.seen)
        }
        expect(seen).toEqual(model.seen)
      }),
      { numRuns: runs(80) },
    )
    expect(operations).toBeGreaterThanOrEqual(OPERATIONS)
  },
  DEEP_TIMEOUT,
)
