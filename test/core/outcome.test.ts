import { expect, test } from 'vitest'
import { attachOutcome, type Outcome, outcomeOf } from '../../src/core/outcome.ts'

test('what a mesh governed has an outcome, other responses have none', () => {
  const outcome = { flags: '', attempts: 1 } as Outcome
  expect(outcomeOf(attachOutcome({}, outcome))).toBe(outcome)
  expect(outcomeOf({})).toBeUndefined()
})

test('a forgotten await is said', () => {
  expect(() => outcomeOf(Promise.resolve({}))).toThrow('outcomeOf: expected a response, got a promise of one: await it first')
  for (const nothing of [undefined, null, 'x'])
    expect(() => outcomeOf(nothing as any)).toThrow(`outcomeOf: expected a response, got ${nothing}`)
})
