/**
 * Traces of Resilience4j's AtomicRateLimiter through our limiter: the same waits, permissions, waiting calls and events after every step. What
 * differs is a bug of the peer, named below by its number in test/issues, with the first step that shows it; a test fails when that list grows.
 */
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { RateLimitedError } from '../../../src/core/errors.ts'
import { Cycles } from '../../../src/policies/rate-limiter/cycles.ts'
import { type RateLimiter, rateLimiter } from '../../../src/policies/rate-limiter/index.ts'
import { namedInDocs, recorded, settled } from './recorded.ts'

const { traces } = recorded('ratelimiter.json.gz')

function listen(limiter: RateLimiter): string[] {
  const heard: string[] = []
  limiter.on('permitted', ({ permissions }) => heard.push(`SUCCESSFUL_ACQUIRE:${permissions}`))
  limiter.on('rejected', ({ permissions }) => heard.push(`FAILED_ACQUIRE:${permissions}`))
  limiter.on('drained', () => heard.push('DRAINED'))
  return heard
}

/** How many were drained is left out: the peer tells the lesser of 0 and what was there (E21). */
const spelled = (events: string[]) => events.map(e => e.replace(/^DRAINED:.*/, 'DRAINED'))

/** A refused call that the peer lets sleep for the whole timeout (E24): ours is told at once. */
const sleepsInVain = (step: any) => step.op === 'acquire' && step.granted === false

/** The steps at which ours must differ, and why. */
function differences(trace: any): [step: number, why: string][] {
  const { steps, config } = trace
  const found: [number, string][] = []
  let [cycle, stored] = [0, config.limitForPeriod]
  for (const [i, step] of steps.entries()) {
    const drains = step.op === 'drain' || step.ev.some((e: string) => e.startsWith('DRAINED'))
    if (drains && (Math.floor(step.t / config.limitRefreshPeriodNs) !== cycle || stored < 0))
      if (step.available > 0 || stored < 0) found.push([i, 'E21: drain takes what is no longer true'])
    if (step.op === 'interrupt' && steps.find((s: any) => s.w === step.w && s.op === 'acquire').granted)
      found.push([i, 'E24: the reservation of a call that gave up is lost'])
    if (step.op === 'reserve' && step.n < 0) found.push([i, 'A6: a negative reservation makes permissions'])
    ;[cycle, stored] = step.stored
  }
  return found
}

async function replay(trace: any, end: number): Promise<void> {
  const clock = virtualClock(0)
  const { limitForPeriod, limitRefreshPeriodNs, timeoutDurationNs, drainOnResult } = trace.config
  const drains = (result: any, error: any) => drainOnResult === (error === undefined ? result : error.message)
  const limiter = rateLimiter(
    {
      limitForPeriod,
      limitRefreshPeriod: limitRefreshPeriodNs / 1e6,
      timeoutDuration: timeoutDurationNs / 1e6,
      ...(drainOnResult === undefined ? {} : { drainPermissionsOnResult: drains }),
    },
    { clock },
  )
  const heard = listen(limiter)
  const waiters = new Map<number, { abort: AbortController; ended: boolean }>()
  /** Calls that sleep in vain at the peer; told at once here. */
  const inVain = new Map<number, string>()
  for (const [i, step] of trace.steps.slice(0, end).entries()) {
    const where = `step ${i} ${step.op}`
    const expected = spelled(step.ev)
    if (step.op === 'advance') {
      // Timers are set in ms: the last bits of a float may put one a hair later.
      await clock.advanceAsync(Math.max(0, step.t / 1e6 - clock.now()))
      await clock.advanceAsync(0)
      for (const { w, ok } of step.woken ?? []) {
        if (ok) expect(waiters.get(w)!.ended, where).toBe(true)
        else {
          expect(inVain.has(w), where).toBe(true)
          expected.splice(expected.indexOf(inVain.get(w)!), 1)
          inVain.delete(w)
        }
      }
    } else if (step.op === 'reserve') {
      const wait = limiter.reserve(step.n)
      expect(wait < 0 ? -1 : Math.round(wait * 1e6), where).toBe(step.wait)
    } else if (step.op === 'acquire') {
      const abort = new AbortController()
      const waiter = { abort, ended: false }
      const done = limiter.acquire({ weight: step.n, signal: abort.signal })
      if (step.ok) await done
      else if (sleepsInVain(step)) {
        await expect(done, where).rejects.toBeInstanceOf(RateLimitedError)
        inVain.set(step.w, `FAILED_ACQUIRE:${step.n}`)
        expected.push(`FAILED_ACQUIRE:${step.n}`)
      } else {
        waiters.set(step.w, waiter)
        done.then(
          () => (waiter.ended = true),
          () => {},
        )
      }
    } else if (step.op === 'interrupt') {
      expected.splice(expected.indexOf(inVain.get(step.w)!), 1)
      inVain.delete(step.w)
    } else if (step.op === 'drain') limiter.drain()
    else if (step.op === 'result') limiter.onResult(step.value)
    else if (step.op === 'error') limiter.onError(new Error(step.ex))
    else if (step.op === 'changeLimitForPeriod' && step.threw)
      expect(() => limiter.update({ limitForPeriod: step.n }), where).toThrow('limitForPeriod')
    else if (step.op === 'changeLimitForPeriod') limiter.update({ limitForPeriod: step.n })
    else if (step.op === 'changeTimeoutDuration') limiter.update({ timeoutDuration: step.ns / 1e6 })
    else throw new Error(`unknown op ${step.op}`)
    await settled()
    const { availablePermissions, nanosToWait, numberOfWaitingThreads } = limiter.metrics
    expect({ available: availablePermissions, nanosToWait, waiting: numberOfWaitingThreads, ev: heard.splice(0) }, where).toEqual({
      available: step.available,
      nanosToWait: step.nanosToWait,
      waiting: step.waiting - inVain.size,
      ev: expected,
    })
  }
}

