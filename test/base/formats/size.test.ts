import { expect, test } from 'vitest'
import { parseSize } from '../../../src/base/formats/size.ts'

test.each([
  [0, 0],
  [4096, 4096],
  ['4096', 4096],
  ['64Ki', 65_536],
  ['1Mi', 1_048_576],
  ['1.5Mi', 1_572_864],
  ['2Gi', 2 * 1024 ** 3],
  ['500k', 500_000],
  ['1M', 1_000_000],
])('%j is %d bytes', (size, bytes) => expect(parseSize(size)).toBe(bytes))

test.each([-1, 1.5, Number.NaN, Infinity, '', '1Ti', '1 Mi', '-1', '1.0001', 'Mi'])('%j is no size', size => {
  expect(parseSize(size)).toBeUndefined()
})
