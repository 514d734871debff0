import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pipeline } from '../../src/core/pipeline.ts'
import { type Policy, policy } from '../../src/core/policy.ts'

test('the first stands outermost, however many there are and however they are nested', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ maxLength: 3 }), { maxLength: 8 }), fc.nat(8), async (names, cut) => {
      const log: string[] = []
      const parts = names.map(name =>
        policy('mark', name, next => call => (log.push(name), next(call)), () => ({ kind: 'mark', name, options: {} })) as unknown as Policy,
      ) // biome-ignore format: as it is
      const nested = pipeline(pipeline(...parts.slice(0, cut)), pipeline(...parts.slice(cut)))
      expect(await nested.execute(() => 7)).toBe(7)
      expect(log).toEqual(names)
    }),
    { numRuns: 50 },
  )
})

test('orders that surprise are said', () => {
  const named = (kind: string) =>
    policy(
      kind,
      '',
      next => next,
      () => ({ kind, name: '', options: {} }),
    ) as unknown as Policy
  expect(pipeline(named('circuitBreaker'), named('retry')).describe().warnings!.join()).toContain('outside retry')
  expect(pipeline(named('retry'), named('circuitBreaker')).describe().warnings).toEqual([])
})

test('what is no policy is refused', () => {
  const some = policy('mark', '', next => next, () => ({ kind: 'mark', name: '', options: {} })) as unknown as Policy // biome-ignore format: as it is
  expect(() => pipeline(some, 5 as any)).toThrow(/^pipeline: argument 2: 5 is no policy, such as retry\(\)/)
  expect(() => pipeline([some] as any)).toThrow(/a list is no policy/)
  expect(() => pipeline((() => 1) as any)).toThrow(/a function is no policy/)
})
