/** Delays and fails calls as the rolls decide: the delay first, then, when it is over, the abort by a roll of its own. */
import { type Clock, KEEP_ALIVE } from '../../base/time/clock.ts'
import { LONGEST_MS } from '../../base/time/duration.ts'
import type { Random } from '../../base/time/random.ts'
import type { Call, CallView } from '../../core/call.ts'
import { FaultInjectedError, reject } from '../../core/errors.ts'
import type { Emitter, EventNames } from '../../core/events.ts'
import { askForNumber, askHook } from '../../core/hooks.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { fires } from './kernel.ts'
import { type FaultInjectorSettings, grpcStatus } from './options.ts'

export interface FaultInjectorEvents {
  delay: { ms: number }
  abort: { error: unknown }
}
export const FAULT_INJECTOR_EVENTS: EventNames<FaultInjectorEvents> = { delay: 1, abort: 1 }

export class FaultStep implements Step<void> {
  /** Envoy's counters. */
  readonly counts = { delaysInjected: 0, abortsInjected: 0, activeFaults: 0 }
  settings: FaultInjectorSettings
  readonly #clock: Clock
  readonly #random: Random
  readonly #events: Emitter<FaultInjectorEvents>
  readonly #name: string

  constructor(settings: FaultInjectorSettings, clock: Clock, random: Random, events: Emitter<FaultInjectorEvents>, name: string) {
    this.settings = settings
    this.#clock = clock
    this.#random = random
    this.#events = events
    this.#name = name
  }

  admit(call: Call): void | Promise<void> {
    const { enabled, delay } = this.settings
    if (!enabled || !this.#meant(call)) return undefined
    if (delay === undefined || !fires(delay.percentage?.value, this.#random)) return this.#abort(call)
    const ms = this.#latency(delay)
    this.counts.delaysInjected++
    if (this.#events.listening > 0) this.#events.emit('delay', { ms })
    return this.#wait(call, ms).then(() => this.#abort(call))
  }

  answered(_call: Call, _pass: void, value: unknown): unknown {
    return value
  }

  failed(): unknown {
    return GOES_ON
  }

  #meant(call: Call): boolean {
    const { when } = this.settings
    return when === undefined || askHook(when, false, call) === true
  }

  #latency({ fixedDelay, latency }: NonNullable<FaultInjectorSettings['delay']>): number {
    return latency === undefined ? fixedDelay! : askForNumber(latency, 0, LONGEST_MS, this.#random)
  }

  /** Who switched the faults off meanwhile wants no abort either. */
  #abort(call: Call): void {
    const { abort, enabled } = this.settings
    if (!enabled || abort === undefined || !fires(abort.percentage?.value, this.#random)) return
    const error = (abort.error === undefined ? undefined : this.#errorBy(abort.error, call)) ?? this.#error(abort)
    this.counts.abortsInjected++
    if (this.#events.listening > 0) this.#events.emit('abort', { error })
    throw error
  }

  /** What the hook throws is an error as well as what it returns. */
  #errorBy(hook: (call: CallView) => unknown, call: Call): unknown {
    return askHook(() => {
      try {
        return hook(call)
      } catch (error) {
        return error
      }
    }, undefined as unknown)
  }

  #error({ httpStatus = 503, grpcStatus: grpc }: NonNullable<FaultInjectorSettings['abort']>): FaultInjectedError {
    const what = grpc === undefined ? `status ${httpStatus}` : `gRPC status ${grpc}`
    return reject(FaultInjectedError, `fault filter abort: ${what}${this.#name === '' ? '' : `, injected by ${this.#name}`}`, {
      policy: this.#name,
      status: grpc === undefined ? httpStatus : 200,
      grpcStatus: grpc === undefined ? undefined : grpcStatus(grpc),
    })
  }

  /** Waits, or fails as soon as the call is given up; leaves neither timer nor listener. */
  #wait(call: Call, ms: number): Promise<void> {
    this.counts.activeFaults++
    return new Promise((resolve, reject) => {
      const timer = this.#clock.schedule(
        ms,
        () => {
          off()
          this.counts.activeFaults--
          resolve()
        },
        KEEP_ALIVE,
      )
      const off = call.onAbort(reason => {
        timer.cancel()
        this.counts.activeFaults--
        reject(reason)
      })
    })
  }
}
