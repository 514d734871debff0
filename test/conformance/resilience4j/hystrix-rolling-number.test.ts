/**
 * HystrixRollingNumber's recordings through the windows of base/stats: the sum with the bucket at hand is a TimeWindow's, the sums of the last whole
 * buckets are a ClosedBuckets'. Theirs begins its buckets anew after a pause longer than the window; ours are told so. What it has besides (all time, the
 * bucket at hand alone, a rolling maximum) has no counterpart here.
 */
import { describe, expect, test } from 'vitest'
import { ClosedBuckets } from '../../../src/base/stats/closed-buckets.ts'
import { TimeWindow } from '../../../src/base/stats/time-window.ts'
import { recorded } from './recorded.ts'

const { traces } = recorded('hystrix-rollingnumber.json.gz')
/** With one bucket a read of theirs moves at most one bucket on, so it shows what is long over. */
const usable = traces.filter((trace: any) => trace.config.numberOfBuckets > 1)
const sum = (list: number[]) => list.reduce((a, b) => a + b, 0)

describe('HystrixRollingNumber', () => {
  test('the degenerate ones are left out, no others', () => expect([traces.length, usable.length]).toEqual([20, 14]))

  test.each(usable as any[])('$config.numberOfBuckets buckets of $config.timeInMilliseconds ms', (trace: any) => {
    const { timeInMilliseconds, numberOfBuckets } = trace.config
    const width = timeInMilliseconds / numberOfBuckets
    let origin = 0
    let current = Number.NaN // begins with the first touch
    let whole: TimeWindow
    let closed: ClosedBuckets[]
    for (const [i, step] of trace.steps.entries()) {
      const { t } = step
      if (Number.isNaN(current) || step.op === 'reset' || t - current - width > timeInMilliseconds) {
        origin = current = t
        whole = new TimeWindow(numberOfBuckets, width, 0)
        closed = Array.from({ length: numberOfBuckets - 1 }, (_, k) => new ClosedBuckets(1, k + 1, width, t))
      } else current += Math.floor((t - current) / width) * width
      const added = step.op === 'increment' ? 1 : step.op === 'add' ? step.n : 0
      for (let n = 0; n < added; n++) whole!.record(0, t - origin)
      if (added > 0) for (const buckets of closed!) buckets.add(0, t, added)
      expect(whole!.read(t - origin).calls, `step ${i}`).toBe(step.sum)
      const past = [...Array(numberOfBuckets).fill(0), ...step.values.slice(0, -1)]
      expect(
        closed!.map(buckets => buckets.sum(0, t)),
        `step ${i}`,
      ).toEqual(closed!.map((_, k) => sum(past.slice(-k - 1))))
    }
  })
})
