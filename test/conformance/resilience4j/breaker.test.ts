/** Traces of the released Resilience4j through our breaker: every step the same state and the same metrics, up to the first late result. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { type CircuitBreakerOptions, circuitBreaker } from '../../../src/policies/circuit-breaker/index.ts'

class JavaError extends Error {
  readonly type: string
  constructor(type: string) {
    super(type)
    this.type = type
  }
}
const isA = (error: unknown, types: string[] = []) => {
  const type = (error as JavaError).type
  return types.includes(type) || (type === 'E1a' && types.includes('E1'))
}

function optionsOf(c: any): CircuitBreakerOptions {
  const w = c.waitInOpen
  const exponential = (n: number) => {
    let x = w.initialMs
    for (let i = 1; i < n; i++) x = Math.trunc(x * w.multiplier)
    return w.maxMs ? Math.min(x, w.maxMs) : x
  }
  const record = c.recordExceptions || c.recordExceptionNames
  const ignore = c.ignoreExceptions || c.ignoreExceptionNames
  return {
    slidingWindowType: c.slidingWindowType,
    slidingWindowSize: c.slidingWindowSize,
    minimumNumberOfCalls: c.minimumNumberOfCalls,
    failureRateThreshold: c.failureRateThreshold,
    slowCallRateThreshold: c.slowCallRateThreshold,
    slowCallDurationThreshold: c.slowCallDurationThresholdMs,
    permittedNumberOfCallsInHalfOpenState: c.permittedNumberOfCallsInHalfOpenState,
    maxWaitDurationInHalfOpenState: c.maxWaitDurationInHalfOpenStateMs,
    transitionToStateAfterWaitDuration: c.transitionToStateAfterWaitDuration,
    automaticTransitionFromOpenToHalfOpenEnabled: c.automaticTransitionFromOpenToHalfOpenEnabled,
    initialState: c.initialState,
    waitDurationInOpenState:
      w.kind === 'fixed' ? w.ms : w.kind === 'exponential' ? exponential : (n: number) => w.ms[Math.min(n, w.ms.length) - 1],
    ...(record
      ? { recordException: (e: unknown) => isA(e, c.recordExceptions) || (c.recordExceptionNames ?? []).includes((e as JavaError).type) }
      : {}),
    ...(ignore
      ? { ignoreException: (e: unknown) => isA(e, c.ignoreExceptions) || (c.ignoreExceptionNames ?? []).includes((e as JavaError).type) }
      : {}),
    ...(c.recordResults ? { recordResult: (v: unknown) => c.recordResults.includes(v) } : {}),
  }
}

describe.each(['breaker-clean', 'breaker-late'])('%s', file => {
  const { traces } = JSON.parse(gunzipSync(readFileSync(new URL(`./${file}.json.gz`, import.meta.url))).toString())
  const applicable: any[] = traces.filter((t: any) => !t.config.transitionOnResult)
  test('has traces', () => expect(applicable.length).toBeGreaterThan(20))
  test.each(applicable)('$id', (trace: any) => {
    const clock = virtualClock(trace.t0)
    const breaker = circuitBreaker(optionsOf(trace.config), { clock })
    const permits = new Map<number, any>()
    const manual: Record<string, (ms: number) => void> = {
      transitionToClosedState: () => breaker.close(),
      transitionToOpenState: () => breaker.open(),
      transitionToOpenStateFor: ms => breaker.open({ for: ms }),
      transitionToOpenStateUntil: ms => breaker.open({ for: ms }),
      transitionToHalfOpenState: () => breaker.halfOpen(),
      transitionToForcedOpenState: () => breaker.forceOpen(),
      transitionToMetricsOnlyState: () => breaker.metricsOnly(),
      transitionToDisabledState: () => breaker.disable(),
      reset: () => breaker.reset(),
    }
    const end = trace.firstLate >= 0 ? trace.firstLate : trace.steps.length
    trace.steps.slice(0, end).forEach((step: any, i: number) => {
      if (step.op === 'acquire') {
        const permit = breaker.tryAcquire()
        expect(permit !== undefined, `step ${i}`).toBe(step.ok)
        if (permit) permits.set(step.p, permit)
      } else if (step.op === 'success') permits.get(step.p).succeed()
      else if (step.op === 'result') permits.get(step.p).succeed(step.value)
      else if (step.op === 'error') permits.get(step.p).fail(new JavaError(step.ex.replace(/^wrap:/, '')))
      else if (step.op === 'release') permits.get(step.p).release()
      else if (step.op === 'advance') clock.advance(step.ms)
      else if (step.threw) expect(() => manual[step.op]!(step.ms), `step ${i}`).toThrow()
      else manual[step.op]!(step.ms)
      const m = breaker.metrics
      const mine = [
        m.failureRate,
        m.slowCallRate,
        m.numberOfBufferedCalls,
        m.numberOfFailedCalls,
        m.numberOfSlowCalls,
        m.numberOfSlowFailedCalls,
        m.numberOfSlowSuccessfulCalls,
        m.numberOfSuccessfulCalls,
        m.numberOfNotPermittedCalls,
      ]
      expect({ state: breaker.state, m: mine.map(Math.fround) }, `step ${i} ${step.op}`).toEqual({
        state: step.state,
        m: step.m.map(Math.fround),
      })
    })
  })
})
