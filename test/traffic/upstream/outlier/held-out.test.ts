import { expect, test } from 'vitest'
import { HeldOut } from '../../../../src/traffic/upstream/outlier/held-out.ts'

test('each comes back at its own time, or when released', () => {
  const held = new HeldOut<string>()
  held.hold('a', 10)
  held.hold('b', 20)
  held.hold('c', Infinity)
  expect(held.next).toBe(10)
  expect(held.due(15)).toEqual(['a'])
  expect(held.next).toBe(20)
  expect(held.release('b')).toBe(true)
  expect(held.release('b')).toBe(false)
  expect(held.next).toBe(Infinity)
  expect(held.due(1e12)).toEqual([])
  expect(held.until('c')).toBe(Infinity)
})
