/** Hedging: a second try beside a slow first one, and the first good answer wins. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { hedgeSurprises } from '../../core/surprises/hedge.ts'
import { HEDGE_EVENTS, type HedgeEvents, Hedging, hedgeLayer } from './layer.ts'
import { type HedgeOptions, type HedgeSettings, readHedgeOptions } from './options.ts'

export type { HedgeEvents, HedgeOptions }

export interface HedgeMetrics {
  readonly numberOfCalls: number
  /** Calls that were slow enough for a second try. */
  readonly numberOfHedgedCalls: number
  /** Second and further tries. */
  readonly numberOfHedges: number
  readonly numberOfCallsWonByHedge: number
  readonly numberOfFailedCalls: number
  /** Hedges that the budget did not allow. */
  readonly numberOfRefusedHedges: number
  /** ms until a try is hedged now; `undefined`: nothing is hedged yet. */
  readonly delay: number | undefined
}

export interface Hedge<R = unknown> extends Policy<R, never>, Observable<HedgeEvents> {
  readonly metrics: HedgeMetrics
  /** Changes options; latencies that were timed stay. */
  update(options: HedgeOptions<R>): void
}

/**
 * Makes a hedge: when a try has not answered after `delay`, another is started beside it. The first good answer wins and the others are
 * aborted; a try that fails never wins while another may still answer. Only for work that may safely be done twice.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const guard = hedge({ delay: { quantile: 0.95 }, maxHedgedRequests: 1 })
 * const response = await guard.execute(call => fetch(url, { signal: call.signal }))
 * console.log(response.status) // => 200
 */
export function hedge<R = unknown>(options: HedgeOptions<R> = {}, around: { name?: string; clock?: Clock } = {}): Hedge<R> {
  const { name = '', clock = systemClock } = readAround(around, 'hedge')
  let given = { ...options }
  const events = new Emitter<HedgeEvents>('hedge', HEDGE_EVENTS)
  const hedging = new Hedging(readHedgeOptions(options), clock, events)
  const core = policy<R, never>('hedge', name, hedgeLayer(hedging), () => described(hedging.settings), hedgeSurprises)
  const own = {
    on: events.on.bind(events),
    update(changed: HedgeOptions<R>) {
      const merged = { ...given, ...changed }
      // A budget made from options is kept while nobody asks for another one: it knows who is under way.
      hedging.update(readHedgeOptions(changed.retryBudget === undefined ? { ...merged, retryBudget: hedging.settings.budget } : merged))
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    metrics: { get: () => hedgeMetrics(hedging), enumerable: true },
  }) as unknown as Hedge<R>
}

export function hedgeMetrics(hedging: Hedging): HedgeMetrics {
  const { counts, clock } = hedging
  return {
    numberOfCalls: counts.calls,
    numberOfHedgedCalls: counts.hedgedCalls,
    numberOfHedges: counts.hedges,
    numberOfCallsWonByHedge: counts.wonByHedge,
    numberOfFailedCalls: counts.failedCalls,
    numberOfRefusedHedges: counts.refused,
    delay: hedging.delay(clock.now()),
  }
}

function described({ methods, budget, ...settings }: HedgeSettings): Record<string, unknown> {
  return { ...settings, methods: [...methods], retryBudget: budget?.settings }
}
