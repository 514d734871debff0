/**
 * Resilience4j's RetryImpl, 92 scripted scenarios: outcome, tries, waits, consumed results, events and metrics after every call.
 *
 * Its vocabulary and ours: an event SUCCESS counts retries, ours counts tries; IGNORED_ERROR counts nothing; a SUCCESS and an ERROR name
 * the last exception seen in the call. Left out on purpose, each a bug of the peer's named in docs/policies/retry.md:
 * - what the retry itself raises (MaxRetriesExceededException, IllegalStateException) is counted and published a second time (sync forms);
 * - a call whose result stays bad counts one try too many;
 * - a negative interval: the sync forms throw an IllegalStateException or move no counter, the async form reports a success. Ours: the
 *   last outcome is returned, counted once as failed, and no result is consumed, because no try follows.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { MaxRetriesExceededError, type RetryOptions, retry } from '../../../src/policies/retry/index.ts'
import { IntervalFunction } from '../../../src/policies/retry/intervals.ts'

class E1 extends Error {}
class E1a extends E1 {}
class E2 extends Error {}
class E3 extends Error {}
class E4 extends Error {}
const ERRORS: Record<string, new () => Error> = { E1, E1a, E2, E3, E4 }

const { scenarios } = JSON.parse(gunzipSync(readFileSync(new URL('./retry.json.gz', import.meta.url))).toString())

const ORDER = [
  'numberOfSuccessfulCallsWithoutRetryAttempt',
  'numberOfSuccessfulCallsWithRetryAttempt',
  'numberOfFailedCallsWithoutRetryAttempt',
  'numberOfFailedCallsWithRetryAttempt',
  'numberOfTotalCalls',
] as const

function interval(config: any): Pick<RetryOptions, 'waitDuration' | 'intervalFunction'> {
  switch (config.kind) {
    case 'default':
      return { intervalFunction: IntervalFunction.ofDefaults() }
    case 'fixed':
      return { waitDuration: config.ms }
    case 'exponential':
      return { intervalFunction: IntervalFunction.ofExponentialBackoff(config.initialMs, config.multiplier) }
    case 'list':
      return { intervalFunction: attempt => config.ms[Math.min(attempt, config.ms.length) - 1] }
    case 'byOutcome':
      return { intervalFunction: (attempt, error) => attempt * (error === undefined ? config.onResultMs : config.onErrorMs) }
    default:
      throw new Error(`unknown interval ${config.kind}`)
  }
}

const nameOf = (error: unknown) =>
  error === undefined ? null : error instanceof MaxRetriesExceededError ? 'MaxRetriesExceededException' : (error as Error).constructor.name

/** What Resilience4j would have recorded without the bugs above, given its own record and the script. */
function mended(scenario: any, call: any) {
  const intervals: number[] | undefined = scenario.config.interval.ms
  const bad = (i: number) => scenario.config.retryOnResult?.includes(call.script[Math.min(i, call.script.length - 1)].replace('value:', ''))
  const exhaustedByResult = call.invocations === scenario.config.maxAttempts && bad(call.invocations - 1)
  const gaveUp = Array.isArray(intervals) && !exhaustedByResult && call.waitsMs.length === call.invocations - 1 && wantsMore()
  /** The last try was worth another one, and yet none followed. */
  function wantsMore() {
    if (call.invocations >= scenario.config.maxAttempts || intervals![Math.min(call.invocations, intervals!.length) - 1]! >= 0) return false
    return bad(call.invocations - 1) || call.events.some((e: any) => e.type === 'ERROR')
  }
  return { exhaustedByResult, gaveUp, bad }
}

test('has scenarios', () => expect(scenarios.length).toBe(92))

