import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Edf } from '../../../../src/traffic/upstream/balance/edf.ts'

/** The same rules over a plain list: the earliest deadline, then who was put in first. */
function model(weights: readonly number[]) {
  let order = 0
  const entries = weights.map((weight, i) => ({ i, deadline: 1 / (weight + 1e-13), order: order++ }))
  return () => {
    const first = entries.reduce((a, b) => (b.deadline < a.deadline || (b.deadline === a.deadline && b.order < a.order) ? b : a))
    first.deadline += 1 / weights[first.i]!
    first.order = order++
    return first.i
  }
}

const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 })

test('gives what a plain list with the same rules gives', () =>
  fc.assert(
    fc.property(weights, w => {
      const edf = new Edf([...w.keys()], i => w[i]!, 0, 0)
      const next = model(w)
      for (let i = 0; i < 300; i++) expect(edf.next(0)).toBe(next())
    }),
  ))

test('is fair: after any number of turns nobody is more than one turn from his share', () =>
  fc.assert(
    fc.property(weights, fc.nat(1000), fc.integer({ min: 1, max: 500 }), (w, picks, turns) => {
      const edf = new Edf([...w.keys()], i => w[i]!, picks, 0)
      const sum = w.reduce((a, b) => a + b, 0)
      const counts = w.map(() => 0)
      for (let i = 0; i < turns; i++) counts[edf.next(0)]!++
      w.forEach((weight, i) => expect(Math.abs(counts[i]! - (turns * weight) / sum)).toBeLessThan(w.length + 1))
    }),
  ))

test('starting after n turns is what n turns lead to', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 }), fc.nat(200), (w, picks) => {
      const sum = w.reduce((a, b) => a + b, 0)
      const later = new Edf([...w.keys()], i => w[i]!, picks, 0)
      // A whole round gives everybody his weight, whatever the start.
      const counts = w.map(() => 0)
      for (let i = 0; i < sum * 3; i++) counts[later.next(0)]!++
      w.forEach((weight, i) => expect(Math.abs(counts[i]! - weight * 3)).toBeLessThanOrEqual(1))
    }),
  ))

test('a weight is asked anew at each turn', () => {
  let heavy = 1
  const edf = new Edf(['a', 'b'], v => (v === 'a' ? heavy : 1), 0, 0)
  const take = (n: number) => Array.from({ length: n }, () => edf.next(0)).filter(v => v === 'a').length
  expect(take(100)).toBe(50)
  heavy = 3
  expect(take(100)).toBeGreaterThanOrEqual(74)
})
