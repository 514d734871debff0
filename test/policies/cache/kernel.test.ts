/** The store against a model that is a plain list, newest use last. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Lifetimes, Store } from '../../../src/policies/cache/kernel.ts'
import { DEEP_TIMEOUT, runs } from '../../deep.ts'

interface Row {
  key: string
  value: number
  bytes: number
  fresh: number
  revalidate: number
  error: number
}

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const op = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('keep' as const), key, bytes: fc.nat(12), life: fc.tuple(fc.nat(40), fc.nat(30), fc.nat(30)) }),
  },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('find' as const), key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('forget' as const), key }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('limit' as const), entries: fc.integer({ min: 1, max: 5 }), bytes: fc.nat(40) }) },
)

test(
  'any sequence of keep, find, forget, advance and new limits agrees with the model',
  () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 100, maxLength: 200 }), ops => {
        const store = new Store<number>(3, 30)
        let rows: Row[] = []
        let [now, entries, most, evicted, serial] = [0, 3, 30, 0, 0]
        const sum = () => rows.reduce((total, row) => total + row.bytes, 0)
        const shrink = () => {
          while (rows.length > entries || sum() > most) {
            rows.shift()
            evicted++
          }
        }
        for (const o of ops) {
          if (o.op === 'keep') {
            const [ttl, staleWhileRevalidate, staleIfError] = o.life
            const lifetimes: Lifetimes = { ttl, staleWhileRevalidate, staleIfError }
            store.keep(o.key, ++serial, o.bytes, lifetimes, now)
            rows = rows.filter(row => row.key !== o.key)
            const row = {
              key: o.key,
              value: serial,
              bytes: o.bytes,
              fresh: now + ttl,
              revalidate: now + ttl + staleWhileRevalidate,
              error: now + ttl + staleIfError,
            }
            if (o.bytes <= most && Math.max(row.revalidate, row.error) > now) {
              rows.push(row)
              shrink()
            }
          } else if (o.op === 'find') {
            const row = rows.find(r => r.key === o.key)
            rows = rows.filter(r => r !== row)
            const kept = store.find(o.key, now)
            if (row !== undefined && now < Math.max(row.revalidate, row.error)) {
              rows.push(row)
              expect(kept).toEqual({
                value: row.value,
                bytes: row.bytes,
                freshUntil: row.fresh,
                revalidateUntil: row.revalidate,
                errorUntil: row.error,
              })
            } else expect(kept).toBeUndefined()
          } else if (o.op === 'forget') {
            expect(store.forget(o.key)).toBe(rows.some(row => row.key === o.key))
            rows = rows.filter(row => row.key !== o.key)
          } else if (o.op === 'advance') now += o.ms
          else {
            entries = o.entries
            most = o.bytes
            store.limit(entries, most)
            shrink()
          }
          expect([store.size, store.bytes, store.evicted]).toEqual([rows.length, sum(), evicted])
        }
      }),
      { numRuns: runs(100) },
    )
  },
  DEEP_TIMEOUT,
)
