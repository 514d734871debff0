import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CountWindow } from '../../../src/base/stats/count-window.ts'
import { TimeWindow } from '../../../src/base/stats/time-window.ts'
import type { Counts } from '../../../src/base/stats/window.ts'

const sums = (outcomes: number[]) => ({
  calls: outcomes.length,
  failed: outcomes.filter(o => o & 1).length,
  slow: outcomes.filter(o => o & 2).length,
  slowFailed: outcomes.filter(o => o === 3).length,
})
const plain = ({ calls, failed, slow, slowFailed }: Counts) => ({ calls, failed, slow, slowFailed })
const outcome = fc.integer({ min: 0, max: 3 })

test('a count window is the last N outcomes of a list', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12 }), fc.array(outcome, { maxLength: 60 }), (size, outcomes) => {
      const window = new CountWindow(size)
      outcomes.forEach((o, i) => {
        window.record(o)
        const last = size === 0 ? [] : outcomes.slice(0, i + 1).slice(-size)
        expect(plain(window.read())).toEqual(sums(last))
        const seen: number[] = []
        window.visit(0, held => seen.push(held))
        expect(seen).toEqual(last)
      })
    }),
  )
})

describe('a time window', () => {
  test('holds what lies in the last N slices, aligned to zero, also when it was idle', () => {
    const step = fc.record({
      wait: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 2000 })),
      outcome: fc.option(outcome),
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 1e12 }),
        fc.array(step, { maxLength: 60 }),
        (slices, width, t0, steps) => {
          const window = new TimeWindow(slices, width, t0)
          const log: { at: number; outcome: number }[] = []
          let now = t0
          for (const s of steps) {
            now += s.wait
            if (s.outcome !== null) {
              window.record(s.outcome, now)
              log.push({ at: now, outcome: s.outcome })
            }
            const held = log.filter(e => Math.floor(now / width) - Math.floor(e.at / width) < slices)
            expect(plain(window.read(now))).toEqual(sums(held.map(e => e.outcome)))
            let visited = 0
            window.visit(now, (_, calls) => (visited += calls))
            expect(visited).toBe(held.length)
          }
        },
      ),
    )
  })
  test('a clock that steps back loses nothing and pushes nothing into the future', () => {
    const window = new TimeWindow(10, 1000, 100_000)
    for (let i = 0; i < 500; i++) window.record(1, 99_000 + i)
    expect(window.read(100_000).calls).toBe(500)
    expect(window.read(110_000).calls).toBe(0)
  })
})
