/** Traces of Resilience4j's AtomicRateLimiter through `reserve`, as far as nobody blocks in them. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { rateLimiter } from '../../../src/policies/rate-limiter/index.ts'

const { traces } = JSON.parse(gunzipSync(readFileSync(new URL('./ratelimiter.json.gz', import.meta.url))).toString())
const blocking = ['acquire', 'interrupt', 'result', 'error']
const applicable: any[] = traces.filter(
  (t: any) => !t.steps.some((s: any) => blocking.includes(s.op) || s.threw || (s.op === 'reserve' && s.n < 1)),
)

test('has traces', () => expect(applicable.length).toBeGreaterThan(10))

test.each(applicable)('$id', (trace: any) => {
  const clock = virtualClock(0)
  const { limitForPeriod, limitRefreshPeriodNs, timeoutDurationNs } = trace.config
  const limiter = rateLimiter(
    { limitForPeriod, limitRefreshPeriod: limitRefreshPeriodNs / 1e6, timeoutDuration: timeoutDurationNs / 1e6 },
    { clock },
  )
  let at = 0
  for (const [i, step] of trace.steps.entries()) {
    if (step.op === 'advance') {
      clock.advance(step.t / 1e6 - at / 1e6)
      at = step.t
    } else if (step.op === 'reserve') expect(limiter.reserve(step.n), `step ${i}`).toBeCloseTo(step.wait < 0 ? -1 : step.wait / 1e6, 4)
    else if (step.op === 'drain') {
      limiter.drain()
      if (trace.tags?.length) return // from here the peer forgives debts or spares permissions: a bug we do not have
    } else if (step.op === 'changeLimitForPeriod') limiter.update({ limitForPeriod: step.n })
    else if (step.op === 'changeTimeoutDuration') limiter.update({ timeoutDuration: step.ns / 1e6 })
  }
})
