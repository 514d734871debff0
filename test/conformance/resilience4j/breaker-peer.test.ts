/**
 * The public breaker against the peer's rules (breaker-peer.ts) over configurations and orders that no recording has: small and large windows of both kinds,
 * thresholds from tiny to 100, every initial state, hooks, timers, changes by hand, long idle gaps. Each answer, metric and event is compared.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { type CircuitBreaker, circuitBreaker, type Permit } from '../../../src/policies/circuit-breaker/index.ts'
import { STATES, type State } from '../../../src/policies/circuit-breaker/transitions.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'
import { listen } from './breaker-events.ts'
import { Peer, type PeerConfig, type Stay } from './breaker-peer.ts'

const threshold = fc.oneof(
  fc.constantFrom(0.001, 1, 12.5, 25, 33.333332, 50, 66.666664, 75, 100),
  fc.double({ min: 0.01, max: 100, noNaN: true }),
)
const wait = fc.oneof(
  fc.record({ kind: fc.constant('fixed' as const), ms: fc.integer({ min: 1, max: 3000 }) }),
  fc.record({
    kind: fc.constant('exponential' as const),
    initial: fc.integer({ min: 1, max: 600 }),
    multiplier: fc.constantFrom(1, 1.1, 1.5, 2, 3),
    max: fc.constantFrom(700, 5000, 1e9),
  }),
  fc.record({ kind: fc.constant('list' as const), ms: fc.array(fc.nat(2000), { minLength: 1, maxLength: 5 }) }),
)
const ERRORS = ['E1', 'E2', 'E3']
const RESULTS = ['a', 'b', 'c', null]
const config = fc.record({
  type: fc.constantFrom('COUNT_BASED' as const, 'TIME_BASED' as const),
  size: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 20 })),
  minimum: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 30 })),
  failureThreshold: threshold,
  slowThreshold: threshold,
  slowDuration: fc.constantFrom(1, 40, 100_000),
  permitted: fc.integer({ min: 1, max: 6 }),
  maxHalfOpen: fc.constantFrom(0, 0, 1, 250, 4000),
  afterHalfOpen: fc.constantFrom('OPEN' as const, 'CLOSED' as const),
  automatic: fc.boolean(),
  initial: fc.oneof({ weight: 2, arbitrary: fc.constant('CLOSED' as State) }, { weight: 1, arbitrary: fc.constantFrom(...STATES) }),
  wait,
  ignored: fc.option(fc.subarray(ERRORS)),
  recorded: fc.option(fc.subarray(ERRORS)),
  recordedResults: fc.option(fc.subarray(['a', 'b', 'c'])),
  opensFor: fc.option(fc.dictionary(fc.constantFrom('b', 'c', 'E2', 'E3'), fc.nat(900))),
})
type Config = typeof config extends fc.Arbitrary<infer T> ? T : never

const op = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constant('acquire' as const) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constant('settle' as const),
      pick: fc.nat(),
      how: fc.oneof(fc.constantFrom(...ERRORS, ...RESULTS), fc.constantFrom('success', 'release')),
      took: fc.option(fc.constantFrom(0, 1, 1.000001, 39.9, 40, 40.1, 5000), { nil: undefined }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.oneof(fc.nat(60), fc.nat(1500), fc.nat(40_000)) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('to' as const),
      state: fc.constantFrom(...STATES),
      forMs: fc.option(fc.nat(2500), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('reset' as const) }) },
)

function waits(w: Config['wait'], attempt: number): number {
  if (w.kind === 'fixed') return w.ms
  if (w.kind === 'list') return w.ms[Math.min(attempt, w.ms.length) - 1]!
  let ms = w.initial
  for (let i = 1; i < attempt; i++) ms = Math.trunc(ms * w.multiplier)
  return Math.min(ms, w.max)
}

const peerConfig = (c: Config): PeerConfig => ({
  ...c,
  wait: attempt => waits(c.wait, attempt),
  ignores: error => c.ignored?.includes(error) === true,
  records: error => c.recorded === null || c.recorded.includes(error),
  recordsResult: result => c.recordedResults?.includes(result) === true,
  opensFor: { ...c.opensFor },
})

const code = (error: unknown) => (error as Error).message

function ours(c: Config, clock: ReturnType<typeof virtualClock>): CircuitBreaker {
  const { wait: w, ignored, recorded, recordedResults, opensFor } = c
  return circuitBreaker(
    {
      slidingWindowType: c.type,
      slidingWindowSize: c.size,
      minimumNumberOfCalls: c.minimum,
      failureRateThreshold: c.failureThreshold,
      slowCallRateThreshold: c.slowThreshold,
      slowCallDurationThreshold: c.slowDuration,
      permittedNumberOfCallsInHalfOpenState: c.permitted,
      maxWaitDurationInHalfOpenState: c.maxHalfOpen,
      transitionToStateAfterWaitDuration: c.afterHalfOpen,
      automaticTransitionFromOpenToHalfOpenEnabled: c.automatic,
      initialState: c.initial,
      waitDurationInOpenState:
        w.kind === 'fixed'
          ? w.ms
          : w.kind === 'list'
            ? attempt => waits(w, attempt)
            : { initial: w.initial, multiplier: w.multiplier, max: w.max },
      ...(ignored && { ignoreException: (e: unknown) => ignored.includes(code(e)) }),
      ...(recorded && { recordException: (e: unknown) => recorded.includes(code(e)) }),
      ...(recordedResults && { recordResult: (r: unknown) => recordedResults.includes(r as string) }),
      ...(opensFor && {
        transitionOnResult: (result: unknown, error: unknown) => ({ ...opensFor })[error === undefined ? (result as string) : code(error)],
      }),
    },
    { clock },
  )
}

const BY_HAND: Record<State, (breaker: CircuitBreaker, forMs?: number) => void> = {
  CLOSED: breaker => breaker.close(),
  OPEN: (breaker, forMs) => breaker.open(forMs === undefined ? undefined : { for: forMs }),
  HALF_OPEN: breaker => breaker.halfOpen(),
  DISABLED: breaker => breaker.disable(),
  FORCED_OPEN: breaker => breaker.forceOpen(),
  METRICS_ONLY: breaker => breaker.metricsOnly(),
}

test(
  'whatever happens, the breaker answers, counts and tells as Resilience4j does',
  () => {
    let operations = 0
    fc.assert(
      fc.property(
        config,
        fc.constantFrom(0, 1_700_000_000_000, 1_700_000_000_999),
        fc.array(op, { minLength: 60, maxLength: 120 }),
        (c, t0, ops) => {
          const clock = virtualClock(t0)
          const breaker = ours(c, clock)
          const peer = new Peer(peerConfig(c), t0)
          const heard = listen(breaker)
          let inFlight: { stay: Stay; permit: Permit; since: number }[] = []
          for (const [i, o] of ops.entries()) {
            operations++
            if (o.op === 'acquire') {
              const [stay, permit] = [peer.acquire(), breaker.tryAcquire()]
              expect(permit !== undefined, `acquire at ${i}`).toBe(stay !== undefined)
              if (stay !== undefined) inFlight.push({ stay, permit: permit!, since: clock.now() })
            } else if (o.op === 'settle') {
              inFlight = inFlight.filter(call => call.stay === peer.stay)
              if (inFlight.length === 0) continue
              const [{ permit, since }] = inFlight.splice(o.pick % inFlight.length, 1) as [(typeof inFlight)[0]]
              const ms = o.took ?? clock.now() - since
              if (o.how === 'release') {
                peer.release()
                permit.release()
              } else if (o.how === 'success') {
                peer.success(ms)
                permit.succeed(undefined, o.took)
              } else if (ERRORS.includes(o.how!)) {
                peer.error(o.how!, ms)
                permit.fail(new Error(o.how!), o.took)
              } else {
                peer.result(o.how, ms)
                permit.succeed(o.how, o.took)
              }
            } else if (o.op === 'advance') {
              peer.advance(o.ms)
              clock.advance(o.ms)
            } else if (o.op === 'reset') {
              peer.reset()
              breaker.reset()
            } else if (peer.manual(o.state, o.state === 'OPEN' ? o.forMs : undefined)) BY_HAND[o.state](breaker, o.forMs)
            else expect(() => BY_HAND[o.state](breaker, o.forMs)).toThrow(RangeError)
            const m = breaker.metrics
            const figures = [
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
            const same =
              breaker.state === peer.stay.state &&
              figures.every((figure, j) => figure === peer.metrics[j]) &&
              heard.join() === peer.heard.join()
            // One comparison that is quick when all is well, and says where when not.
            if (!same)
              expect({ state: breaker.state, figures, heard }, `after ${i} ${o.op}`).toEqual({
                state: peer.stay.state,
                figures: peer.metrics,
                heard: peer.heard,
              })
            heard.length = peer.heard.length = 0
          }
        },
      ),
      { numRuns: runs(60) },
    )
    expect(operations).toBeGreaterThanOrEqual(OPERATIONS)
  },
  DEEP_TIMEOUT,
)
