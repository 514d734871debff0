/** Resilience4j's interval functions, number by number. Its waits end where a Java long does; ours say "at least 2^53" there. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { IntervalFunction } from '../../../src/policies/retry/intervals.ts'

const recorded = JSON.parse(readFileSync(new URL('./intervals.json', import.meta.url), 'utf8'))
const make = (fn: string, args: number[]): IntervalFunction => (IntervalFunction as any)[fn](...args)
const noChance = () => {
  throw new Error('asked for a random number')
}

describe('deterministic', () => {
  // One row is a Java lambda given to `of`, which has no counterpart: ours is any function.
  const rows = recorded.deterministic.filter((row: any) => row.fn !== 'of(x->x+100)')
  test('has rows', () => expect(rows.length).toBe(17))

  test.each<any>(rows)('$fn $args', ({ fn, args, intervals, threw }) => {
    if (threw !== undefined) return expect(() => make(fn, args)).toThrow(RangeError)
    const interval = make(fn, args)
    expect(() => interval(0, undefined, undefined, noChance)).toThrow(RangeError)
    for (const [i, wanted] of intervals.entries()) {
      const ms = interval(i + 1, undefined, undefined, noChance)
      if (wanted > Number.MAX_SAFE_INTEGER) expect(ms).toBeGreaterThanOrEqual(2 ** 53)
      else expect(ms, `attempt ${i + 1}`).toBe(wanted)
    }
  })
})

describe('randomised', () => {
  test('has rows', () => expect(recorded.randomised.length).toBe(8))

  test.each<any>(recorded.randomised)('$fn $args', ({ fn, args, rows }) => {
    const interval = make(fn, args)
    for (const [attempt, u, wanted] of rows)
      expect(
        interval(attempt, undefined, undefined, () => u),
        `${attempt}, ${u}`,
      ).toBe(wanted)
  })
})
