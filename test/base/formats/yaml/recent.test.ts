import { expect, it } from 'vitest'
import { recent } from '../../../../src/base/formats/yaml/recent.ts'

const piece = (length: number) => ({ text: 'x'.repeat(length), line: 0 })
/** Whether it is still kept: it is not made again. */
const isKept = (of: ReturnType<typeof piece>) => {
  let made = false
  recent(of, () => (made = true))
  return !made
}

it('keeps what was parsed for the job at hand, and no longer', async () => {
  const one = piece(10)
  const parsed = {}
  expect(recent(one, () => parsed)).toBe(parsed)
  expect(recent(one, () => ({}))).toBe(parsed)
  await Promise.resolve()
  expect(isKept(one)).toBe(false)
})

it('keeps little: 128 KiB of text, or one piece that is longer', () => {
  const [first, second, third] = [piece(60_000), piece(50_000), piece(30_000)]
  for (const one of [first, second]) recent(one, () => ({}))
  expect([isKept(first), isKept(second)]).toEqual([true, true])
  recent(third, () => ({}))
  expect([isKept(second), isKept(third)]).toEqual([true, true])
  const long = piece(3_000_000)
  recent(long, () => ({}))
  expect(isKept(long)).toBe(true)
  expect(isKept(third)).toBe(false)
})