describe('ratelimiter', () => {
  test('has all its traces', () => expect(traces).toHaveLength(65))
  test.each(traces as any[])('$id', (trace: any) => replay(trace, differences(trace)[0]?.[0] ?? trace.steps.length))
  test('what differs is what the docs name, bug by bug', () => {
    const touching = (touches: (trace: any) => boolean) =>
      traces
        .filter(touches)
        .map((t: any) => t.id)
        .sort()
    const first = (bug: string) => touching(t => differences(t)[0]?.[1].startsWith(bug) === true)
    expect(first('E21')).toEqual(namedInDocs('rate-limiter.md', 'E21:'))
    expect(first('E24')).toEqual(namedInDocs('rate-limiter.md', 'E24: a reservation'))
    expect(first('A6')).toEqual(namedInDocs('rate-limiter.md', 'A6:'))
    expect(touching(t => t.steps.some(sleepsInVain))).toEqual(namedInDocs('rate-limiter.md', 'E24: who is refused'))
    expect(touching(t => differences(t).length > 0)).toHaveLength(31)
  })
})

/** After a bug of the peer its account is taken over, so that what follows is held against ours, too. */
describe('ratelimiter: every step on the account alone', () => {
  test.each(traces as any[])('$id', (trace: any) => {
    const { limitForPeriod, limitRefreshPeriodNs, timeoutDurationNs } = trace.config
    const rate = { limit: limitForPeriod, period: limitRefreshPeriodNs, burst: limitForPeriod, warmUp: undefined }
    const account = new Cycles(rate)
    const bugs = new Set(differences(trace).map(([i]) => i))
    let timeout = timeoutDurationNs
    let now = 0
    const reserve = (n: number) => {
      const wait = account.waitFor(n, now)
      account.take(wait > timeout ? 0 : n, now)
      return wait > timeout ? -1 : wait
    }
    for (const [i, step] of trace.steps.entries()) {
      const where = `step ${i} ${step.op}`
      now = step.t
      if (step.op === 'reserve') expect(reserve(step.n), where).toBe(step.wait)
      else if (step.op === 'acquire') expect(reserve(step.n), where).toBe(step.ok ? 0 : step.granted ? step.parkNs : -1)
      else if (step.op === 'changeTimeoutDuration') timeout = step.ns
      else if (step.op === 'changeLimitForPeriod' && !step.threw) account.change(Object.assign(rate, { limit: step.n }), now)
      if (step.ev.some((e: string) => e.startsWith('DRAINED'))) account.drain(now)
      if (bugs.has(i)) account.take(account.available(now) - step.available, now)
      expect([account.available(now), account.waitFor(1, now)], where).toEqual([step.available, step.nanosToWait])
    }
  })
})
