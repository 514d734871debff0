import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/time/random.ts'
import { pipeline } from '../../../../src/core/pipeline.ts'
import { retry } from '../../../../src/policies/retry/index.ts'
import { weightedRouter } from '../../../../src/traffic/upstream/factories/weighted-router.ts'
import { chiSquare } from '../support.ts'

const two = (a: number, b: number) => [
  { destination: { host: 'v1' }, weight: a },
  { destination: { host: 'v2', subset: 's', port: { number: 80 } }, weight: b },
]

test('shares by weight (fixed seed, p > 0.001)', () => {
  const split = weightedRouter(two(90, 10), { random: seededRandom(1) })
  let v2 = 0
  for (let i = 0; i < 10_000; i++) if (split.pick().host === 'v2') v2++
  expect(chiSquare([10_000 - v2, v2], [0.9, 0.1])).toBeLessThan(10.83)
})

test('by a key: the same key goes the same way, keys share by weight, no key goes by chance', () => {
  let key: string | undefined
  const split = weightedRouter(two(1, 1), { by: () => key, random: () => 0.99 })
  const sides = Array.from({ length: 1000 }, (_, i) => {
    key = `user-${i}`
    expect(split.pick()).toBe(split.pick())
    return split.pick().host
  })
  const v1 = sides.filter(s => s === 'v1').length
  expect(chiSquare([v1, 1000 - v1], [0.5, 0.5])).toBeLessThan(10.83)
  key = undefined
  expect(split.pick().host).toBe('v2')
})

test('as a policy it sets call.destination, once for all tries', async () => {
  const random = seededRandom(5)
  const guard = pipeline(weightedRouter(two(50, 50), { random }), retry({ attempts: 3, backoff: 1 }))
  const seen: string[] = []
  await guard.execute(call => {
    seen.push((call as any).destination.host)
    if (seen.length < 4) throw new Error('again')
    return 1
  })
  expect(new Set(seen).size).toBe(1)
})

test('a new split holds from the next call on; a single destination needs no weight', () => {
  const split = weightedRouter([{ destination: { host: 'v1' } }])
  expect(split.pick().host).toBe('v1')
  split.update(two(0, 1))
  expect(split.pick()).toEqual({ host: 'v2', subset: 's', port: { number: 80 } })
})

describe('wrong destinations', () => {
  test.each([
    [[], /at least one destination/],
    [two(0, 0), /every weight is 0/],
    [
      [
        { destination: { host: 'a' }, weight: -1 },
        { destination: {}, weight: 1.5 },
      ],
      /\[0\].weight[\s\S]*\[1\].destination.host[\s\S]*\[1\].weight/,
    ],
  ])('%j', (destinations, message) => {
    expect(() => weightedRouter(destinations as never)).toThrow(message)
  })
})
