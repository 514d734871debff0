/** Every account against a model that is written for clarity: it looks at every permission ever taken, or walks time step by step. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cycles } from '../../../src/policies/rate-limiter/cycles.ts'
import type { Permissions, Rate } from '../../../src/policies/rate-limiter/rate.ts'
import { SlidingWindow } from '../../../src/policies/rate-limiter/sliding-window.ts'
import { Smooth } from '../../../src/policies/rate-limiter/smooth.ts'
import { TokenBucket } from '../../../src/policies/rate-limiter/token-bucket.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'

/** Walks from period to period. */
class CyclesModel implements Permissions {
  rate: Rate
  left: number
  cycle = 0
  origin = 0
  constructor(rate: Rate) {
    this.rate = rate
    this.left = rate.limit
  }
  waitFor(n: number, now: number): number {
    let [left, wait] = [this.available(now), 0]
    const toNext = this.rate.period - ((now - this.origin) % this.rate.period)
    for (; left < n; left += this.rate.limit) wait += wait === 0 ? toNext : this.rate.period
    return wait
  }
  take(n: number, now: number): void {
    this.touch(now)
    this.left -= n
  }
  giveBack(n: number, _due: number, now: number): void {
    this.touch(now)
    this.left = Math.min(this.left + n, this.rate.limit)
  }
  available(now: number): number {
    let { left, cycle } = this
    for (const current = Math.floor((now - this.origin) / this.rate.period); cycle < current; cycle++)
      left = Math.min(left + this.rate.limit, this.rate.limit)
    return left
  }
  drain(now: number): number {
    this.touch(now)
    const drained = Math.max(0, this.left)
    this.left -= drained
    return drained
  }
  change(rate: Rate, now: number): void {
    if (rate.period !== this.rate.period) {
      this.left = this.available(now)
      this.origin = now
      this.cycle = 0
    }
    this.rate = rate
  }
  touch(now: number): void {
    this.left = this.available(now)
    this.cycle = Math.floor((now - this.origin) / this.rate.period)
  }
}

/** Exact fractions of permissions. */
class BucketModel implements Permissions {
  rate: Rate
  /** In units of 1 / period. */
  level: bigint
  at: number
  constructor(rate: Rate, now: number) {
    this.rate = rate
    this.level = BigInt(rate.burst) * BigInt(rate.period)
    this.at = now
  }
  waitFor(n: number, now: number): number {
    this.fill(now)
    const missing = BigInt(n) * BigInt(this.rate.period) - this.level
    if (missing <= 0n) return 0
    const limit = BigInt(this.rate.limit)
    return Number((missing + limit - 1n) / limit)
  }
  take(n: number, now: number): void {
    this.fill(now)
    this.level -= BigInt(n) * BigInt(this.rate.period)
  }
  giveBack(n: number, _due: number, now: number): void {
    this.take(-n, now)
  }
  available(now: number): number {
    this.fill(now)
    const period = BigInt(this.rate.period)
    const whole = this.level / period
    return Number(this.level < 0n && whole * period !== this.level ? whole - 1n : whole)
  }
  drain(now: number): number {
    const drained = Math.max(0, this.available(now))
    this.take(drained, now)
    return drained
  }
  change(rate: Rate, now: number): void {
    this.level = BigInt(Math.min(this.available(now), rate.burst)) * BigInt(rate.period)
    this.rate = rate
  }
  fill(now: number): void {
    this.level += BigInt(now - this.at) * BigInt(this.rate.limit)
    this.at = now
    const full = BigInt(this.rate.burst) * BigInt(this.rate.period)
    if (this.level > full) this.level = full
  }
}

/** Remembers every use and looks at every moment. */
class WindowModel implements Permissions {
  rate: Rate
  uses: number[] = []
  constructor(rate: Rate) {
    this.rate = rate
  }
  waitFor(n: number, now: number): number {
    if (n > this.rate.limit) return Infinity
    const moments = [now, ...this.uses.map(at => at + this.rate.period).filter(at => at > now)].sort((a, b) => a - b)
    return moments.find(at => this.available(at) >= n)! - now
  }
  take(n: number, now: number): void {
    const at = now + this.waitFor(n, now)
    for (let i = 0; i < n; i++) this.uses.push(at)
  }
  giveBack(n: number, due: number): void {
    for (let i = 0; i < n && this.uses.includes(due); i++) this.uses.splice(this.uses.indexOf(due), 1)
  }
  available(now: number): number {
    return this.rate.limit - this.uses.filter(at => at > now - this.rate.period).length
  }
  drain(now: number): number {
    const drained = Math.max(0, this.available(now))
    for (let i = 0; i < drained; i++) this.uses.push(now)
    return drained
  }
  change(rate: Rate, now: number): void {
    this.uses = this.uses.filter(at => at > now - this.rate.period)
    this.rate = rate
  }
}

