/** Batches against a model: lists of (scope, key, waiter). */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Batch, Batches } from '../../../src/policies/collapse/kernel.ts'
import { DEEP_TIMEOUT, runs } from '../../deep.ts'

const SCOPES = [undefined, { scope: 1 }, { scope: 2 }]
const op = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('join' as const), scope: fc.nat(2), key: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('leave' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('start' as const), scope: fc.nat(2) }) },
)

interface Row {
  batch: Batch<number, number>
  key: number
  waiter: number
}

test(
  'any sequence of joins, leaves and starts agrees with the model',
  () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 60, maxLength: 120 }), ops => {
        const batches = new Batches<number, number>(4)
        const open = new Map<object | undefined, Batch<number, number>>()
        let rows: Row[] = []
        let waiter = 0
        for (const o of ops) {
          if (o.op === 'join') {
            const scope = SCOPES[o.scope]
            const batch = batches.join(scope, o.key, o.key, ++waiter)
            expect(batch).toBe(open.get(scope) ?? batch)
            open.set(scope, batch)
            rows.push({ batch, key: o.key, waiter })
            const size = new Set(rows.filter(row => row.batch === batch).map(row => row.key)).size
            expect(batches.isFull(batch)).toBe(size >= 4)
            if (size >= 4) {
              expect(batches.start(batch)).toBe(true)
              open.delete(scope)
            }
          } else if (o.op === 'leave' && rows.length > 0) {
            const { batch, key, waiter: who } = rows[o.pick % rows.length]!
            rows = rows.filter(row => row.waiter !== who)
            const last = !rows.some(row => row.batch === batch)
            expect(batches.leave(batch, key, who)).toBe(last)
            expect(batches.leave(batch, key, who)).toBe(false)
            if (last && open.get(batch.scope) === batch) open.delete(batch.scope)
          } else if (o.op === 'start') {
            const scope = SCOPES[o.scope]
            const batch = open.get(scope)
            if (batch === undefined) continue
            expect([batches.start(batch), batches.start(batch)]).toEqual([true, false])
            open.delete(scope)
          }
          expect(new Set(batches.all)).toEqual(new Set(open.values()))
          for (const batch of open.values()) {
            const own = rows.filter(row => row.batch === batch)
            expect(batch.waiting).toBe(own.length)
            expect(new Set(batch.places.keys())).toEqual(new Set(own.map(row => row.key)))
          }
        }
      }),
      { numRuns: runs(60) },
    )
  },
  DEEP_TIMEOUT,
)
