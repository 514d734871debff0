/**
 * Lets a call in, or wait, or refuses it, and gives the slot back when the work has really ended: joins the kernel with a clock and its
 * listeners. On the happy path a call makes no object, timer or promise.
 */
import { type Clock, KEEP_ALIVE, type Timer } from '../../base/time/clock.ts'
import type { Call } from '../../core/call.ts'
import { BulkheadFullError, reject } from '../../core/errors.ts'
import { type Emitter, type EventNames, guarded } from '../../core/events.ts'
import { Failure, isPromiseLike } from '../../core/next.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { Slots } from './kernel.ts'
import type { Waiting } from './line.ts'
import { type BulkheadSettings, limitsOf } from './options.ts'

export interface BulkheadEvents {
  /** A call went in. `waitedMs`: how long it waited for its slot. */
  permitted: { running: number; waitedMs: number }
  /** A call was not let in: no slot and no place in the queue, waited too long, or aborted while it waited. */
  rejected: { running: number; waiting: number }
  /** A call has ended and its slot is free. */
  finished: { running: number }
  /** A slot was held for longer than `leaseDuration` and has been taken back. */
  leaseExpired: { running: number }
}
export const BULKHEAD_EVENTS: EventNames<BulkheadEvents> = { permitted: 1, rejected: 1, finished: 1, leaseExpired: 1 }

/** Tells `listener` of an abort; gives what stops it. */
type OnAbort = (listener: (reason: unknown) => void) => (() => void) | undefined

const ADMITTED = Symbol('admitted')
const TOO_LONG = Symbol('waited too long')

/** Someone in the line. */
class Waiter implements Waiting {
  readonly weight: number
  readonly priority: number
  readonly since: number
  arrival = 0
  place = -1
  timer: Timer | undefined = undefined
  unlisten: (() => void) | undefined = undefined
  /** With ADMITTED, TOO_LONG, or the reason of an abort in a box. */
  end!: (verdict: typeof ADMITTED | typeof TOO_LONG | { reason: unknown }) => void

  constructor(weight: number, priority: number, since: number) {
    this.weight = weight
    this.priority = priority
    this.since = since
  }
}

export class Gate {
  readonly slots: Slots<Waiter>
  readonly clock: Clock
  readonly events: Emitter<BulkheadEvents>
  readonly name: string
  settings: BulkheadSettings
  readonly #finishOne = () => this.leave(1, true)

  constructor(settings: BulkheadSettings, clock: Clock, events: Emitter<BulkheadEvents>, name: string) {
    this.settings = settings
    this.slots = new Slots(limitsOf(settings))
    this.clock = clock
    this.events = events
    this.name = name
  }

  /** Goes in at once, or not at all. */
  enter(weight: number, priority: number): boolean {
    if (!this.slots.enter(weight, priority)) return false
    if (this.events.listening > 0) this.events.emit('permitted', { running: this.slots.inUse, waitedMs: 0 })
    return true
  }

