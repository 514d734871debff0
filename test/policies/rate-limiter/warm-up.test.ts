/**
 * Warm-up against the picture it is drawn from (Guava's SmoothWarmingUp): the time between two calls as a function of what a pause has stored, flat while warm
 * and rising in a line to `coldFactor` times as much; what a call costs is the area under it, added up here slice by slice.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Rate } from '../../../src/policies/rate-limiter/rate.ts'
import { WarmUp } from '../../../src/policies/rate-limiter/warm-up.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'

class Picture {
  warm!: number
  cold!: number
  threshold!: number
  max!: number
  duration!: number
  stored: number
  /** When the calls so far are paid for. */
  paid: number
  offered: number[] = []

  constructor(rate: Rate) {
    this.draw(rate)
    this.stored = this.max
    this.paid = 0
  }
  /** The area of the slope is the warm-up itself; that of the flat part lasts so long that a pause of the warm-up's length fills everything. */
  draw({ limit, period, warmUp }: Rate): void {
    this.warm = period / limit
    this.cold = this.warm * warmUp!.coldFactor
    this.duration = warmUp!.duration
    this.threshold = this.duration / (this.cold - this.warm)
    this.max = this.threshold + this.duration / ((this.warm + this.cold) / 2)
  }
  intervalAt(stored: number): number {
    if (stored <= this.threshold) return this.warm
    return this.warm + ((this.cold - this.warm) * (stored - this.threshold)) / (this.max - this.threshold)
  }
  pass(now: number): void {
    this.offered = this.offered.filter(at => at >= now)
    if (now <= this.paid) return
    this.stored = Math.min(this.max, this.stored + ((now - this.paid) / this.duration) * this.max)
    this.paid = now
  }
  waitFor(n: number, now: number): number {
    this.pass(now)
    return n === 1 && this.offered.length > 0 ? this.offered[0]! - now : this.paid - now
  }
  take(n: number, now: number): void {
    this.pass(now)
    if (n === 1 && this.offered.shift() !== undefined) return
    for (let rest = n; rest > 0; ) {
      const toCorner = this.stored > this.threshold ? this.stored - this.threshold : this.stored
      const width = this.stored > 0 ? Math.min(rest, 1 / 64, toCorner) : rest
      this.paid += width * (this.stored > 0 ? this.intervalAt(this.stored - width / 2) : this.warm)
      this.stored = Math.max(0, this.stored - width)
      rest -= width
    }
  }
  giveBack(due: number, now: number): void {
    this.offered = [...this.offered, due].sort((a, b) => a - b)
    this.pass(now)
  }
  change(rate: Rate, now: number): void {
    this.pass(now)
    const share = this.stored / this.max
    this.draw(rate)
    this.stored = share * this.max
  }
}

const rate: fc.Arbitrary<Rate> = fc.record({
  limit: fc.integer({ min: 1, max: 50 }),
  period: fc.constantFrom(1e6, 1e8, 1e9),
  burst: fc.constant(1),
  warmUp: fc.record({ duration: fc.integer({ min: 1e6, max: 1e10 }), coldFactor: fc.constantFrom(1.5, 2, 3, 10) }),
})
const op = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('reserve' as const), n: fc.constantFrom(1, 1, 1, 2, 5) }) },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('advance' as const), by: fc.oneof(fc.nat(1e6), fc.nat(1e8), fc.nat(2e10)) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('giveBack' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ op: 'drain' as const }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('change' as const), rate }) },
)

test(
  'any sequence of reservations, given back or not, drains, changes and pauses costs the area under the picture',
  () => {
    let operations = 0
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 1e10 }), fc.array(op, { minLength: 40, maxLength: 80 }), (first, longest, ops) => {
        const account = new WarmUp(first, 0)
        const picture = new Picture(first)
        let now = 0
        let reserved: number[] = []
        for (const [i, o] of ops.entries()) {
          operations++
          reserved = reserved.filter(due => due > now)
          if (o.op === 'advance') now += o.by
          else if (o.op === 'reserve') {
            const [wait, area] = [account.waitFor(o.n, now), picture.waitFor(o.n, now)]
            expect(Math.abs(wait - area), `${i}: ${wait} for ${area}`).toBeLessThan(2 + 1e-9 * area)
            if (wait > longest) continue
            account.take(o.n, now)
            picture.take(o.n, now)
            if (o.n === 1 && wait > 0) reserved.push(now + wait)
          } else if (o.op === 'giveBack' && reserved.length > 0) {
            const [due] = reserved.splice(o.pick % reserved.length, 1) as [number]
            account.giveBack(1, due, now)
            picture.giveBack(due, now)
          } else if (o.op === 'drain') {
            const free = picture.waitFor(1, now)
            if (free > 0 && free < 2) continue // a hair from now
            expect(account.drain(now)).toBe(free > 0 ? 0 : 1)
            if (free <= 0) picture.take(1, now)
          } else if (o.op === 'change') {
            account.change(o.rate, now)
            picture.change(o.rate, now)
          }
        }
      }),
      { numRuns: runs(40) },
    )
    expect(operations).toBeGreaterThan(OPERATIONS)
  },
  DEEP_TIMEOUT,
)

test('a callee that is cold gets its full rate after the warm-up, and is cold again after a pause as long', () => {
  const account = new WarmUp({ limit: 100, period: 1e9, burst: 1, warmUp: { duration: 1e9, coldFactor: 3 } }, 0)
  const gaps = (from: number, count: number) => {
    const starts: number[] = []
    let now = from
    for (let i = 0; i < count; i++) {
      now += account.waitFor(1, now)
      account.take(1, now)
      starts.push(now)
    }
    return starts.slice(1).map((at, i) => Math.round((at - starts[i]!) / 1e6))
  }
  const cold = gaps(0, 120)
  expect([cold[0], cold.at(-1)]).toEqual([30, 10])
  expect(cold.filter(gap => gap > 10).reduce((a, b) => a + b, 0)).toBeGreaterThan(900)
  expect(gaps(20e9, 2)).toEqual([30])
})
