/** A load shedder: when a limit fills up or calls queue before it, the less important calls are given up first and the critical ones last. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { Gate, LOAD_SHEDDER_EVENTS, type Load, type LoadShedderEvents, loadShedderStep } from './layer.ts'
import { type LoadShedderOptions, readLoadShedderOptions } from './options.ts'

export type { Load, LoadShedderEvents, LoadShedderOptions }

export interface LoadShedderMetrics {
  /** Calls with a greater priority number are shed now. */
  readonly cutoff: number
  readonly utilisation: number
  /** Share of the priorities that is shed because calls wait too long, 0 to 1. */
  readonly pressure: number
  readonly numberOfAdmittedCalls: number
  readonly numberOfSheddedCalls: number
}

export interface LoadShedder extends Policy, Observable<LoadShedderEvents> {
  /** Whether a call of that priority passes now; it counts as an arrival. For code that makes the call by itself. */
  admits(priority?: number): boolean
  readonly metrics: LoadShedderMetrics
  /** New rules act at once; what was found out about waits stays. */
  update(options: LoadShedderOptions): void
}

/** Priority numbers by class, a hundred levels each: the first level of a class goes last. */
export const PRIORITY = { critical: 0, high: 100, medium: 200, low: 300, veryLow: 400 } as const

/**
 * Makes a load shedder in front of a limit: of a bulkhead, of an adaptive limit, or of any figure.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const slots = bulkhead({ maxConcurrentCalls: 50, maxWaitDuration: '100ms' })
 * const guard = pipeline(loadShedder(slots), slots)
 * console.log(await guard.execute(async () => 'report', { priority: PRIORITY.low })) // => report
 */
export function loadShedder(
  load: Load | (() => number),
  options: LoadShedderOptions = {},
  around: { name?: string; clock?: Clock } = {},
): LoadShedder {
  if (typeof load !== 'function' && typeof load?.utilisation !== 'function')
    throw new TypeError('loadShedder: expected a limit to look at first: a bulkhead, an adaptive limit, or a function of the share in use')
  const { name = '', clock = systemClock } = readAround(around, 'loadShedder')
  let given = { ...options }
  const events = new Emitter<LoadShedderEvents>('loadShedder', LOAD_SHEDDER_EVENTS)
  const gate = new Gate(typeof load === 'function' ? { utilisation: load } : load, readLoadShedderOptions(given), clock, events, name)

  const core = policy('loadShedder', name, loadShedderStep(gate), () => gate.settings)
  const own: Omit<LoadShedder, keyof Policy | 'metrics'> = {
    on: (type, listener, listening) => events.on(type, listener, listening),
    admits: (priority = 0) => gate.admits(priority, clock.now()),
    update(changed) {
      const merged = { ...given, ...changed }
      gate.update(readLoadShedderOptions(merged))
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    metrics: {
      get: (): LoadShedderMetrics => {
        const now = clock.now()
        const utilisation = gate.utilisation()
        return {
          cutoff: gate.shedder.cutoff(utilisation, now),
          utilisation,
          pressure: gate.shedder.pressure(now),
          numberOfAdmittedCalls: gate.admitted,
          numberOfSheddedCalls: gate.shedded,
        }
      },
      enumerable: true,
    },
  }) as unknown as LoadShedder
}
