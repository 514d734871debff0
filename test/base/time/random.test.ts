import fc from 'fast-check'
import { expect, test } from 'vitest'
import { below, seededRandom } from '../../../src/base/time/random.ts'

test('the same seed gives the same numbers in [0, 1), spread evenly', () => {
  const [a, b] = [seededRandom(7), seededRandom(7)]
  const tenths = new Array(10).fill(0)
  for (let i = 0; i < 20_000; i++) {
    const x = a()
    expect(b()).toBe(x)
    tenths[Math.floor(x * 10)]++
  }
  for (const n of tenths) expect(Math.abs(n - 2000)).toBeLessThan(250)
})
test('below stays below', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), (seed, limit) => {
      const n = below(seededRandom(seed), limit)
      expect(Number.isInteger(n) && n >= 0 && n < limit).toBe(true)
    }),
  )
})