  /** Waits in the line. Rejects with a BulkheadFullError, at once when the line is full, or with the reason of an abort. */
  wait(weight: number, priority: number, onAbort: OnAbort): Promise<void> | Failure {
    const waiter = new Waiter(weight, priority, this.clock.now())
    if (!this.slots.queue(waiter)) return new Failure(this.refusal(weight))
    const verdict = new Promise<Parameters<Waiter['end']>[0]>(resolve => {
      waiter.end = resolve
    })
    waiter.unlisten = onAbort(reason => this.#giveUp(waiter, { reason }))
    const { maxWaitDuration } = this.settings
    if (maxWaitDuration > 0) waiter.timer = this.clock.schedule(maxWaitDuration, () => this.#giveUp(waiter, TOO_LONG), KEEP_ALIVE)
    // Whoever ends the wait, its listeners are told in the async context of the one who waited.
    return verdict.then(how => {
      if (how === TOO_LONG) throw this.refusal(weight)
      if (how === ADMITTED) {
        if (this.events.listening > 0)
          this.events.emit('permitted', { running: this.slots.inUse, waitedMs: this.clock.now() - waiter.since })
        return
      }
      this.refused()
      throw how.reason
    })
  }

  /** A slot comes back. `finished`: a call has run in it. */
  leave(weight: number, finished: boolean): void {
    this.slots.leave(weight)
    this.#handOver()
    if (finished && this.events.listening > 0) this.events.emit('finished', { running: this.slots.inUse })
  }

  /** What the one gets who is not let in. */
  refusal(weight: number): BulkheadFullError {
    const { slots, name } = this
    this.refused()
    const asked = weight === 1 ? '' : `, ${weight} slots asked`
    return reject(
      BulkheadFullError,
      `bulkhead${name === '' ? '' : ` ${name}`} is full: ${slots.inUse} of ${slots.max} slots in use, ${slots.waiting} calls wait${asked}`,
      { policy: name },
    )
  }

  update(settings: BulkheadSettings): void {
    this.settings = settings
    const misfits = this.slots.change(limitsOf(settings))
    for (const waiter of misfits) this.#dismiss(waiter, TOO_LONG)
    this.#handOver()
  }

  /** How long the one who goes next has waited, ms. */
  queueDelay(): number {
    const { first } = this.slots
    return first === undefined ? 0 : this.clock.now() - first.since
  }

  /** Frees the slot of a call when nothing of it runs any more. */
  end(call: Call, held: Held | undefined): void {
    if (held === undefined) call.afterWork(call.weight === 1 ? this.#finishOne : () => this.leave(call.weight, true))
    else if (this.settings.releaseOnAbort && call.aborted) held.succeed()
    else call.afterWork(() => held.succeed())
  }

  /** Remembers a slot that may come back in more than one way. */
  hold(call: Call): Held | undefined {
    const { releaseOnAbort, leaseDuration } = this.settings
    if (!releaseOnAbort && leaseDuration === undefined) return undefined
    return new Held(this, call.weight, releaseOnAbort ? call : undefined)
  }

  #giveUp(waiter: Waiter, verdict: typeof TOO_LONG | { reason: unknown }): void {
    if (!this.slots.giveUp(waiter)) return
    this.#dismiss(waiter, verdict)
    this.#handOver() // the first may have been too heavy for what is free, and the next is not
  }

  #handOver(): void {
    for (let waiter = this.slots.next(); waiter !== undefined; waiter = this.slots.next()) this.#dismiss(waiter, ADMITTED)
  }

  #dismiss(waiter: Waiter, verdict: Parameters<Waiter['end']>[0]): void {
    waiter.timer?.cancel()
    waiter.unlisten?.()
    waiter.end(verdict)
  }

  /** Tells that somebody was not let in. */
  refused(): void {
    if (this.events.listening > 0) this.events.emit('rejected', { running: this.slots.inUse, waiting: this.slots.waiting })
  }
}

/** A slot that is held. The first of its methods gives it back, the others do nothing. */
export interface Slot {
  /** The call in it ended well. */
  succeed(result?: unknown): void
  /** The call in it failed. */
  fail(error?: unknown): void
  /** No call was made. */
  release(): void
}

/** A slot that comes back once, whoever gives it back first: its holder, an abort, the end of its lease. */
export class Held implements Slot {
  readonly #gate: Gate
  readonly #weight: number
  readonly #lease: Timer | undefined
  readonly #unlisten: (() => void) | undefined
  #held = true

  /** `call`: its abort gives the slot back. */
  constructor(gate: Gate, weight: number, call?: Call) {
    this.#gate = gate
    this.#weight = weight
    const { leaseDuration } = gate.settings
    if (leaseDuration !== undefined) this.#lease = gate.clock.schedule(leaseDuration, () => this.#expire())
    this.#unlisten = call?.onAbort(() => this.succeed())
  }

  succeed(): void {
    this.#free(true)
  }

  fail(): void {
    this.#free(true)
  }

  release(): void {
    this.#free(false)
  }

  #free(finished: boolean): void {
    if (!this.#held) return
    this.#held = false
    this.#lease?.cancel()
    this.#unlisten?.()
    this.#gate.leave(this.#weight, finished)
  }

  #expire(): void {
    const { events, slots } = this.#gate
    this.#free(false)
    if (events.listening > 0) events.emit('leaseExpired', { running: slots.inUse })
  }
}

export function bulkheadStep(gate: Gate): Step<Held | undefined> {
  return {
    admit(call) {
      if (gate.enter(call.weight, call.priority)) return gate.hold(call)
      const wait = gate.wait(call.weight, call.priority, listener => call.onAbort(listener))
      return wait instanceof Failure ? wait : wait.then(() => gate.hold(call))
    },
    answered(call, held, value) {
      const { release } = gate.settings
      const until = release && guarded(release, value) // one that throws frees the slot at once
      if (isPromiseLike(until)) {
        const ended = () => gate.end(call, held)
        Promise.resolve(until).then(ended, ended)
      } else gate.end(call, held)
      return value
    },
    failed(call, held) {
      gate.end(call, held)
      return GOES_ON
    },
  }
}
