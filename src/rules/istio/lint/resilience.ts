/** Policies that never do anything, or something else than their numbers say. */

import { parseDuration } from '../../../base/time/duration.ts'
import { BLOCKS } from '../../../core/schema/policies/index.ts'
import { Place, readFields } from '../../../core/schema/read.ts'
import { bulkheadSurprises } from '../../../core/surprises/bulkhead.ts'
import { surprises } from '../../../core/surprises/index.ts'
import { rateLimiterSurprises } from '../../../core/surprises/rate-limiter.ts'
import type { LintRule, Report } from './rule.ts'

function policy(code: string, check: (spec: any, report: Report) => void): LintRule {
  return { code, kind: 'ResiliencePolicy', check: (document, _view, report) => check(document.spec ?? {}, report) }
}

/** A whole number that is written, or its default. */
function value(spec: any, block: 'circuitBreaker' | 'bulkhead', name: string): number | undefined {
  const written = spec[block]?.[name] ?? (BLOCKS[block].fields as any)[name]?.default
  return typeof written === 'number' ? written : undefined
}

/** The blocks that a call passes, outermost first, with their defaults: as the policies of code that they are. */
const ROW = ['circuitBreaker', 'rateLimiter', 'timeLimiter', 'bulkhead', 'adaptiveConcurrency'] as const
const rowOf = (spec: any) =>
  ROW.filter(kind => spec[kind] !== undefined).map(kind => ({
    kind,
    name: '',
    options: readFields(BLOCKS[kind].fields, spec[kind], new Place('', false)),
  }))

export const resilience: readonly LintRule[] = [
  policy('breaker-window-too-small', (spec, report) => {
    const breaker = spec.circuitBreaker
    if (breaker === undefined || breaker.slidingWindowType === 'TIME_BASED') return
    const [size, least] = [value(spec, 'circuitBreaker', 'slidingWindowSize')!, value(spec, 'circuitBreaker', 'minimumNumberOfCalls')!]
    if (least > size && breaker.minimumNumberOfCalls !== undefined)
      report(
        'spec.circuitBreaker.minimumNumberOfCalls',
        `a window of ${size} calls never holds ${least}: ${size} are asked for instead`,
        `make minimumNumberOfCalls ${size} or less, or the window larger`,
      )
  }),
  policy('breaker-hard-to-open', (spec, report) => {
    const breaker = spec.circuitBreaker
    if (breaker?.slidingWindowType !== 'TIME_BASED' || breaker.minimumNumberOfCalls !== undefined) return
    report(
      'spec.circuitBreaker',
      `no rate is worked out below ${value(spec, 'circuitBreaker', 'minimumNumberOfCalls')} calls in ${value(spec, 'circuitBreaker', 'slidingWindowSize')} s: with less traffic it never opens`,
      'add minimumNumberOfCalls: that fits the traffic',
      'info',
    )
  }),
  policy('bulkhead-closed', (spec, report) => {
    if (spec.bulkhead?.maxConcurrentCalls === 0)
      report('spec.bulkhead.maxConcurrentCalls', 'with 0 every call is rejected', 'give at least 1')
  }),
  policy('queue-without-wait', (spec, report) => {
    const { queueCapacity, maxWaitDuration = '0s' } = spec.bulkhead ?? {}
    if (queueCapacity > 0 && !((parseDuration(String(maxWaitDuration)) ?? 0) > 0))
      report('spec.bulkhead.queueCapacity', 'nobody may wait, so nobody uses the queue', 'add maxWaitDuration: 100ms')
  }),
  policy('wait-too-long', (spec, report) => {
    for (const text of surprises(rowOf(spec), [...bulkheadSurprises, ...rateLimiterSurprises]))
      report('spec', text, 'make the wait shorter (bulkhead.maxWaitDuration, rateLimiter.timeoutDuration)')
  }),
  policy('hedge-after-time-limit', (spec, report) => {
    const delay = parseDuration(String(spec.hedge?.delay ?? ''))
    const limit = parseDuration(String(spec.timeLimiter?.timeoutDuration ?? ''))
    if (delay !== undefined && limit !== undefined && delay >= limit)
      report(
        'spec.hedge.delay',
        'the first try has ended before another one would begin',
        'make it shorter than timeLimiter.timeoutDuration',
      )
  }),
]
