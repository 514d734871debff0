/**
 * The whole policy against a model: any calls with any scripts of outcomes on one retry, overlapping in time, given up or not. The model is
 * the sentence of the docs, step by step, worked out without a clock.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { retry } from '../../../src/policies/index.ts'
import { DEEP_TIMEOUT, runs } from '../../deep.ts'

const outcome = fc.record({
  takes: fc.nat(30),
  end: fc.constantFrom('ok' as const, 'bad' as const, 'fails' as const, 'ignored' as const),
  asks: fc.option(fc.nat(120), { freq: 5 }),
})
const call = fc.record({
  at: fc.nat(200),
  script: fc.array(outcome, { minLength: 1, maxLength: 5 }),
  abortAfter: fc.option(fc.nat(120), { freq: 6 }),
})
const settings = fc.record({
  attempts: fc.nat(4),
  interval: fc.integer({ min: -1, max: 25 }),
  maxElapsed: fc.option(fc.integer({ min: 20, max: 200 }), { nil: undefined }),
  maxRetryAfter: fc.integer({ min: 0, max: 120 }),
  failAfterMaxAttempts: fc.boolean(),
})

test(
  'tries, times, outcomes and counts are those of the model',
  async () => {
    await fc.assert(
      fc.asyncProperty(settings, fc.array(call, { minLength: 2, maxLength: 6 }), async (s, calls) => {
        const clock = virtualClock()
        const policy = retry<any>(
          {
            attempts: s.attempts,
            waitDuration: 0,
            intervalFunction: attempt => (s.interval < 0 ? -1 : s.interval * attempt),
            retryOnResult: r => r.end === 'bad',
            ignoreException: (e: any) => e.end === 'ignored',
            maxRetryAfter: s.maxRetryAfter,
            failAfterMaxAttempts: s.failAfterMaxAttempts,
            ...(s.maxElapsed === undefined ? {} : { maxElapsed: s.maxElapsed }),
          },
          { clock },
        )
        const real: unknown[] = calls.map(() => undefined)
        const times: number[][] = calls.map(() => [])
        for (const [i, c] of calls.entries()) {
          const controller = new AbortController()
          clock.schedule(c.at, () => {
            policy
              .execute(
                () =>
                  new Promise((resolve, reject) => {
                    times[i]!.push(clock.now())
                    const o = c.script[Math.min(times[i]!.length, c.script.length) - 1]!
                    const end = { end: o.end, ...(o.asks === null ? {} : { retryAfter: o.asks }) }
                    clock.schedule(o.takes, () => (o.end === 'ok' || o.end === 'bad' ? resolve(end) : reject(end)))
                  }),
                { signal: controller.signal },
              )
              .then(
                (r: any) => (real[i] = [r.end, clock.now()]),
                (e: any) => (real[i] = [e.code ?? e.end ?? e, clock.now()]),
              )
            if (c.abortAfter !== null) clock.schedule(c.abortAfter, () => controller.abort('given up'))
          })
        }
        await clock.advanceAsync(5000)

        const counts = { tries: 0, good: [0, 0], bad: [0, 0] }
        for (const [i, c] of calls.entries()) {
          const begun = c.at
          const over = c.abortAfter === null ? Infinity : begun + c.abortAfter
          let now = begun
          const tried: number[] = []
          let ended: unknown
          for (let attempt = 1; ; attempt++) {
            tried.push(now)
            const o = c.script[Math.min(attempt, c.script.length) - 1]!
            const before = now
            now += o.takes
            counts.tries++
            // At equal times the end of the work was scheduled by its try, the abort by the call: whichever was scheduled first is first.
            const first = attempt === 1 || begun <= before ? o.takes + before < over || (o.takes + before === over && attempt === 1) : false
            if (!first) {
              ended ??= ['given up', over]
              break
            }
            if (o.end === 'ok') {
              counts.good[attempt === 1 ? 0 : 1]!++
              ended = ['ok', now]
              break
            }
            if (o.end === 'ignored') {
              counts.bad[0]!++
              ended = ['ignored', now]
              break
            }
            const own = s.interval < 0 ? -1 : s.interval * attempt
            const wait = Math.max(own, o.asks ?? 0)
            const exhausted = attempt > s.attempts
            if (exhausted || (o.asks ?? 0) > s.maxRetryAfter || own < 0 || now - begun + wait > (s.maxElapsed ?? Infinity)) {
              counts.bad[1]!++
              ended = [o.end === 'bad' && s.failAfterMaxAttempts && exhausted ? 'ERR_MAX_RETRIES' : o.end, now]
              break
            }
            now += wait
            if (now >= over && wait > 0) {
              ended = ['given up', over]
              break
            }
          }
          // A call given up at the very moment of something else may go either way; all others are decided.
          const tie = [...tried, ...tried.map((t, n) => t + c.script[Math.min(n + 1, c.script.length) - 1]!.takes)].includes(over)
          if (tie) continue
          expect(times[i], `call ${i}`).toEqual(tried)
          expect(real[i], `call ${i}`).toEqual(ended)
        }
        const m = policy.metrics
        const aborted = calls.some(c => c.abortAfter !== null)
        if (!aborted)
          expect([
            m.numberOfSuccessfulCallsWithoutRetryAttempt,
            m.numberOfSuccessfulCallsWithRetryAttempt,
            m.numberOfFailedCallsWithoutRetryAttempt,
            m.numberOfFailedCallsWithRetryAttempt,
            m.numberOfTotalCalls,
          ]).toEqual([...counts.good, ...counts.bad, counts.tries])
        expect(clock.pending).toBe(0)
      }),
      { numRuns: runs(20) },
    )
  },
  DEEP_TIMEOUT,
)
