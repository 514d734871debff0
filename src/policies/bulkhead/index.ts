/** A bulkhead: bounds how many calls run at once, so that one slow callee cannot take everything. */

import { type Clock, systemClock } from '../../base/time/clock.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readAround } from '../../core/schema/around.ts'
import { type Signal, signalIssue, whenAborted } from '../../core/signal.ts'
import { bulkheadSurprises } from '../../core/surprises/bulkhead.ts'
import { BULKHEAD_EVENTS, type BulkheadEvents, bulkheadStep, Gate, Held, type Slot } from './layer.ts'
import { type BulkheadOptions, readBulkheadOptions } from './options.ts'

export type { BulkheadEvents, BulkheadOptions, Slot }

/** Resilience4j's names. */
export interface BulkheadMetrics {
  /** Free slots; negative after the limit was lowered below what runs. */
  readonly availableConcurrentCalls: number
  readonly maxAllowedConcurrentCalls: number
  readonly queueDepth: number
}

export interface AcquireOptions {
  /** Gives up waiting. */
  signal?: Signal | undefined
  /** Lower is more important; for `queueOrder: 'priority'`. Default 0. */
  priority?: number | undefined
  /** Slots taken. Default 1. */
  weight?: number | undefined
}

export interface Bulkhead<R = unknown> extends Policy<R, never>, Observable<BulkheadEvents> {
  /** A slot, if one is free now and nobody waits for it. */
  tryAcquire(options?: Omit<AcquireOptions, 'signal'>): Slot | undefined
  /** Waits for a slot, at most `maxWaitDuration`. Rejects with BulkheadFullError, or with the signal's reason. */
  acquire(options?: AcquireOptions): Promise<Slot>
  readonly metrics: BulkheadMetrics
  /** Calls that run or wait, as a share of the slots: above 1 when calls wait. */
  utilisation(): number
  /** How long the call that goes next has waited, ms. */
  queueDelay(): number
  /**
   * New limits act at once and block nobody: waiting calls go in; when there are fewer slots, running calls finish and nobody follows them;
   * waiting calls that need more slots than there are now are rejected.
   */
  update(options: BulkheadOptions<R>): void
}

/**
 * Makes a bulkhead with Resilience4j's options.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const slots = bulkhead({ maxConcurrentCalls: 10, maxWaitDuration: '100ms' })
 * await slots.execute(call => fetch(url, { signal: call.signal }))
 * console.log(slots.metrics.availableConcurrentCalls) // => 10
 */
export function bulkhead<R = unknown>(options: BulkheadOptions<R> = {}, around: { name?: string; clock?: Clock } = {}): Bulkhead<R> {
  const { name = '', clock = systemClock } = readAround(around, 'bulkhead')
  let given = { ...options }
  const events = new Emitter<BulkheadEvents>('bulkhead', BULKHEAD_EVENTS)
  const gate = new Gate(readBulkheadOptions(options), clock, events, name)
  const { slots } = gate

  const core = policy<R, never>('bulkhead', name, bulkheadStep(gate), () => gate.settings, bulkheadSurprises)
  const own: Omit<Bulkhead<R>, keyof Policy | 'metrics'> = {
    on: (type, listener, listening) => events.on(type, listener, listening),
    tryAcquire({ priority = 0, weight = 1 } = {}) {
      if (gate.enter(weight, priority)) return new Held(gate, weight)
      gate.refused()
      return undefined
    },
    async acquire(options) {
      const issue = signalIssue(options, 'bulkhead.acquire')
      if (issue !== undefined) throw issue
      const { signal, priority = 0, weight = 1 } = options ?? {}
      signal?.throwIfAborted()
      if (!gate.enter(weight, priority))
        await gate.wait(weight, priority, listener => signal && whenAborted(signal, () => listener(signal.reason)))
      const slot = new Held(gate, weight)
      if (signal?.aborted) {
        slot.release()
        throw signal.reason
      }
      return slot
    },
    utilisation: () => (slots.max > 0 ? (slots.inUse + slots.waiting) / slots.max : 1),
    queueDelay: () => gate.queueDelay(),
    update(changed) {
      const merged = { ...given, ...changed }
      gate.update(readBulkheadOptions(merged))
      given = merged
    },
  }
  return Object.defineProperties(Object.assign(core, own), {
    metrics: {
      get: (): BulkheadMetrics => ({
        availableConcurrentCalls: slots.available,
        maxAllowedConcurrentCalls: slots.max,
        queueDepth: slots.waiting,
      }),
      enumerable: true,
    },
  }) as unknown as Bulkhead<R>
}
