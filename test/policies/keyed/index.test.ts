import fc from 'fast-check'
import { expect, test } from 'vitest'
import { circuitBreaker } from '../../../src/policies/circuit-breaker/index.ts'
import { keyed } from '../../../src/policies/keyed/index.ts'

test('each key has its own policy', async () => {
  const perHost = keyed(
    call => call.host ?? '',
    host => circuitBreaker({}, { name: host }),
    { max: 10 },
  )
  await perHost.execute(() => 1, { host: 'a' })
  perHost.get('a')!.forceOpen()
  await expect(perHost.execute(() => 1, { host: 'a' })).rejects.toThrow('FORCED_OPEN')
  expect(await perHost.execute(() => 2, { host: 'b' })).toBe(2)
  expect(perHost.stats).toEqual({ size: 2, made: 2, evicted: 0 })
})

test('remembers the keys used last, never more than max', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')), async (max, keys) => {
      const policy = keyed(
        call => call.host!,
        () => circuitBreaker(),
        { max },
      )
      for (const host of keys) await policy.execute(() => 1, { host })
      const recent = [...new Set([...keys].reverse())].slice(0, max)
      for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) expect(policy.get(key) !== undefined).toBe((recent as string[]).includes(key))
      expect(policy.stats.made - policy.stats.evicted).toBe(policy.stats.size)
    }),
    { numRuns: 50 },
  )
})
