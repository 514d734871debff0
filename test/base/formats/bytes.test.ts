import { expect, test } from 'vitest'
import { concatBytes } from '../../../src/base/formats/bytes.ts'

test('concatenates chunks in their order', () => {
  expect([...concatBytes([new Uint8Array([1, 2]), new Uint8Array(0), new Uint8Array([3])], 3)]).toEqual([1, 2, 3])
  expect(concatBytes([], 0)).toEqual(new Uint8Array(0))
})

test('returns a single chunk without a copy', () => {
  const chunk = new Uint8Array([1])
  expect(concatBytes([chunk], 1)).toBe(chunk)
})
