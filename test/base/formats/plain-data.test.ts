import { describe, expect, it } from 'vitest'
import { copyPlain } from '../../../src/base/formats/plain-data.ts'

describe('copyPlain', () => {
  it('copies data without prototypes, dates as text and big integers as numbers', () => {
    class Point {
      x = 1n
      at = new Date(0)
    }
    const copied = copyPlain([new Point(), null, undefined, 'a']) as any[]
    expect(Object.getPrototypeOf(copied[0])).toBeNull()
    expect(JSON.stringify(copied)).toBe('[{"x":1,"at":"1970-01-01T00:00:00.000Z"},null,null,"a"]')
  })

  it('is cut off from what it was made from', () => {
    const given = { a: [1] }
    const copied = copyPlain(given) as typeof given
    given.a.push(2)
    expect(copied.a).toEqual([1])
  })

  it('copies what several parents share for each of them', () => {
    const part = { x: 1 }
    const { a, b } = copyPlain({ a: part, b: part }) as any
    expect([a.x, b.x, a === b]).toEqual([1, 1, false])
  })

  const circle: any = { a: [] }
  circle.a.push({ b: circle })
  let deep: any = {}
  for (let i = 0; i < 200_000; i++) deep = [deep]
  let shared: any = {}
  for (let i = 0; i < 60; i++) shared = { a: shared, b: shared }
  it.each([
    ['contains itself', circle, 'the object contains itself'],
    ['is nested too deeply', deep, 'nested deeper than 100'],
    ['shares its parts exponentially', shared, 'more than 1000 values'],
    ['has holes without end', Object.assign([], { length: 2 ** 32 - 1 }), 'more than 1000 values'],
  ])('refuses what %s', (_, value, message) => expect(() => copyPlain(value, { values: 1000 })).toThrow(message))
})
