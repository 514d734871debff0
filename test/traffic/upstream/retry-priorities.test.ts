import { expect, test } from 'vitest'
import { priorityLoads } from '../../../src/traffic/upstream/priority.ts'
import { RetryPriorities } from '../../../src/traffic/upstream/retry-priorities.ts'
import { hostSet } from './support.ts'

const set = hostSet([{}, {}, { priority: 1 }, { priority: 2 }])
const loads = priorityLoads(set.levels, 0)
const [a, b, c, d] = set.all

test('after every two tries the priorities tried are left out, until none is left', () => {
  const retry = new RetryPriorities(2)
  const shares = () => retry.loads(loads).healthy
  expect(shares()).toEqual([100, 0, 0])
  retry.attempted(a!)
  expect(shares()).toEqual([100, 0, 0])
  retry.attempted(b!)
  expect(shares()).toEqual([0, 100, 0])
  retry.attempted(c!)
  expect(shares()).toEqual([0, 100, 0])
  retry.attempted(c!)
  expect(shares()).toEqual([0, 0, 100])
  retry.attempted(d!)
  retry.attempted(d!)
  expect(shares()).toEqual([100, 0, 0]) // all were tried: anybody may be asked again
  retry.attempted(a!)
  expect(shares()).toEqual([100, 0, 0])
})

test('nobody healthy anywhere: the usual loads', () => {
  const ill = hostSet([{ configured: 'unhealthy' }, { priority: 1, configured: 'unhealthy' }])
  const usual = priorityLoads(ill.levels, 0)
  const retry = new RetryPriorities(1)
  retry.attempted(ill.all[0]!)
  expect(retry.loads(usual)).toBe(usual)
})
