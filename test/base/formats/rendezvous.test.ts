/** Weighted rendezvous hashing: shares, that order and scale do not matter, and who moves when weights do. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nameOfPlace, type Place, placeOfKey } from '../../../src/base/formats/rendezvous.ts'
import { xxhash64 } from '../../../src/base/formats/xxhash64.ts'

const KEYS = Array.from({ length: 20_000 }, (_, i) => xxhash64(`user-${i}`))
const placesOf = (weights: Record<string, number>): Place[] =>
  Object.entries(weights).map(([name, weight]) => ({ name: nameOfPlace(name), weight }))
const where = (weights: Record<string, number>, key: bigint) => Object.keys(weights)[placeOfKey(placesOf(weights), key)]!

test('pinned: other processes and versions must find the same', () => {
  const weights = { v1: 50, v2: 30, v3: 20 }
  expect(
    KEYS.slice(0, 20)
      .map(key => where(weights, key))
      .join(' '),
  ).toBe('v1 v2 v2 v2 v1 v3 v3 v3 v1 v3 v1 v1 v1 v2 v1 v1 v2 v2 v1 v3')
})

test.each([[{ a: 90, b: 10 }], [{ a: 1, b: 1, c: 1 }], [{ a: 50, b: 30, c: 19, d: 1 }], [{ a: 5, b: 0, c: 5 }]])('%j: shares', weights => {
  const total = Object.values(weights).reduce((sum, w) => sum + w)
  const counts: Record<string, number> = {}
  for (const key of KEYS) counts[where(weights, key)] = (counts[where(weights, key)] ?? 0) + 1
  let chi = 0
  for (const [name, weight] of Object.entries(weights)) {
    const wanted = (KEYS.length * weight) / total
    if (weight === 0) expect(counts[name]).toBeUndefined()
    else chi += ((counts[name] ?? 0) - wanted) ** 2 / wanted
  }
  expect(chi).toBeLessThan(16.3) // p > 0.001 for up to three degrees of freedom
})

describe('when the split changes', () => {
  const weights = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 1, max: 100 }), { minKeys: 2 })
  const key = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })

  test('order and scale of the weights do not matter', () => {
    fc.assert(
      fc.property(weights, key, fc.integer({ min: 2, max: 50 }), (before, k, factor) => {
        const turned = Object.fromEntries(Object.entries(before).reverse())
        const larger = Object.fromEntries(Object.entries(before).map(([name, w]) => [name, w * factor]))
        expect(where(turned, k)).toBe(where(before, k))
        expect(where(larger, k)).toBe(where(before, k))
      }),
    )
  })
  test('a key goes from one to another only if that one has grown beside it', () => {
    fc.assert(
      fc.property(weights, weights, key, (before, after, k) => {
        const [from, to] = [where(before, k), where(after, k)]
        if (from === to || after[from] === undefined) return
        const grown = after[to]! / after[from]! / ((before[to] ?? 0) / before[from]!)
        expect(grown).toBeGreaterThan(1)
      }),
    )
  })
  test('one that comes takes keys from all, one that goes leaves its own to the others; nobody else moves', () => {
    fc.assert(
      fc.property(weights, key, (before, k) => {
        const more = { ...before, z: 40 }
        if (where(more, k) !== 'z') expect(where(more, k)).toBe(where(before, k))
      }),
    )
  })
  test('of two, exactly the difference moves: 90:10 to 80:20 takes a tenth along, and none comes back', () => {
    const moved = KEYS.filter(k => where({ a: 90, b: 10 }, k) !== where({ a: 80, b: 20 }, k))
    expect(new Set(moved.map(k => where({ a: 80, b: 20 }, k)))).toEqual(new Set(['b']))
    expect(Math.abs(moved.length / KEYS.length - 0.1)).toBeLessThan(0.01)
  })
})
