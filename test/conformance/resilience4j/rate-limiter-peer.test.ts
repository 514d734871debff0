/**
 * The public limiter against the rules of Resilience4j 2.4.0's AtomicRateLimiter, in exact integers as its source has them, over what no recording has:
 * limits changed while reservations stand, debts, permissions beyond the limit, periods from 1 ns to a day, very long pauses, times between two
 * nanoseconds of the clock. `drain` is ours: the peer's takes what is no longer true (E21).
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { rateLimiter } from '../../../src/policies/rate-limiter/index.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'

class Peer {
  limit: bigint
  readonly period: bigint
  timeout: bigint
  cycle = 0n
  left: bigint

  constructor(limit: number, period: number, timeout: number) {
    this.limit = this.left = BigInt(limit)
    this.period = BigInt(period)
    this.timeout = BigInt(timeout)
  }
  /** What is there, and how long `n` would wait. */
  look(n: bigint, now: bigint): { cycle: bigint; left: bigint; wait: bigint } {
    const cycle = now / this.period
    let { left } = this
    if (cycle !== this.cycle) {
      left += (cycle - this.cycle) * this.limit
      if (left > this.limit) left = this.limit
    }
    if (left >= n) return { cycle, left, wait: 0n }
    const beyondNext = n - (left + this.limit)
    return { cycle, left, wait: (cycle + 1n) * this.period - now + ((beyondNext + this.limit - 1n) / this.limit) * this.period }
  }
  reserve(n: number, now: bigint): number {
    const { cycle, left, wait } = this.look(BigInt(n), now)
    const granted = this.timeout >= wait
    this.cycle = cycle
    this.left = granted ? left - BigInt(n) : left
    return granted ? Number(wait) : -1
  }
  drain(now: bigint): number {
    const { cycle, left } = this.look(0n, now)
    this.cycle = cycle
    this.left = left > 0n ? 0n : left
    return left > 0n ? Number(left) : 0
  }
}

const limit = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2_000_000_000 }))
const period = fc.constantFrom(1, 7, 100, 500, 1000, 33_333, 1_000_000, 1_000_000_000, 86_400_000_000_000)
const periods = (max: number) => fc.double({ min: 0, max, noNaN: true })
const op = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ op: fc.constant('reserve' as const), n: fc.oneof(fc.constantFrom(1, 1, 1, 2, 3, 0, 9), fc.nat(3_000_000)) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant('advance' as const), by: fc.oneof(fc.constantFrom(0, 0.5, 1), periods(3), periods(5000)) }),
  },
  { weight: 1, arbitrary: fc.constant({ op: 'drain' as const }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('limit' as const), limit }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('timeout' as const), periods: periods(6) }) },
)
/** ns, 13 days: beyond them a clock that counts milliseconds in a double no longer tells two nanoseconds apart. */
const LATEST = 2 ** 50
/** A wait of ages is one, however the last bits are rounded (the peer's longs overflow there). */
const bounded = (ns: number) => Math.min(ns, 2 ** 53)

test(
  'whatever happens, the limiter answers, counts and tells as Resilience4j does',
  () => {
    let operations = 0
    fc.assert(
      fc.property(limit, period, periods(6), fc.array(op, { minLength: 60, maxLength: 120 }), (limitForPeriod, period, longest, ops) => {
        const ns = (periods: number) => Math.round(periods * period)
        const clock = virtualClock()
        const limiter = rateLimiter({ limitForPeriod, limitRefreshPeriod: period / 1e6, timeoutDuration: ns(longest) / 1e6 }, { clock })
        const peer = new Peer(limitForPeriod, period, ns(longest))
        const heard: string[] = []
        limiter.on('permitted', ({ permissions }) => heard.push(`permitted ${permissions}`))
        limiter.on('rejected', ({ permissions }) => heard.push(`rejected ${permissions}`))
        limiter.on('drained', ({ permissions }) => heard.push(`drained ${permissions}`))
        let t = 0
        for (const [i, o] of ops.entries()) {
          operations++
          const now = BigInt(t)
          let told: string | undefined
          if (o.op === 'advance') {
            const next = t + ns(o.by)
            if (next >= LATEST) continue
            clock.advance(next / 1e6 - clock.now())
            t = next
          } else if (o.op === 'reserve') {
            const wait = limiter.reserve(o.n)
            const expected = peer.reserve(o.n, now)
            expect(wait < 0 ? -1 : bounded(Math.round(wait * 1e6)), `reserve(${o.n}) at ${i}`).toBe(bounded(expected))
            told = `${expected < 0 ? 'rejected' : 'permitted'} ${o.n}`
          } else if (o.op === 'drain') {
            limiter.drain()
            told = `drained ${peer.drain(now)}`
          } else if (o.op === 'limit') {
            limiter.update({ limitForPeriod: o.limit })
            peer.limit = BigInt(o.limit)
          } else {
            limiter.update({ timeoutDuration: ns(o.periods) / 1e6 })
            peer.timeout = BigInt(ns(o.periods))
          }
          const { left, wait } = peer.look(1n, BigInt(t))
          const { availablePermissions } = limiter.metrics
          const nanosToWait = bounded(limiter.metrics.nanosToWait)
          const expectedWait = bounded(Number(wait))
          if (availablePermissions !== Number(left) || nanosToWait !== expectedWait || heard[0] !== told)
            expect({ availablePermissions, nanosToWait, heard }, `after ${i} ${o.op}`).toEqual({
              availablePermissions: Number(left),
              nanosToWait: expectedWait,
              heard: told === undefined ? [] : [told],
            })
          heard.length = 0
        }
      }),
      { numRuns: runs(60) },
    )
    expect(operations).toBeGreaterThanOrEqual(OPERATIONS)
  },
  DEEP_TIMEOUT,
)
