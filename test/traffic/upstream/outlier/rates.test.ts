import { describe, expect, test } from 'vitest'
import { lowestUsual, rateOutliers } from '../../../../src/traffic/upstream/outlier/rates.ts'
import { hostRecord } from '../../../../src/traffic/upstream/outlier/record.ts'
import { outlierSettings } from '../../../../src/traffic/upstream/outlier/settings.ts'

const of = (tallies: readonly (readonly [total: number, success: number])[], config = {}) => {
  const records = new Map(
    tallies.map(([total, success], i) => {
      const record = hostRecord(i)
      Object.assign(record.external, { total, success })
      return [i, record] as const
    }),
  )
  const { successRate, failurePercentage } = rateOutliers(records, r => r.external, outlierSettings(config))
  return { successRate: successRate.map(r => r.host), failurePercentage: failurePercentage.map(r => r.host) }
}

test("Envoy's own example: rates 50, 100, 100, 100, 100 give a threshold of 52 at 1.9 deviations", () => {
  expect(lowestUsual([50, 100, 100, 100, 100], 1.9)).toBeCloseTo(52)
})

describe('success rate', () => {
  test('who is below the threshold', () => {
    expect(
      of([
        [100, 50],
        [100, 100],
        [100, 100],
        [100, 100],
        [100, 100],
      ]).successRate,
    ).toEqual([0])
  })
  test('only among enough hosts with enough requests', () => {
    expect(
      of([
        [99, 0],
        [100, 100],
        [100, 100],
        [100, 100],
        [100, 100],
      ]).successRate,
    ).toEqual([])
    expect(
      of([
        [100, 0],
        [100, 100],
        [100, 100],
        [100, 100],
      ]).successRate,
    ).toEqual([])
    expect(
      of(
        [
          [10, 0],
          [10, 10],
          [10, 10],
        ],
        { successRateMinimumHosts: 3, successRateRequestVolume: 10, successRateStdevFactor: 1000 },
      ).successRate,
    ).toEqual([0])
  })
  test('all alike: nobody', () => {
    expect(
      of([
        [100, 90],
        [100, 90],
        [100, 90],
        [100, 90],
        [100, 90],
      ]).successRate,
    ).toEqual([])
  })
})

describe('failure percentage', () => {
  test('who fails the threshold or more', () => {
    expect(
      of([
        [100, 15],
        [100, 16],
        [100, 100],
        [100, 100],
        [100, 100],
      ]).failurePercentage,
    ).toEqual([0])
  })
  test('only among enough hosts with enough requests', () => {
    expect(
      of([
        [49, 0],
        [50, 50],
        [50, 50],
        [50, 50],
        [50, 50],
      ]).failurePercentage,
    ).toEqual([])
    expect(of([[49, 0]], { failurePercentageMinimumHosts: 1, failurePercentageRequestVolume: 49 }).failurePercentage).toEqual([0])
  })
})

describe('edges', () => {
  const all = (n: number, tally: readonly [number, number]) => Array.from({ length: n }, () => tally)
  test('compares exactly as many hosts as the minimum, and not one fewer', () => {
    const config = {
      successRateMinimumHosts: 3,
      successRateRequestVolume: 10,
      successRateStdevFactor: 1000,
      failurePercentageMinimumHosts: 3,
      failurePercentageRequestVolume: 10,
    }
    expect(
      of(
        [
          [10, 0],
          [10, 10],
          [10, 10],
        ],
        config,
      ),
    ).toEqual({ successRate: [0], failurePercentage: [0] })
    expect(
      of(
        [
          [9, 0],
          [10, 10],
          [10, 10],
        ],
        config,
      ),
    ).toEqual({ successRate: [], failurePercentage: [] })
    expect(
      of(
        [
          [10, 0],
          [10, 10],
        ],
        config,
      ),
    ).toEqual({ successRate: [], failurePercentage: [] })
  })
  test('leaves out hosts without requests, also when the volume is 0', () => {
    const config = {
      successRateMinimumHosts: 1,
      successRateRequestVolume: 0,
      successRateStdevFactor: 0,
      failurePercentageMinimumHosts: 1,
      failurePercentageRequestVolume: 0,
    }
    expect(
      of(
        [
          [0, 0],
          [4, 0],
          [4, 4],
        ],
        config,
      ),
    ).toEqual({ successRate: [1], failurePercentage: [1] })
    expect(of(all(3, [0, 0]), config)).toEqual({ successRate: [], failurePercentage: [] })
  })
  test('a failure percentage equal to the threshold is an outlier', () => {
    const config = { failurePercentageMinimumHosts: 2, failurePercentageRequestVolume: 1, failurePercentageThreshold: 85 }
    expect(
      of(
        [
          [100, 15],
          [100, 16],
        ],
        config,
      ).failurePercentage,
    ).toEqual([0])
  })
  test('one comparison runs when there are too few hosts for the other', () => {
    const config = { successRateMinimumHosts: 9, failurePercentageMinimumHosts: 2, failurePercentageRequestVolume: 1 }
    expect(
      of(
        [
          [100, 0],
          [100, 100],
        ],
        config,
      ),
    ).toEqual({ successRate: [], failurePercentage: [0] })
  })
})
