/** What follows a try, against a model that says the rules one by one; and Envoy's back-off and budget. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Budget } from '../../../src/policies/retry/budget.ts'
import { backoffInterval } from '../../../src/policies/retry/intervals.ts'
import { afterTry, type Stop } from '../../../src/policies/retry/kernel.ts'
import { DEEP_TIMEOUT, runs } from '../../deep.ts'

const limits = { retries: 2, maxElapsed: 1000, maxRetryAfter: 500 }

describe('after a try', () => {
  test.each<[string, number | Stop, attempt: number, elapsed: number, own: number, asked: number | undefined]>([
    ['waits what the back-off says', 25, 1, 0, 25, undefined],
    ['there is a last retry', 25, 2, 0, 25, undefined],
    ['and none after it', 'attempts', 3, 0, 25, undefined],
    ['a negative interval gives up', 'interval', 1, 0, -1, undefined],
    ['one that is no number as well', 'interval', 1, 0, Number.NaN, undefined],
    ['the callee may ask for more', 400, 1, 0, 25, 400],
    ['and is never undercut, nor is the back-off', 25, 1, 0, 25, 10],
    ['it may ask for as much as is allowed', 500, 1, 0, 25, 500],
    ['not for more', 'retryAfter', 1, 0, 25, 501],
    ['the wait may end at the end of the time', 25, 1, 975, 25, undefined],
    ['not after it', 'elapsed', 1, 976, 25, undefined],
  ])('%s', (_, wanted, attempt, elapsed, own, asked) => expect(afterTry(limits, attempt, elapsed, own, asked, undefined)).toBe(wanted))

  test('the budget is asked last: who stops for another reason takes no place', () => {
    const budget = new Budget({ percent: 0, minRetryConcurrency: 1 })
    expect(afterTry(limits, 3, 0, 1, undefined, budget)).toBe('attempts')
    expect(afterTry(limits, 1, 0, -1, undefined, budget)).toBe('interval')
    expect(budget.metrics).toMatchObject({ extra: 0, refused: 0 })
    expect(afterTry(limits, 1, 0, 1, undefined, budget)).toBe(1)
    expect(afterTry(limits, 1, 0, 1, undefined, budget)).toBe('budget')
    expect(budget.metrics).toMatchObject({ extra: 1, refused: 1 })
  })
})

describe('Envoy', () => {
  test('the back-off doubles from 25 ms to ten times that', () => {
    expect([1, 2, 3, 4, 5, 6, 100].map(retry => backoffInterval(retry, 25, 250))).toEqual([25, 50, 100, 200, 250, 250, 250])
    expect([1, 2, 3, 4, 5].map(retry => backoffInterval(retry, 10, 35))).toEqual([10, 20, 35, 35, 35])
  })

  test('a budget of 20 % and at least 3: with 10 calls 3, with 20 calls 4', () => {
    const budget = new Budget()
    const allowed = (calls: number) => {
      const objects = Array.from({ length: calls }, () => ({}))
      for (const call of objects) budget.enter(call)
      let taken = 0
      while (budget.take()) taken++
      for (let i = 0; i < taken; i++) budget.giveBack()
      for (const call of objects) budget.leave(call)
      return taken
    }
    expect([0, 1, 10, 19, 20, 24, 25].map(allowed)).toEqual([3, 3, 3, 3, 4, 4, 5])
    budget.update({ percent: 50, minRetryConcurrency: 1 })
    expect([1, 8].map(allowed)).toEqual([1, 4])
  })
})

const op = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('enter' as const), id: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('leave' as const), id: fc.nat(30) }) },
  { weight: 5, arbitrary: fc.constant({ op: 'take' as const }) },
  { weight: 3, arbitrary: fc.constant({ op: 'giveBack' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('update' as const), percent: fc.nat(100), minRetryConcurrency: fc.nat(5) }),
  },
)

test(
  'a budget agrees with a model in any sequence of calls, extra tries and changes',
  () => {
    const calls = Array.from({ length: 31 }, (_, id) => ({ id }))
    fc.assert(
      fc.property(fc.array(op, { minLength: 100, maxLength: 200 }), ops => {
        const budget = new Budget()
        const model = { running: new Set<number>(), extra: 0, refused: 0, percent: 20, least: 3 }
        for (const o of ops) {
          const limit = Math.max(Math.floor((model.percent * model.running.size) / 100 + 1e-9), model.least)
          if (o.op === 'enter') {
            expect(budget.enter(calls[o.id]!)).toBe(!model.running.has(o.id))
            model.running.add(o.id)
          } else if (o.op === 'leave') {
            budget.leave(calls[o.id]!)
            model.running.delete(o.id)
          } else if (o.op === 'take') {
            const granted = model.extra < limit
            expect(budget.take()).toBe(granted)
            if (granted) model.extra++
            else model.refused++
          } else if (o.op === 'giveBack' && model.extra > 0) {
            budget.giveBack()
            model.extra--
          } else if (o.op === 'update') {
            budget.update(o.percent === 0 ? { minRetryConcurrency: o.minRetryConcurrency } : (({ op: _, ...rest }) => rest)(o))
            if (o.percent !== 0) model.percent = o.percent
            model.least = o.minRetryConcurrency
          }
          expect(budget.metrics).toMatchObject({ running: model.running.size, extra: model.extra, refused: model.refused })
        }
      }),
      { numRuns: runs(100) },
    )
  },
  DEEP_TIMEOUT,
)
