import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ClosedBuckets } from '../../../src/base/stats/closed-buckets.ts'

test('sums are those of a list, over whole buckets that begin at the start or the last reset', () => {
  const step = fc.record({
    wait: fc.oneof(fc.nat(30), fc.nat(1000)),
    op: fc.constantFrom('add', 'add', 'add', 'add', 'read', 'reset'),
    kind: fc.nat(2),
    n: fc.integer({ min: 1, max: 5 }),
  })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(1e6),
      fc.array(step),
      (buckets, width, t0, steps) => {
        const counted = new ClosedBuckets(3, buckets, width, t0)
        let log: { kind: number; n: number; bucket: number }[] = []
        let now = t0
        let start = t0
        for (const { wait, op, kind, n } of steps) {
          now += wait
          const bucket = Math.floor((now - start) / width)
          if (op === 'add') {
            counted.add(kind, now, n)
            log.push({ kind, n, bucket })
          } else if (op === 'reset') {
            counted.reset(now)
            start = now
            log = []
            continue
          }
          for (const k of [0, 1, 2])
            expect(counted.sum(k, now)).toBe(
              log.filter(e => e.kind === k && e.bucket < bucket && e.bucket >= bucket - buckets).reduce((sum, e) => sum + e.n, 0),
            )
        }
      },
    ),
  )
})
