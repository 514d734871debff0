import { expect, test } from 'vitest'
import { ClusterLimits } from '../../../../src/traffic/upstream/pool/limits.ts'

const make = (thresholds: Parameters<ClusterLimits['update']>[0]) => {
  const limits = new ClusterLimits()
  limits.update(thresholds)
  return limits
}
const take = (limits: ClusterLimits, active: number, pending = 0) => {
  for (let i = 0; i < active; i++) limits.requests.take()
  for (let i = 0; i < pending; i++) limits.pending.take()
}
const retries = (limits: ClusterLimits) => {
  let n = 0
  while (n < 100 && limits.takeRetry()) n++
  return n
}

test('nothing set is nothing limited, as under Istio', () => {
  expect(make(undefined).snapshot()).toMatchObject({
    'circuit_breakers.default.cx_open': 0,
    'circuit_breakers.default.rq_retry_open': 0,
    upstream_rq_active: 0,
  })
})

test('a budget replaces the limit: a share of what runs and waits, never less than its least', () => {
  const budget = (percent: number, min: number) => ({
    maxRetries: 1,
    retryBudget: { budgetPercent: { value: percent }, minRetryConcurrency: min },
  })
  const few = make(budget(20, 3))
  take(few, 10)
  expect(retries(few)).toBe(3)
  const many = make(budget(20, 3))
  take(many, 30, 12)
  expect(retries(many)).toBe(8) // 20 % of 42, cut
  expect(retries(make({ maxRetries: 2 }))).toBe(2)
})

// resource_manager_impl.h, RetryBudgetImpl: the gauge belongs to the limit beside the budget, and nothing is shown as remaining.
test('a budget moves no gauge', () => {
  const limits = make({ retryBudget: { minRetryConcurrency: 1 }, trackRemaining: true })
  expect(retries(limits)).toBe(1)
  expect(limits.snapshot()).toMatchObject({
    'circuit_breakers.default.rq_retry_open': 0,
    'circuit_breakers.default.remaining_retries': 0,
  })
})

test('gauges say which limit is reached, and what remains when asked to', () => {
  const limits = make({ maxRequests: 2, maxRetries: 3, trackRemaining: true })
  take(limits, 2)
  limits.takeRetry()
  expect(limits.snapshot()).toMatchObject({
    'circuit_breakers.default.rq_open': 1,
    'circuit_breakers.default.rq_retry_open': 0,
    'circuit_breakers.default.remaining_rq': 0,
    'circuit_breakers.default.remaining_retries': 2,
  })
  limits.update({ maxRequests: 1 })
  expect(limits.snapshot()).not.toHaveProperty(['circuit_breakers.default.remaining_rq'])
})
