/**
 * Starts another try beside a slow one, takes the first good answer, and lets the losers go: they are told by their signal, nobody waits for
 * them, and what they hold is given back when they have really ended.
 */
import { type Clock, KEEP_ALIVE, type Timer } from '../../base/time/clock.ts'
import type { Call } from '../../core/call.ts'
import { HedgeLostError, reject } from '../../core/errors.ts'
import type { Emitter, EventNames } from '../../core/events.ts'
import { askHook } from '../../core/hooks.ts'
import type { Layer } from '../../core/layer.ts'
import { isPromiseLike, type Next } from '../../core/next.ts'
import type { Budget } from '../retry/budget.ts'
import { cancelBody } from '../retry/http-outcome.ts'
import { QuantileDelay, type QuantileSettings, Race } from './kernel.ts'
import type { HedgeSettings } from './options.ts'

export interface HedgeEvents {
  /** Another try was started, `afterMs` after the first; `attempt`: its number. */
  hedge: { attempt: number; afterMs: number }
  /** A call that was hedged ended well by this try. */
  success: { attempt: number; hedged: boolean }
  /** Every try of a hedged call failed; the call ends as the first one did. */
  error: { attempts: number; error: unknown }
  /** The budget allowed no hedge. */
  budgetExhausted: { attempt: number }
}
export const HEDGE_EVENTS: EventNames<HedgeEvents> = { hedge: 1, success: 1, error: 1, budgetExhausted: 1 }

export class Hedging {
  readonly counts = { calls: 0, hedgedCalls: 0, hedges: 0, wonByHedge: 0, failedCalls: 0, refused: 0 }
  readonly clock: Clock
  readonly events: Emitter<HedgeEvents>
  settings!: HedgeSettings
  #delay!: number | QuantileDelay

  constructor(settings: HedgeSettings, clock: Clock, events: Emitter<HedgeEvents>) {
    this.clock = clock
    this.events = events
    this.update(settings)
  }

