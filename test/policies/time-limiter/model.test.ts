/**
 * The whole policy against a model: calls that take any time, end in any way, are given up or not, under limits that change. The model is a
 * comparison of three times: when the work ends, when the limit ends it, when the caller gives up; whichever was arranged first wins a tie.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { timeLimiter } from '../../../src/policies/index.ts'
import { DEEP_TIMEOUT, runs } from '../../deep.ts'

const call = fc.record({
  at: fc.nat(100),
  takes: fc.nat(60),
  fails: fc.boolean(),
  heeds: fc.boolean(),
  abortAfter: fc.option(fc.nat(60), { nil: undefined }),
  deadlineAfter: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
})

test(
  'outcomes, their times and the counts are those of the model',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 4, maxLength: 10 }),
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        async (calls, timeoutDuration, cooperative) => {
          const clock = virtualClock()
          const limit = timeLimiter({ timeoutDuration, cooperative }, { clock })
          const real: unknown[] = calls.map(() => undefined)
          for (const [i, c] of calls.entries()) {
            const controller = new AbortController()
            clock.schedule(c.at, () => {
              limit
                .execute(
                  ({ signal }) =>
                    new Promise((resolve, reject) => {
                      clock.schedule(c.takes, () => (c.fails ? reject(new Error('failed')) : resolve('answer')))
                      if (c.heeds) signal.addEventListener('abort', () => reject(new Error('heeded')))
                    }),
                  { signal: controller.signal, ...(c.deadlineAfter === undefined ? {} : { deadline: c.at + c.deadlineAfter }) },
                )
                .then(
                  value => (real[i] = [value, clock.now()]),
                  error => (real[i] = [error?.code ?? error?.message ?? error, clock.now()]),
                )
              if (c.abortAfter !== undefined) clock.schedule(c.abortAfter, () => controller.abort('given up'))
            })
          }
          await clock.advanceAsync(1000)

          const counts = { numberOfSuccessfulCalls: 0, numberOfFailedCalls: 0, numberOfTimedOutCalls: 0 }
          for (const [i, c] of calls.entries()) {
            const ends = c.at + c.takes
            const late = c.at + Math.min(timeoutDuration, c.deadlineAfter ?? Infinity)
            const gone = c.at + (c.abortAfter ?? Infinity)
            // At a tie: the limit was arranged before the work, the work before the abort.
            const answered = ends < late && ends <= gone
            const timedOut = late <= ends && late <= gone
            if (timedOut) counts.numberOfTimedOutCalls++
            const wanted = answered
              ? [c.fails ? 'failed' : 'answer', ends]
              : !timedOut
                ? ['given up', gone]
                : !cooperative
                  ? ['ERR_TIME_LIMIT', late]
                  : c.heeds
                    ? ['ERR_TIME_LIMIT', late]
                    : ends <= gone
                      ? [c.fails ? 'ERR_TIME_LIMIT' : 'answer', ends]
                      : ['given up', gone]
            expect(real[i], `call ${i}`).toEqual(wanted)
            // What ends after its caller has gone is told to nobody as a failure, and an answer is still one.
            if (answered) counts[c.fails ? 'numberOfFailedCalls' : 'numberOfSuccessfulCalls']++
            else if (!timedOut && !c.heeds && !c.fails) counts.numberOfSuccessfulCalls++
          }
          expect(limit.metrics).toEqual(counts)
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: runs(20) },
    )
  },
  DEEP_TIMEOUT,
)
