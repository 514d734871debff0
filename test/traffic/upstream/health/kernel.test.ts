import { describe, expect, test } from 'vitest'
import { type CheckResult, HostHealth } from '../../../../src/traffic/upstream/health/kernel.ts'
import { healthSettings, within } from '../../../../src/traffic/upstream/health/settings.ts'

const settings = healthSettings({
  name: 'outbound|80||reviews',
  healthChecks: [
    {
      unhealthyThreshold: 3,
      healthyThreshold: 2,
      interval: '10s',
      unhealthyInterval: '5s',
      healthyEdgeInterval: '2s',
      unhealthyEdgeInterval: '1s',
    },
  ],
})!

const after = (trusted: boolean, results: string) => {
  const health = new HostHealth(trusted)
  const of: Record<string, CheckResult> = { p: 'passed', r: 'refused', n: 'no-answer' }
  let changed = false
  for (const c of results) changed = health.record(of[c]!, settings)
  return [health.healthy, changed, health.wait(changed, settings)]
}

test.each([
  [false, 'p', [true, true, 2000]], // the first check decides alone
  [false, 'n', [false, false, 5000]],
  [false, 'np', [false, false, 5000]],
  [false, 'npp', [true, true, 2000]],
  [false, 'npnp', [false, false, 5000]],
  [true, 'n', [true, false, 10_000]],
  [true, 'nn', [true, false, 10_000]],
  [true, 'nnn', [false, true, 1000]],
  [true, 'nnpnn', [true, false, 10_000]],
  [true, 'r', [false, true, 1000]], // says outright that it is ill
])('believed in: %s; checks %s', (trusted, results, expected) => {
  expect(after(trusted, results)).toEqual(expected)
})

describe('settings', () => {
  test('defaults', () => {
    expect(healthSettings({ name: 'outbound|80||reviews', healthChecks: [{ httpHealthCheck: { path: '/healthz' } }] })).toMatchObject({
      timeout: 1000,
      interval: 10_000,
      unhealthyInterval: 10_000,
      unhealthyThreshold: 2,
      healthyThreshold: 2,
      http: { method: 'GET', path: '/healthz', authority: 'reviews', expected: [{ start: 200, end: 201 }] },
    })
    expect(healthSettings({ name: 'c', healthChecks: [] })).toBeUndefined()
  })
  test('ranges end before their end', () => {
    expect([199, 200, 299, 300].map(s => within([{ start: 200, end: 300 }], s))).toEqual([false, true, true, false])
  })
})
