import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ewma } from '../../../src/base/stats/ewma.ts'
import { Histogram } from '../../../src/base/stats/histogram.ts'

test('an average weighs what came one time constant ago by 1/e', () => {
  const average = new Ewma(1000)
  expect(average.value).toBeNaN()
  average.record(100, 0)
  expect(average.value).toBe(100)
  average.record(0, 1000)
  expect(average.value).toBeCloseTo(100 / Math.E, 10)
})

test('an average stays between its samples', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.integer({ min: -5, max: 5000 })), { minLength: 1 }),
      samples => {
        const average = new Ewma(500)
        let now = 0
        for (const [sample, wait] of samples) average.record(sample, (now += wait))
        const values = samples.map(([sample]) => sample)
        expect(average.value).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6)
        expect(average.value).toBeLessThanOrEqual(Math.max(...values) + 1e-6)
      },
    ),
  )
})

test('quantiles are within the accuracy of the sorted samples', () => {
  const samples = fc.array(fc.double({ min: 0.001, max: 3.6e6, noNaN: true }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      const histogram = new Histogram({ accuracy: 0.01 })
      for (const value of values) histogram.record(value)
      const exact = [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)]!
      expect(Math.abs(histogram.quantile(q) - exact)).toBeLessThanOrEqual(exact * 0.0101)
    }),
  )
})

test('an empty histogram has no quantile; what is merged counts; what is out of bounds counts as the bound', () => {
  const one = new Histogram({ lowest: 1, highest: 1000 })
  expect(one.quantile(0.5)).toBeNaN()
  expect(one.mean).toBeNaN()
  const other = new Histogram({ lowest: 1, highest: 1000 })
  other.record(0)
  other.record(5000)
  other.record(Number.NaN)
  one.merge(other)
  expect([one.count, one.quantile(0), one.quantile(1)]).toEqual([2, 1, 1000])
  one.clear()
  expect(one.count).toBe(0)
})