describe.each<any>(scenarios)('$id $mode', scenario => {
  const { config } = scenario
  test('', async () => {
    const clock = virtualClock()
    const consumed: [number, unknown][] = []
    const policy = retry<unknown>(
      {
        maxAttempts: config.maxAttempts,
        failAfterMaxAttempts: config.failAfterMaxAttempts,
        ...interval(config.interval),
        ...(config.retryOnResult && { retryOnResult: (value: unknown) => config.retryOnResult.includes(value) }),
        ...(config.retryExceptions && { retryExceptions: config.retryExceptions.map((name: string) => ERRORS[name]!) }),
        ...(config.ignoreExceptions && { ignoreExceptions: config.ignoreExceptions.map((name: string) => ERRORS[name]!) }),
        ...(config.retryOnExceptionNames && {
          retryOnException: (error: unknown) => config.retryOnExceptionNames.includes((error as Error).constructor.name),
        }),
        consumeResultBeforeRetryAttempt: (attempt, value) => consumed.push([attempt, value]),
      },
      { clock },
    )
    let events: any[] = []
    policy.on('retry', e => events.push({ type: 'RETRY', attempts: e.attempt, last: nameOf(e.error), waitMs: e.waitMs }))
    policy.on('success', e => events.push({ type: 'SUCCESS', attempts: e.attempts - 1, last: nameOf(e.error) }))
    policy.on('error', e => events.push({ type: 'ERROR', attempts: e.attempts, last: nameOf(e.error), because: e.because }))
    policy.on('ignored', e => events.push({ type: 'IGNORED_ERROR', attempts: 0, last: nameOf(e.error) }))

    // The peer's running totals carry its surplus counts along: compare what each call adds.
    let before = [0, 0, 0, 0, 0]
    let ours = [0, 0, 0, 0, 0]
    for (const [n, call] of scenario.calls.entries()) {
      const where = `call ${n}: ${call.script}`
      events = []
      consumed.length = 0
      let invocations = 0
      const work = async () => {
        const next: string = call.script[Math.min(invocations++, call.script.length - 1)]
        if (!next.startsWith('value:')) throw new ERRORS[next]!()
        return next === 'value:null' ? null : next.slice('value:'.length)
      }
      let outcome: any
      const done = policy.execute(work).then(
        value => (outcome = { value }),
        error => (outcome = { error: nameOf(error) }),
      )
      await clock.advanceAsync(1_000_000)
      await done
      const { exhaustedByResult, gaveUp, bad } = mended(scenario, call)
      const sync = scenario.mode !== 'async'

      expect(invocations, where).toBe(call.invocations)
      const lastBad = gaveUp && bad(call.invocations - 1)
      expect(outcome, where).toEqual(
        lastBad ? { value: call.script[Math.min(call.invocations, call.script.length) - 1].slice(6) } : call.outcome,
      )
      expect(consumed, where).toEqual(lastBad ? call.consumed.slice(0, -1) : call.consumed)
      expect(
        events.filter(e => e.type === 'RETRY').map(e => e.waitMs),
        where,
      ).toEqual(call.waitsMs)

      let wanted = call.events
      if (exhaustedByResult) {
        // The second ERROR of the sync forms, and the name of an exception that nobody threw.
        const first = wanted.findIndex((e: any) => e.type === 'ERROR')
        wanted = wanted.slice(0, first + 1)
      }
      if (gaveUp) {
        const kept = wanted.filter((e: any) => e.type === 'RETRY' && e.waitMs >= 0)
        wanted = [...kept, { type: 'ERROR', attempts: call.invocations, last: lastBad ? null : call.outcome.error }]
      }
      const plain = events.map(({ because: _, ...e }) => e)
      if (exhaustedByResult) {
        expect(events.at(-1)!.because, where).toBe('attempts')
        expect(plain.slice(0, -1), where).toEqual(wanted.slice(0, -1))
        expect(plain.at(-1), where).toEqual({ type: 'ERROR', attempts: wanted.at(-1).attempts, last: null })
      } else expect(plain, where).toEqual(wanted)
      if (gaveUp) expect(events.at(-1)!.because, where).toBe('interval')

      const now = ORDER.map(name => policy.metrics[name])
      const added = call.metrics.map((total: number, i: number) => total - before[i]!)
      if (exhaustedByResult) {
        added[4] -= 1 + (sync && config.failAfterMaxAttempts ? 1 : 0)
        if (sync && config.failAfterMaxAttempts) added[3] -= 1
      }
      if (gaveUp) {
        added[4] = call.invocations
        added[0] = added[1] = added[2] = added[3] = 0
        added[3] = 1
      }
      expect(
        now.map((total, i) => total - ours[i]!),
        where,
      ).toEqual(added)
      before = call.metrics
      ours = now
    }
    expect(clock.pending).toBe(0)
  })
})
