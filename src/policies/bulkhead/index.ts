/** A bulkhead: bounds how many calls run at once, so that one slow callee cannot take everything. */
import { type Clock, KEEP_ALIVE, systemClock, type Timer } from '../../base/time/clock.ts'
import { BulkheadFullError, reject } from '../../core/errors.ts'
import { Emitter, type Observable } from '../../core/events.ts'
import { isPromiseLike } from '../../core/layer.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { readOptions } from '../../core/schema/index.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { Slots } from './kernel.ts'
import { type BulkheadOptions, bulkheadFields } from './options.ts'

export type { BulkheadOptions }

export interface BulkheadEvents {
  permitted: { running: number }
  rejected: { running: number; waiting: number }
  finished: { running: number }
}

/** A slot that is held. Releasing it twice does nothing. */
export interface Slot {
  release(): void
}

export interface Bulkhead extends Policy, Observable<BulkheadEvents> {
  tryAcquire(): Slot | undefined
  /** Waits for a slot. Rejects with BulkheadFullError, or with the signal's reason. */
  acquire(options?: { signal?: AbortSignal }): Promise<Slot>
  readonly metrics: { readonly availableConcurrentCalls: number; readonly maxAllowedConcurrentCalls: number; readonly queueDepth: number }
  /** New limits act at once: waiting calls go in; when there are fewer slots, running calls finish and nobody follows them. */
  update(options: BulkheadOptions): void
}

interface Waiter {
  admit(): void
}

/**
 * Makes a bulkhead with Resilience4j's options.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const slots = bulkhead({ maxConcurrentCalls: 10, maxWaitDuration: '100ms' })
 */
export function bulkhead(options: BulkheadOptions = {}, around: { name?: string; clock?: Clock } = {}): Bulkhead {
  const { name = '', clock = systemClock } = around
  let given = options
  let settings = readOptions(bulkheadFields, options, 'bulkhead')
  const capacity = () => settings.queueCapacity ?? (settings.maxWaitDuration > 0 ? Infinity : 0)
  const slots = new Slots<Waiter>(settings.maxConcurrentCalls, capacity())
  const events = new Emitter<BulkheadEvents>()
  const running = () => slots.max - slots.available

  const leave = () => {
    const next = slots.leave()
    if (events.listening > 0) events.emit('finished', { running: running() })
    next?.admit()
  }
  const refuse = () => {
    if (events.listening > 0) events.emit('rejected', { running: running(), waiting: slots.waiting })
    return reject(
      BulkheadFullError,
      `bulkhead${name === '' ? '' : ` ${name}`} is full: ${running()} of ${slots.max} calls run, ${slots.waiting} wait`,
      { policy: name },
    )
  }
  const enter = () => {
    if (!slots.enter()) return false
    if (events.listening > 0) events.emit('permitted', { running: running() })
    return true
  }
  /** Joins the queue, or throws. */
  const queue = (onAbort: (listener: (reason: unknown) => void) => () => void): Promise<void> => {
    let admit!: () => void
    let fail!: (error: unknown) => void
    const admitted = new Promise<void>((resolve, rejectWith) => {
      admit = resolve
      fail = rejectWith
    })
    let timer: Timer | undefined
    let off: (() => void) | undefined
    const waiter: Waiter = {
      admit() {
        timer?.cancel()
        off?.()
        if (events.listening > 0) events.emit('permitted', { running: running() })
        admit()
      },
    }
    if (!slots.queue(waiter)) throw refuse()
    off = onAbort(reason => {
      timer?.cancel()
      if (slots.giveUp(waiter)) fail(reason)
    })
    if (settings.maxWaitDuration > 0)
      timer = clock.schedule(
        settings.maxWaitDuration,
        () => {
          off?.()
          if (slots.giveUp(waiter)) fail(refuse())
        },
        KEEP_ALIVE,
      )
    return admitted
  }
  const step: Step<void> = {
    admit(call) {
      if (enter()) return
      return queue(listener => call.onAbort(listener))
    },
    answered(_call, _pass, value) {
      const held = settings.release?.(value)
      if (isPromiseLike(held)) held.then(leave, leave)
      else leave()
      return value
    },
    failed(call) {
      call.afterWork(leave)
      return GOES_ON
    },
  }
  const slot = (): Slot => {
    let held = true
    return {
      release() {
        if (!held) return
        held = false
        leave()
      },
    }
  }
  return Object.defineProperties(
    Object.assign(
      policy('bulkhead', name, step, () => ({ kind: 'bulkhead', name, options: { ...settings, queueCapacity: capacity() } })),
      {
        on: events.on.bind(events),
        tryAcquire(): Slot | undefined {
          if (enter()) return slot()
          if (events.listening > 0) events.emit('rejected', { running: running(), waiting: slots.waiting })
          return undefined
        },
        async acquire(o: { signal?: AbortSignal } = {}): Promise<Slot> {
          o.signal?.throwIfAborted()
          if (enter()) return slot()
          await queue(listener => {
            const { signal } = o
            if (signal === undefined) return () => {}
            const heard = () => listener(signal.reason)
            signal.addEventListener('abort', heard, { once: true })
            return () => signal.removeEventListener('abort', heard)
          })
          return slot()
        },
        update(changed: BulkheadOptions) {
          given = { ...given, ...changed }
          settings = readOptions(bulkheadFields, given, 'bulkhead')
          slots.max = settings.maxConcurrentCalls
          slots.capacity = capacity()
          for (let next = slots.admit(); next !== undefined; next = slots.admit()) next.admit()
        },
      },
    ),
    {
      metrics: {
        get: () => ({ availableConcurrentCalls: slots.available, maxAllowedConcurrentCalls: slots.max, queueDepth: slots.waiting }),
        enumerable: true,
      },
    },
  ) as unknown as Bulkhead
}
