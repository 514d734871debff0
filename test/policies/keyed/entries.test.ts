/** What is remembered of keys, against a list. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Entries, type Entry } from '../../../src/policies/keyed/entries.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('call'), key }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('end'), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('obtain', 'forget'), key }) },
)

test(
  'keys in use stay, others leave in the order of their last use, and there are never more than max beyond those in use',
  () => {
    let operations = 0
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(operation, { minLength: 50, maxLength: 100, size: 'max' }), (max, ops) => {
        let made = 0
        const entries = new Entries(max, k => `${k}${made++}`)
        /** Least recently used first. */
        let model: { key: string; policy: string; running: number }[] = []
        const running: Entry<string>[] = []
        let count = 0
        const use = (k: string) => {
          const known = model.find(e => e.key === k)
          const used = known ?? { key: k, policy: `${k}${count++}`, running: 0 }
          model = [...model.filter(e => e !== used), used]
          if (known === undefined) trim(used)
          return used
        }
        const trim = (keep: unknown) => {
          while (model.length > max) {
            const idle = model.find(e => e.running === 0 && e !== keep)
            if (idle === undefined) break
            model = model.filter(e => e !== idle)
          }
        }
        for (const o of ops as any[]) {
          operations++
          if (o.op === 'obtain') expect(entries.obtain(o.key).policy).toBe(use(o.key).policy)
          else if (o.op === 'forget') {
            expect(entries.forget(o.key)).toBe(model.some(e => e.key === o.key))
            model = model.filter(e => e.key !== o.key)
          } else if (o.op === 'call') {
            const entry = entries.obtain(o.key)
            const same = use(o.key)
            expect(entry.policy).toBe(same.policy)
            same.running++
            entries.begin(entry)
            running.push(entry)
          } else if (running.length > 0) {
            const [entry] = running.splice(o.pick % running.length, 1)
            entries.end(entry!)
            const same = model.find(e => e.policy === entry!.policy)
            if (same !== undefined && --same.running === 0) {
              model = [...model.filter(e => e !== same), same] // idle since now
              trim(same)
            }
          }
          expect(new Map(entries)).toEqual(new Map(model.map(e => [e.key, e.policy])))
          expect([entries.size, entries.inUse]).toEqual([model.length, model.filter(e => e.running > 0).length])
          expect(entries.size).toBeLessThanOrEqual(Math.max(max, entries.inUse + 1))
        }
      }),
      { numRuns: runs(50) },
    )
    expect(operations).toBeGreaterThanOrEqual(OPERATIONS)
  },
  DEEP_TIMEOUT,
)
