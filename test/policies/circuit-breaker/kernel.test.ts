/** The kernel against a model that is written for clarity: lists instead of rings, one permit object per call, the transition table itself. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BreakerKernel } from '../../../src/policies/circuit-breaker/kernel.ts'
import { readBreakerOptions } from '../../../src/policies/circuit-breaker/options.ts'
import { STATES, type State, TRANSITIONS } from '../../../src/policies/circuit-breaker/transitions.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'

interface Stay {
  state: State
  calls: { failed: boolean; slow: boolean }[]
  size: number
  minimum: number
  permits: number
  until: number
}

class Model {
  stay: Stay
  refused = 0
  attempts = 0
  readonly size: number
  readonly minimum: number
  readonly permitted: number
  readonly seen: string[] = []

  constructor(size: number, minimum: number, permitted: number) {
    this.size = size
    this.minimum = Math.min(size, minimum)
    this.permitted = permitted
    this.stay = this.closed()
  }
  closed = (state: State = 'CLOSED'): Stay => ({ state, calls: [], size: this.size, minimum: this.minimum, permits: 0, until: 0 })
  go(state: State, now: number, forMs?: number): void {
    const from = this.stay
    if (from.state !== state) this.seen.push(`${from.state}>${state}`)
    if (state === 'OPEN') {
      if (forMs === undefined) this.attempts++
      this.stay = { ...from, state, until: now + (forMs ?? this.attempts * 100) }
      return
    }
    this.refused = 0
    if (state === 'HALF_OPEN')
      this.stay = {
        state,
        calls: [],
        size: this.permitted,
        minimum: Math.min(this.minimum0, this.permitted),
        permits: this.permitted,
        until: 0,
      }
    else {
      this.attempts = state === 'FORCED_OPEN' ? this.attempts + 1 : 0
      this.stay = this.closed(state)
    }
  }
  minimum0 = 0
  acquire(now: number): Stay | undefined {
    if (this.stay.state === 'OPEN' && now > this.stay.until) this.go('HALF_OPEN', now)
    const { stay } = this
    if (stay.state === 'OPEN' || stay.state === 'FORCED_OPEN' || (stay.state === 'HALF_OPEN' && stay.permits === 0)) {
      this.refused++
      return undefined
    }
    stay.permits--
    return stay
  }
  record(from: Stay, failed: boolean, slow: boolean, now: number): void {
    const { stay } = this
    if (from !== stay || stay.state === 'DISABLED') return
    stay.calls = [...stay.calls, { failed, slow }].slice(-stay.size)
    if (stay.calls.length < stay.minimum) return
    const share = (kind: 'failed' | 'slow') => (stay.calls.filter(c => c[kind]).length * 100) / stay.calls.length
    const trips = share('failed') >= 50 || share('slow') >= 80
    if (stay.state === 'HALF_OPEN') this.go(trips ? 'OPEN' : 'CLOSED', now)
    else if (stay.state === 'CLOSED' && trips) this.go('OPEN', now)
  }
}

const op = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ op: 'acquire' as const }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('settle' as const), pick: fc.nat(), failed: fc.boolean(), slow: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('release' as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('to' as const), state: fc.constantFrom(...STATES), forMs: fc.option(fc.nat(200)) }) },
  { weight: 1, arbitrary: fc.constant({ op: 'reset' as const }) },
)

test(
  'any sequence of acquire, settle (late too), release, advance, manual change and reset agrees with the model',
  () => {
    let operations = 0
    const shape = fc.record({
      size: fc.integer({ min: 1, max: 8 }),
      minimum: fc.integer({ min: 1, max: 8 }),
      permitted: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(shape, fc.array(op, { minLength: 80, maxLength: 160 }), ({ size, minimum, permitted }, ops) => {
        const seen: string[] = []
        const settings = readBreakerOptions({
          slidingWindowSize: size,
          minimumNumberOfCalls: minimum,
          permittedNumberOfCallsInHalfOpenState: permitted,
          failureRateThreshold: 50,
          slowCallRateThreshold: 80,
          waitDurationInOpenState: attempt => attempt * 100,
        })
        const kernel = new BreakerKernel(settings, 0, () => 0, {
          transition(from, to, cause) {
            expect(TRANSITIONS[from][to]).toContain(cause)
            seen.push(`${from}>${to}`)
          },
          rateExceeded() {},
          consecutiveFailuresExceeded() {},
        })
        const model = new Model(size, minimum, permitted)
        model.minimum0 = minimum
        const inFlight: { generation: number; stay: Stay }[] = []
        let now = 0
        for (const o of ops) {
          operations++
          const at = 'pick' in o && inFlight.length > 0 ? o.pick % inFlight.length : -1
          if (o.op === 'acquire') {
            const stay = model.acquire(now)
            expect(kernel.acquire(now)).toBe(stay !== undefined)
            if (stay !== undefined) inFlight.push({ generation: kernel.generation, stay })
          } else if (o.op === 'settle' && at >= 0) {
            const [call] = inFlight.splice(at, 1)
            model.record(call!.stay, o.failed, o.slow, now)
            kernel.record(call!.generation, o.failed, o.slow, now)
          } else if (o.op === 'release' && at >= 0) {
            const [call] = inFlight.splice(at, 1)
            if (call!.stay === model.stay) model.stay.permits++
            kernel.release(call!.generation)
          } else if (o.op === 'advance') now += o.ms
          else if (o.op === 'reset') {
            model.go('CLOSED', now)
            kernel.reset(now)
          } else if (o.op === 'to') {
            const forMs = o.state === 'OPEN' ? (o.forMs ?? undefined) : undefined
            if (TRANSITIONS[kernel.state][o.state]?.includes('manual')) {
              model.go(o.state, now, forMs)
              kernel.to(o.state, now, forMs)
            } else expect(() => kernel.to(o.state, now, forMs)).toThrow(RangeError)
          }
          const m = kernel.metrics(now)
          const counted = model.stay.calls
          expect([
            kernel.state,
            kernel.attempts,
            m.numberOfBufferedCalls,
            m.numberOfFailedCalls,
            m.numberOfSlowCalls,
            m.numberOfNotPermittedCalls,
          ]).toEqual([
            model.stay.state,
            model.attempts,
            counted.length,
            counted.filter(c => c.failed).length,
            counted.filter(c => c.slow).length,
            model.refused,
          ])
          expect(seen).toEqual(model.seen)
        }
      }),
      { numRuns: runs(80) },
    )
    expect(operations).toBeGreaterThanOrEqual(OPERATIONS)
  },
  DEEP_TIMEOUT,
)