/** A list of the slots that are taken, numbered from the start. */
class SmoothModel implements Permissions {
  rate: Rate
  origin: number
  taken = new Set<number>()
  constructor(rate: Rate, now: number) {
    this.rate = rate
    this.origin = now
  }
  slots(n: number, now: number): number[] {
    const current = this.current(now)
    const last = Math.max(current - 1, ...this.taken)
    const holes = Array.from({ length: last - current + 1 }, (_, i) => current + i).filter(slot => !this.taken.has(slot))
    if (n === 1 && holes.length > 0) return [holes[0]!]
    return Array.from({ length: Math.max(1, n) }, (_, i) => last + 1 + i)
  }
  waitFor(n: number, now: number): number {
    return Math.max(0, this.timeOf(this.slots(n, now).at(-1)!) - now)
  }
  take(n: number, now: number): void {
    if (n > 0) for (const slot of this.slots(n, now)) this.taken.add(slot)
  }
  giveBack(n: number, due: number): void {
    let last = this.current(due)
    while (this.timeOf(last + 1) <= due) last++
    for (let slot = last - n + 1; slot <= last; slot++) this.taken.delete(slot)
  }
  available(now: number): number {
    const current = this.current(now)
    const ahead = [...this.taken].filter(slot => slot >= current).length
    return 1 - ahead
  }
  drain(now: number): number {
    const current = this.current(now)
    if (this.taken.has(current)) return 0
    this.taken.add(current)
    return 1
  }
  change(): void {
    throw new Error('not modelled')
  }
  current(now: number): number {
    return Math.floor(((now - this.origin) * this.rate.limit) / this.rate.period)
  }
  timeOf(slot: number): number {
    return this.origin + Math.ceil((slot * this.rate.period) / this.rate.limit)
  }
}

const rate: fc.Arbitrary<Rate> = fc.record({
  limit: fc.integer({ min: 1, max: 7 }),
  period: fc.constantFrom(10, 33, 100),
  burst: fc.integer({ min: 1, max: 9 }),
  warmUp: fc.constant(undefined),
})
const op = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('reserve' as const), n: fc.constantFrom(1, 1, 1, 1, 2, 3, 8, 0) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('advance' as const), by: fc.oneof(fc.nat(30), fc.nat(400)) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('giveBack' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ op: 'drain' as const }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('change' as const), rate }) },
)
const ACCOUNTS: [string, (rate: Rate) => Permissions, (rate: Rate) => Permissions][] = [
  ['cycle', rate => new Cycles(rate), rate => new CyclesModel(rate)],
  ['token-bucket', rate => new TokenBucket(rate, 0), rate => new BucketModel(rate, 0)],
  ['sliding-window', rate => new SlidingWindow(rate), rate => new WindowModel(rate)],
  ['smooth', rate => new Smooth(rate, 0), rate => new SmoothModel(rate, 0)],
]

describe.each(ACCOUNTS)('%s', (name, make, makeModel) => {
  test(
    'any sequence of reservations, given back or not, drains, changes and time agrees with the model',
    () => {
      let operations = 0
      fc.assert(
        fc.property(rate, fc.nat(300), fc.array(op, { minLength: 60, maxLength: 120 }), (start, longest, ops) => {
          const account = make(start)
          const model = makeModel(start)
          let reserved: { n: number; due: number }[] = []
          let now = 0
          for (const o of ops) {
            operations++
            reserved = reserved.filter(({ due }) => due > now)
            if (o.op === 'reserve') {
              const wait = account.waitFor(o.n, now)
              expect(wait, `${o.n} at ${now}`).toBe(model.waitFor(o.n, now))
              const n = wait > longest ? 0 : o.n
              account.take(n, now)
              model.take(n, now)
              if (n > 0 && wait > 0) reserved.push({ n, due: now + wait })
            } else if (o.op === 'advance') now += o.by
            else if (o.op === 'giveBack' && reserved.length > 0) {
              const [{ n, due }] = reserved.splice(o.pick % reserved.length, 1) as [{ n: number; due: number }]
              account.giveBack(n, due, now)
              model.giveBack(n, due, now)
            } else if (o.op === 'drain') expect(account.drain(now)).toBe(model.drain(now))
            else if (o.op === 'change' && name !== 'smooth') {
              account.change(o.rate, now)
              model.change(o.rate, now)
              reserved = [] // their times belong to the old rate
            }
            expect(account.available(now), `available at ${now}`).toBe(model.available(now))
          }
        }),
        { numRuns: runs(60) },
      )
      expect(operations).toBeGreaterThan(OPERATIONS)
    },
    DEEP_TIMEOUT,
  )
})

test('a window never holds more than the limit, wherever it begins', () => {
  fc.assert(
    fc.property(rate, fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(20)), { maxLength: 100 }), (rate, calls) => {
      const window = new SlidingWindow(rate)
      const uses: number[] = []
      let now = 0
      for (const [n, gap] of calls) {
        now += gap
        const wait = window.waitFor(n, now)
        if (wait === Infinity) continue
        window.take(n, now)
        for (let i = 0; i < n; i++) uses.push(now + wait)
      }
      for (const from of uses) expect(uses.filter(at => at >= from && at < from + rate.period).length).toBeLessThanOrEqual(rate.limit)
    }),
  )
})
