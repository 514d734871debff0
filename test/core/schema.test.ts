import fc from 'fast-check'
import { expect, test } from 'vitest'
import { duration, fieldsSchema, integer, object, oneOf, optionsTable, readOptions } from '../../src/core/schema/index.ts'

const fields = {
  size: integer('How many.', { default: 10, min: 1, max: 100 }),
  wait: duration('How long.', { default: '1s', min: 0 }),
  type: oneOf('Which.', ['A', 'B'], { default: 'A' }),
  inner: object('Within.', { depth: integer('Deep.', { required: true }) }),
}

test('defaults are filled in and the given object is left alone', () => {
  const given = Object.freeze({ size: 3 })
  expect(readOptions(fields, given, 'x')).toEqual({ size: 3, wait: 1000, type: 'A', inner: undefined })
})
test('all faults at once, with a hint', () => {
  const read = () => readOptions(fields, { size: 0, wate: 1, type: 'C', inner: {} }, 'x')
  for (const part of ['size: 0 is out of range', 'did you mean wait?', 'one of A, B', 'inner.depth: is required'])
    expect(read).toThrow(part)
})
test('a number is taken exactly when it is whole and within bounds', () => {
  fc.assert(
    fc.property(fc.oneof(fc.integer({ min: -200, max: 200 }), fc.double()), size => {
      const read = () => readOptions(fields, { size }, 'x').size
      if (Number.isInteger(size) && size >= 1 && size <= 100) expect(read()).toBe(size)
      else expect(read).toThrow('size')
    }),
  )
})
test('schema and table say the same', () => {
  expect((fieldsSchema(fields)['properties'] as any).size).toMatchObject({ type: 'integer', minimum: 1, maximum: 100, default: 10 })
  expect(optionsTable(fields)).toContain('| `size` | integer (≥ 1, ≤ 100) | `10` | How many. |')
})
