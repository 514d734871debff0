/** Faults on purpose: delays and aborts for a share of the calls, as Istio's HTTPFaultInjection describes them. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { type Random, systemRandom } from '../../base/time/random.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { FAULT_INJECTOR_EVENTS, type FaultInjectorEvents, FaultStep } from './layer.ts'
import { type FaultInjectorOptions, readFaultOptions } from './options.ts'

export { exponentialLatency, type LatencyDistribution, normalLatency, uniformLatency } from './kernel.ts'
export type { FaultInjectorEvents, FaultInjectorOptions }

export interface FaultInjectorMetrics {
  readonly delaysInjected: number
  readonly abortsInjected: number
  /** Calls that are being delayed now. */
  readonly activeFaults: number
}

export interface FaultInjector extends Policy, Observable<FaultInjectorEvents> {
  readonly metrics: FaultInjectorMetrics
  /** Changes options. `update({ enabled: false })` stops all faults; calls that are being delayed go on when their time is over. */
  update(options: FaultInjectorOptions): void
}

/**
 * Makes a fault injector: the delay is decided first, the abort by a roll of its own. An injected abort never reached the callee, so no policy
 * counts it as the callee's failure or retries it.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const chaos = faultInjector({ abort: { percentage: { value: 100 }, httpStatus: 503 } })
 * const error = await chaos.execute(() => fetch(url)).catch(e => e)
 * console.log(error.code, error.status) // => ERR_FAULT_INJECTED 503
 */
export function faultInjector(
  options: FaultInjectorOptions = {},
  around: { name?: string; clock?: Clock; random?: Random } = {},
): FaultInjector {
  const { name = '', clock = systemClock, random = systemRandom } = readAround(around, 'faultInjector')
  let given = { ...options }
  const events = new Emitter<FaultInjectorEvents>('faultInjector', FAULT_INJECTOR_EVENTS)
  const step = new FaultStep(readFaultOptions(options), clock, random, events, name)
  const core = policy('faultInjector', name, step, () => step.settings)
  const own = {
    on: events.on.bind(events),
    update(changed: FaultInjectorOptions) {
      const merged = { ...given, ...changed }
      step.settings = readFaultOptions(merged)
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    metrics: { get: () => ({ ...step.counts }), enumerable: true },
  }) as unknown as FaultInjector
}