  /** New options; what was timed stays when the delay is said in the same way. */
  update(settings: HedgeSettings): void {
    const { delay } = settings
    if (typeof delay === 'number') this.#delay = delay
    else if (!(this.#delay instanceof QuantileDelay) || JSON.stringify(this.#delay.settings) !== JSON.stringify(delay))
      this.#delay = new QuantileDelay(delay as QuantileSettings, this.clock.now())
    this.settings = settings
  }

  /** ms until a try is hedged; `undefined`: not at all yet. */
  delay(now: number): number | undefined {
    return typeof this.#delay === 'number' ? this.#delay : this.#delay.delay(now)
  }

  timed(ms: number, now: number): void {
    if (typeof this.#delay !== 'number') this.#delay.record(ms, now)
  }

  /** A hook that throws is reported, and the result counts as good. */
  isBad(result: unknown): boolean {
    const { handleResult } = this.settings
    return handleResult !== undefined && askHook(handleResult, false, result) === true
  }
}

export function hedgeLayer(hedging: Hedging): Layer {
  return next => call => {
    const { settings } = hedging
    if (call.once || (call.method !== undefined && !settings.methods.has(call.method.toUpperCase()))) return next(call)
    hedging.counts.calls++
    return new HedgedCall(hedging, call, next).run()
  }
}

interface Try {
  readonly number: number
  readonly call: Call
  readonly start: number
  /** Says that its work has ended, when it was left running. */
  ended: (() => void) | undefined
}

class HedgedCall {
  readonly #hedging: Hedging
  readonly #call: Call
  readonly #next: Next
  readonly #race = new Race()
  readonly #running = new Set<Try>()
  readonly #budget: Budget | undefined
  #started = 0
  #primary: { failed: boolean; value: unknown } | undefined = undefined
  #timer: Timer | undefined = undefined
  #off: (() => void) | undefined = undefined
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void

  constructor(hedging: Hedging, call: Call, next: Next) {
    this.#hedging = hedging
    this.#call = call
    this.#next = next
    this.#budget = hedging.settings.budget?.enter(call.root) ? hedging.settings.budget : undefined
  }

  run(): unknown {
    const primary = this.#begin()
    let result: unknown
    try {
      result = this.#next(primary.call)
    } catch (error) {
      this.#endedAtOnce(primary, false)
      throw error
    }
    if (!isPromiseLike(result)) {
      this.#endedAtOnce(primary, true)
      return result
    }
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#off = this.#call.onAbort(() => this.#timer?.cancel())
      this.#follow(primary, result as PromiseLike<unknown>)
      this.#hedgeLater()
    })
  }

  #begin(): Try {
    const number = ++this.#started
    const call = this.#call.child()
    call.attempt = this.#call.attempt + number - 1
    const busy = [...this.#running].map(one => one.call.endpoint).filter(endpoint => endpoint !== undefined)
    if (busy.length > 0) call.tried = [...(this.#call.tried ?? []), ...busy]
    this.#race.start()
    const one: Try = { number, call, start: this.#hedging.clock.now(), ended: undefined }
    this.#running.add(one)
    return one
  }

  /** The first try gave no promise: there is nothing to hedge. */
  #endedAtOnce(primary: Try, good: boolean): void {
    const now = this.#hedging.clock.now()
    if (good) this.#hedging.timed(now - primary.start, now)
    else this.#hedging.counts.failedCalls++
    primary.call.end()
    this.#budget?.leave(this.#call.root)
  }

  #follow(one: Try, result: PromiseLike<unknown>): void {
    result.then(
      value => this.#ended(one, false, value),
      error => this.#ended(one, true, error),
    )
  }

  /** The wait is a promise of this call's, so that the hedge runs in its caller's async context and not in that of a timer. */
  #hedgeLater(): void {
    const { clock, settings } = this.#hedging
    const delay = this.#started > settings.maxHedgedRequests ? undefined : this.#hedging.delay(clock.now())
    if (delay === undefined || this.#race.over) return
    new Promise<void>(due => (this.#timer = clock.schedule(delay, due, KEEP_ALIVE))).then(() => this.#hedge())
  }

  #hedge(): void {
    if (this.#race.over || this.#call.aborted) return
    const { budget } = this.#hedging.settings
    const { counts, events } = this.#hedging
    if (budget !== undefined && !budget.take()) {
      counts.refused++
      if (events.listening > 0) events.emit('budgetExhausted', { attempt: this.#call.attempt + this.#started })
      return
    }
    const [first] = this.#running
    const one = this.#begin()
    if (one.number === 2) counts.hedgedCalls++
    counts.hedges++
    if (events.listening > 0) events.emit('hedge', { attempt: one.call.attempt, afterMs: one.start - (first?.start ?? one.start) })
    const giveBack = () => budget?.giveBack()
    let result: unknown
    try {
      result = this.#next(one.call)
    } catch (error) {
      result = Promise.reject(error)
    }
    const ending = isPromiseLike(result) ? result : Promise.resolve(result)
    ending.then(giveBack, giveBack)
    this.#follow(one, ending)
    this.#hedgeLater()
  }

  #ended(one: Try, failed: boolean, value: unknown): void {
    const { clock, counts, events } = this.#hedging
    this.#running.delete(one)
    if (this.#race.over) {
      this.#race.ended(false)
      cancelBody(value)
      one.call.end()
      one.ended?.()
      return
    }
    const now = clock.now()
    const good = !failed && !this.#hedging.isBad(value)
    if (good) this.#hedging.timed(now - one.start, now)
    if (one.number === 1) this.#primary = { failed, value }
    const verdict = this.#race.ended(good)
    if (verdict === 'wait') {
      if (one.number > 1) cancelBody(value)
      one.call.end()
      return
    }
    this.#finish()
    one.call.end()
    if (verdict === 'won') {
      if (one.number > 1) counts.wonByHedge++
      if (this.#primary !== undefined && one.number > 1) cancelBody(this.#primary.value)
      if (this.#started > 1 && events.listening > 0) events.emit('success', { attempt: one.call.attempt, hedged: one.number > 1 })
      return this.#resolve(value)
    }
    // All have failed: the call ends as the first try did. A hedge whose bad result is not needed must not keep its connection.
    const { failed: threw, value: outcome } = this.#primary!
    if (one.number > 1) cancelBody(value)
    counts.failedCalls++
    if (this.#started > 1 && events.listening > 0) events.emit('error', { attempts: this.#started, error: threw ? outcome : undefined })
    return threw ? this.#reject(outcome) : this.#resolve(outcome)
  }

  /** The call is over; what still runs has lost. */
  #finish(): void {
    this.#timer?.cancel()
    this.#off?.()
    this.#budget?.leave(this.#call.root)
    if (this.#running.size === 0) return
    const lost = reject(HedgeLostError, 'another try answered first')
    for (const one of this.#running) {
      one.ended = one.call.leftRunning()
      one.call.abort(lost)
    }
  }
}
