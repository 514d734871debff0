import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bulkhead } from '../../../src/policies/bulkhead/index.ts'
import { circuitBreaker } from '../../../src/policies/circuit-breaker/index.ts'
import { fallback } from '../../../src/policies/fallback/index.ts'
import { pipeline, retry, timeLimiter } from '../../../src/policies/index.ts'
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
  expect(perHost.stats).toEqual({ size: 2, inUse: 0, made: 2, evicted: 0 })
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

test('a key in use keeps its policy, and what is over max goes when it ends', async () => {
  const perHost = keyed(
    call => call.host,
    () => bulkhead({ maxConcurrentCalls: 1 }),
    { max: 1 },
  )
  const ends: (() => void)[] = []
  const run = (host: string) => perHost.execute(() => new Promise<void>(end => ends.push(end)), { host })
  const [a, b] = [run('a'), run('b')]
  await expect(run('a')).rejects.toThrow('full')
  expect(perHost.stats).toEqual({ size: 2, inUse: 2, made: 2, evicted: 0 })
  for (const end of ends) end()
  await Promise.all([a, b])
  expect(perHost.stats).toEqual({ size: 1, inUse: 0, made: 2, evicted: 1 })
})

test('calls without a key share one; what throws in key or make rejects the call and keeps nothing', async () => {
  const perHost = keyed(
    call => call.host,
    host => {
      if (host === 'bad') throw new Error('make')
      return circuitBreaker({}, { name: host })
    },
  )
  await perHost.execute(() => 1)
  await expect(perHost.execute(() => 1, { host: 'bad' })).rejects.toThrow('make')
  expect([[...perHost].map(([key]) => key), perHost.stats.inUse]).toEqual([[''], 0])
  const broken = keyed(
    () => {
      throw new Error('key')
    },
    () => circuitBreaker(),
  )
  await expect(broken.execute(() => 1)).rejects.toThrow('key')
  expect(() => keyed(() => 'a', circuitBreaker as any, { max: 0 })).toThrow('max')
})

test('forgetting begins anew; iteration and get see the policies', async () => {
  const perHost = keyed(
    call => call.host,
    () => circuitBreaker(),
  )
  perHost.obtain('a').forceOpen()
  expect([...perHost].map(([key, breaker]) => `${key} ${breaker.state}`)).toEqual(['a FORCED_OPEN'])
  expect([perHost.forget('a'), perHost.forget('a')]).toEqual([true, false])
  expect(await perHost.execute(() => 1, { host: 'a' })).toBe(1)
  perHost.clear()
  expect(perHost.stats.size).toBe(0)
})

test('the types of the policy inside are kept', async () => {
  const guard = keyed(
    call => call.host,
    () => fallback('none' as const),
  )
  const answer: number | 'none' = await guard.execute(() => 1)
  expect(answer).toBe(1)
  // @ts-expect-error the fallback may answer too
  const wrong: number = await guard.execute(() => 1)
  expect(wrong).toBe(1)
  const picky = keyed(
    call => call.host,
    () => circuitBreaker<string>({ recordResult: text => text.length > 3 }),
  )
  // @ts-expect-error the hook accepts only texts
  await picky.execute(() => 1)
})

test('describes the policy of the key used last, and makes none for it', async () => {
  const made: string[] = []
  const perHost = keyed(
    call => call.host,
    host => {
      made.push(host)
      return pipeline(circuitBreaker({}, { name: host }), retry())
    },
  )
  const guard = pipeline(timeLimiter(), perHost)
  expect([perHost.describe(), made]).toEqual([{ kind: 'keyed', name: '', options: { max: 1000 } }, []])
  expect(guard.describe().warnings).toEqual([])

  await guard.execute(async () => 1, { host: 'a' })
  await guard.execute(async () => 1, { host: 'b' })
  expect(perHost.describe().inner![0]!.inner!.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['circuitBreaker b', 'retry '])
  expect(guard.describe().warnings).toEqual([expect.stringContaining('circuitBreaker stands outside retry')])
  expect(made).toEqual(['a', 'b'])
})

test('a key that no two calls would share, and what is no policy, are refused', async () => {
  const perHost = keyed((async () => 'a') as any, () => bulkhead())
  await expect(perHost.execute(() => 1)).rejects.toThrow('keyed: the key is an object or a promise')
  expect(perHost.stats.made).toBe(0)
  const nothing = keyed(
    () => 'a',
    () => 5 as any,
  )
  await expect(nothing.execute(() => 1)).rejects.toThrow('keyed: what was made for "a": 5 is no policy')
  expect(nothing.stats.size).toBe(0)
})
