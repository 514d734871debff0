import { describe, expect, test } from 'vitest'
import { map, object, readOptions } from '../../../src/core/schema/index.ts'
import { type NativeOptions, nativeClusterFields, nativeOverlay } from '../../../src/traffic/upstream/native.ts'

/** As `createMesh({ clusters })` reads them. */
const overlay = (given: NativeOptions) => {
  const { clusters } = readOptions({ clusters: map('', object('', nativeClusterFields), { default: {} }) }, { clusters: given }, 'mesh')
  return nativeOverlay(clusters)
}

const cluster = (name: string, outlierDetection?: object) => ({ name, ...(outlierDetection === undefined ? {} : { outlierDetection }) })

test('nothing said changes nothing', () => {
  const plain = cluster('outbound|80|v1|a.test')
  expect(overlay({})(plain)).toBe(plain)
  expect(overlay({ 'b.test': { healthChecks: [{}] } })(plain)).toEqual(plain)
})

test('the most specific counts, block by block', () => {
  const lay = overlay({
    '*': { healthChecks: [{ interval: '1s' }], outlierDetection: { maxEjectionTime: '60s' } },
    'a.test': { healthChecks: [{ interval: '2s' }] },
    'a.test|v1': { healthChecks: [{ interval: '3s' }] },
    'a.test|v1|80': { healthChecks: [{ interval: 4000, httpHealthCheck: { path: '/up' } }] },
  })
  const interval = (name: string) => lay(cluster(name)).healthChecks![0]!.interval
  expect(['outbound|80|v1|a.test', 'outbound|81|v1|a.test', 'outbound|80||a.test', 'outbound|80||b.test'].map(interval)).toEqual([
    '4000ms',
    '3000ms',
    '2000ms',
    '1000ms',
  ])
  expect(lay(cluster('outbound|80|v1|a.test', { interval: '5s' })).outlierDetection).toEqual({ interval: '5s', maxEjectionTime: '60000ms' })
})

test('outlier detection is only laid over rules that have it', () => {
  expect(overlay({ '*': { outlierDetection: { alwaysEjectOneHost: true } } })(cluster('outbound|80||a'))).toEqual(cluster('outbound|80||a'))
})

describe('in Envoy words', () => {
  test('rates', () => {
    const lay = overlay({ '*': { outlierDetection: { successRate: { enforcing: 50 }, failurePercentage: { threshold: 70 } } } })
    expect(lay(cluster('outbound|80||a', { enforcingSuccessRate: 0 })).outlierDetection).toMatchObject({
      enforcingSuccessRate: 50,
      successRateMinimumHosts: 5,
      successRateRequestVolume: 100,
      successRateStdevFactor: 1900,
      enforcingFailurePercentage: 100,
      failurePercentageThreshold: 70,
    })
  })
})

test('wrong options are named with their key', () => {
  expect(() => overlay({ 'a.test': { healthChecks: [{ interval: 0, httpHealthCheck: {} as never }] } })).toThrow(
    /"a.test".healthChecks\[0\].interval[\s\S]*httpHealthCheck.path: is required|a.test.healthChecks\[0\].interval[\s\S]*path: is required/,
  )
})
