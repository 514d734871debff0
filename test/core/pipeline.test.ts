import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pipeline } from '../../src/core/pipeline.ts'
import { type Policy, policy } from '../../src/core/policy.ts'
import type { Surprise } from '../../src/core/surprises/index.ts'
import { retrySurprises } from '../../src/core/surprises/retry.ts'

test('the first stands outermost, however many there are and however they are nested', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ maxLength: 3 }), { maxLength: 8 }), fc.nat(8), async (names, cut) => {
      const log: string[] = []
      const parts = names.map(name =>
        policy('mark', name, next => call => (log.push(name), next(call)), () => ({})) as unknown as Policy,
      ) // biome-ignore format: as it is
      const nested = pipeline(pipeline(...parts.slice(0, cut)), pipeline(...parts.slice(cut)))
      expect(await nested.execute(() => 7)).toBe(7)
      expect(log).toEqual(names)
    }),
    { numRuns: 50 },
  )
})

test('orders that surprise are said, by the rules that the policies bring along', () => {
  const named = (kind: string, rules?: readonly Surprise[]) =>
    policy(
      kind,
      '',
      next => next,
      () => ({}),
      rules,
    ) as unknown as Policy
  const [breaker, retry] = [named('circuitBreaker'), named('retry', retrySurprises)]
  expect(pipeline(breaker, retry).describe().warnings!.join()).toContain('circuitBreaker stands outside retry')
  expect(pipeline(pipeline(breaker), pipeline(retry)).describe().warnings).toHaveLength(1)
  expect(pipeline(retry, breaker).describe().warnings).toEqual([])
  expect(pipeline(breaker, named('retry')).describe().warnings).toEqual([])
})
