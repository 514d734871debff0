/** Shares as Istio writes and Envoy rolls them, and latencies that vary. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/time/random.ts'
import { exponentialLatency, fires, millionths, normalLatency, uniformLatency } from '../../../src/policies/fault-injector/kernel.ts'
import { DEEP_TIMEOUT, OPERATIONS } from '../../deep.ts'

test('millionths are cut off as Istio cuts them, in doubles', () => {
  // 0.29 · 10000 is 2900 in doubles, 0.57 · 10000 is 5699.999…: both as float64 in Go.
  expect([100, 50, 0.0001, 0.00009, 0.29, 0.57, 33.333333].map(millionths)).toEqual([1_000_000, 500_000, 1, 0, 2900, 5699, 333_333])
})

test('a share fires below its millionth and not at it', () => {
  expect(fires(50, () => 0.499999)).toBe(true)
  expect(fires(50, () => 0.5)).toBe(false)
  expect(fires(100, () => 0.9999999999)).toBe(true)
  expect(fires(0.0001, () => 0)).toBe(true)
})

test('nothing fires without a share, and no random number is used up', () => {
  const never = () => {
    throw new Error('asked')
  }
  expect([fires(0, never), fires(undefined, never), fires(0.00001, never)]).toEqual([false, false, false])
})

test(
  'any share fires exactly for the rolls below it',
  () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (percent, u) => {
          expect(fires(percent, () => u)).toBe(Math.floor(u * 1e6) < Math.trunc(percent * 1e4))
        },
      ),
      { numRuns: OPERATIONS },
    )
  },
  DEEP_TIMEOUT,
)

test('latencies have the mean and the bounds they say', () => {
  const random = seededRandom(7)
  const samples = (latency: (r: () => number) => number) => Array.from({ length: 20_000 }, () => latency(random))
  const mean = (all: number[]) => all.reduce((a, b) => a + b, 0) / all.length
  const uniform = samples(uniformLatency(10, 30))
  expect(Math.abs(mean(uniform) - 20)).toBeLessThan(0.5)
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(10)
  expect(Math.max(...uniform)).toBeLessThan(30)
  const normal = samples(normalLatency(100, 10))
  expect(Math.abs(mean(normal) - 100)).toBeLessThan(1)
  expect(normal.filter(ms => Math.abs(ms - 100) <= 10).length / normal.length).toBeCloseTo(0.683, 1)
  const exponential = samples(exponentialLatency(50))
  expect(Math.abs(mean(exponential) - 50)).toBeLessThan(2)
  expect(Math.min(...exponential, ...samples(normalLatency(1, 100)))).toBeGreaterThanOrEqual(0)
})

test('a latency that cannot be is refused', () => {
  for (const make of [() => uniformLatency(3, 2), () => normalLatency(-1, 0), () => exponentialLatency(Number.NaN)])
    expect(make).toThrow(RangeError)
})
