/** Answers under way, against a counter that says the rule. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Answers } from '../../../src/policies/fallback/kernel.ts'
import { DEEP_TIMEOUT, runs } from '../../deep.ts'

const op = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ op: 'enter' as const }) },
  { weight: 3, arbitrary: fc.constant({ op: 'leave' as const }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('limit' as const), limit: fc.nat(5) }) },
)

test(
  'never more than the limit come in, and who is in stays in when it is lowered',
  () => {
    fc.assert(
      fc.property(fc.nat(5), fc.array(op, { minLength: 100, maxLength: 200 }), (first, ops) => {
        const answers = new Answers(first)
        let [limit, inside] = [first, 0]
        for (const o of ops) {
          if (o.op === 'limit') answers.limit = limit = o.limit
          else if (o.op === 'leave') {
            if (inside === 0) continue
            answers.leave()
            inside--
          } else {
            expect(answers.enter()).toBe(inside < limit)
            if (inside < limit) inside++
          }
          expect(answers.underWay).toBe(inside)
        }
      }),
      { numRuns: runs(100) },
    )
  },
  DEEP_TIMEOUT,
)
