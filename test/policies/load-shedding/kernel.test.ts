/** The kernel against a model that walks from interval to interval and remembers every wait. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Shedder, type SheddingRules } from '../../../src/policies/load-shedding/kernel.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'

class Model {
  rules: SheddingRules
  steps = 0
  begin: number
  waits: number[] = []
  constructor(rules: SheddingRules, now: number) {
    this.rules = rules
    this.begin = now
  }
  walk(now: number): void {
    for (; this.begin + this.rules.interval <= now; this.begin += this.rules.interval) {
      const overloaded = this.waits.length > 0 && this.waits.every(wait => wait > this.rules.targetDelay)
      this.steps = overloaded ? Math.min(Math.ceil(1 / this.rules.step), this.steps + 1) : Math.max(0, this.steps - 1)
      this.waits = []
    }
  }
  cutoff(utilisation: number): number {
    const { shedFrom, lowestPriority, step } = this.rules
    let byRoom = lowestPriority
    if (utilisation >= 1) byRoom = 0
    else if (utilisation >= shedFrom) byRoom = lowestPriority * ((1 - utilisation) / (1 - shedFrom))
    return Math.min(byRoom, lowestPriority * (1 - Math.min(1, this.steps * step)))
  }
  admits(priority: number, utilisation: number, delay: number, now: number): boolean {
    this.walk(now)
    this.waits.push(delay)
    if (priority <= 0) return true
    return Math.min(priority, this.rules.lowestPriority) <= this.cutoff(utilisation)
  }
}

const rules = fc.record({
  shedFrom: fc.constantFrom(0, 0.5, 0.7, 1),
  lowestPriority: fc.constantFrom(1, 9, 499),
  targetDelay: fc.constantFrom(0, 5, 20),
  interval: fc.constantFrom(10, 100),
  step: fc.constantFrom(0.1, 0.25, 0.3, 1),
})
const op = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('arrive' as const),
      priority: fc.integer({ min: -3, max: 520 }),
      utilisation: fc.constantFrom(0, 0.3, 0.69, 0.7, 0.85, 0.99, 1, 1.7),
      delay: fc.constantFrom(0, 4, 6, 21, 500),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.oneof(fc.nat(30), fc.nat(1500)) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('update' as const), rules: rules }) },
)

test(
  'any sequence of arrivals, time and updates agrees with the model',
  () => {
    let operations = 0
    fc.assert(
      fc.property(rules, fc.array(op, { minLength: 60, maxLength: 120 }), (start, ops) => {
        const shedder = new Shedder(start, 0)
        const model = new Model(start, 0)
        let now = 0
        for (const o of ops) {
          operations++
          if (o.op === 'arrive')
            expect(shedder.admits(o.priority, o.utilisation, o.delay, now)).toBe(model.admits(o.priority, o.utilisation, o.delay, now))
          else if (o.op === 'advance') now += o.ms
          else {
            model.walk(now)
            shedder.change(o.rules, now)
            model.rules = o.rules
            model.steps = Math.min(model.steps, Math.ceil(1 / o.rules.step))
          }
          model.walk(now)
          for (const utilisation of [0, 0.8, 1]) {
            const [ours, theirs] = [shedder.cutoff(utilisation, now), model.cutoff(utilisation)]
            if (Math.abs(ours - theirs) > 1e-9) expect(ours, `at ${utilisation}`).toBe(theirs)
          }
        }
      }),
      { numRuns: runs(60) },
    )
    expect(operations).toBeGreaterThan(OPERATIONS)
  },
  DEEP_TIMEOUT,
)

test('who is more important is never shed while a less important one passes', () => {
  fc.assert(
    fc.property(rules, fc.nat(499), fc.nat(499), fc.double({ min: 0, max: 2, noNaN: true }), (rules, a, b, utilisation) => {
      const passes = (priority: number) => new Shedder(rules, 0).admits(priority, utilisation, 0, 0)
      if (passes(Math.max(a, b))) expect(passes(Math.min(a, b))).toBe(true)
    }),
  )
})
