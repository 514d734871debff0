/**
 * One call on its way through policies: who asked, which try this is, when it must be over, where it goes. One object of fixed shape.
 * Its signal is made only when somebody touches it, and it is the call's own: aborting it never reaches a sibling or the caller.
 */

import type { Clock } from '../base/time/clock.ts'
import type { Signal } from './signal.ts'

/** What the work sees of its call. */
export interface CallView {
  /** Aborted when the caller aborts or a policy gives this call up. Made on first touch. */
  readonly signal: Signal
  /** 1 for the first try, 2 for the first retry. */
  readonly attempt: number
  /** When the call must be over, on the clock's monotonic scale in ms; `Infinity` when nothing bounds it. */
  readonly deadline: number
  /** Where a `weightedRouter` further out sends it; `undefined` without one. */
  readonly destination?: any
  /** The endpoint that an `upstream` further out has chosen; `undefined` without one. */
  readonly endpoint?: any
}

/** What the caller may say about a call. */
export interface CallOptions {
  /** Aborts the call: what runs is told, what waits is taken off its queue. */
  signal?: Signal | undefined
  /** Must be over by then (monotonic ms of the clock in use). */
  deadline?: number | undefined
  /** The host this call goes to, for `keyed` and for logs. */
  host?: string | undefined
  /** HTTP method, for policies that look at idempotency. */
  method?: string | undefined
  /** Lower number is more important; for priority queues and load shedding. Default 0. */
  priority?: number | undefined
  /** How much of a limit the call takes. Default 1. */
  weight?: number | undefined
  /** Anything the caller wants policies' hooks to see. */
  context?: unknown
}

export class Call implements CallView {
  readonly parent: Call | undefined
  attempt: number
  deadline: number
  host: string | undefined
  method: string | undefined
  destination: unknown
  endpoint: unknown
  /** Endpoints that earlier tries went to and that this one shall avoid. */
  tried: readonly unknown[] | undefined
  priority: number
  weight: number
  context: unknown
  /** The work at the innermost place, with its arguments and `this`, when the call came through `wrap` or `execute`. */
  work: ((...args: any[]) => unknown) | undefined
  args: readonly unknown[] | undefined
  self: unknown
  /**
   * How many policies that may call again it has passed so far. An abort says how many it stands inside of, so that such a policy can tell
   * an abort of the whole call from the abort of one of its tries.
   */
  level: number
  #callerSignal: Signal | undefined
  #controller: AbortController | undefined
  #aborted = false
  #reason: unknown
  #abortLevel = Infinity
  #latest: Call | undefined
  #children: Set<Call> | undefined
  #unlisten: (() => void) | undefined
  #listeners: Set<(reason: unknown) => void> | undefined
  #done = false
  /** The call that the user made: it knows what of it still runs. */
  readonly #root: Call
  #clock: Clock | undefined
  #at = 0
  /** The call or try that this one was made from. */
  readonly #like: Call | undefined
  /** Work of this call and of what was made from it that runs on; each with what waits for its end. */
  #left: Set<(() => void)[]> | undefined

  constructor(options: CallOptions | undefined, like?: Call, parent?: Call) {
    this.parent = parent
    this.#root = like === undefined ? this : like.#root
    this.#like = like
    if (like === undefined) {
      this.attempt = 1
      this.deadline = options?.deadline ?? Infinity
      this.host = options?.host
      this.method = options?.method
      this.destination = undefined
      this.endpoint = undefined
      this.tried = undefined
      this.level = 0
      this.priority = options?.priority ?? 0
      this.weight = options?.weight ?? 1
      this.context = options?.context
      this.work = undefined
      this.args = undefined
      this.self = undefined
      this.#callerSignal = options?.signal ?? undefined
    } else {
      this.attempt = like.attempt
      this.deadline = like.deadline
      this.host = like.host
      this.method = like.method
      this.destination = like.destination
      this.endpoint = like.endpoint
      this.tried = like.tried
      this.level = like.level
      this.priority = like.priority
      this.weight = like.weight
      this.context = like.context
      this.work = like.work
      this.args = like.args
      this.self = like.self
      this.#callerSignal = parent === undefined ? like.#callerSignal : undefined
    }
  }

  /** A part of this call that can be given up on its own, such as a hedge. */
  child(): Call {
    return new Call(undefined, this, this)
  }

  /** The next try of this call: bound to the same caller, but not to what happened to this try. An abort of this one reaches it. */
  again(): Call {
    const next = new Call(undefined, this, this.parent)
    next.attempt = this.attempt + 1
    this.#latest = next
    return next
  }

  /** The same call, bound to no caller: for work that more than one caller waits for. It has no deadline. */
  detached(): Call {
    const { host, method, priority, weight, context } = this
    const own = new Call({ host, method, priority, weight, context })
    own.destination = this.destination
    own.work = this.work
    own.args = this.args
    own.self = this.self
    own.level = this.level
    return own
  }

  /** The time at which the call is let in, read once for all steps that let it in together. */
  admittedAt(clock: Clock): number {
    if (this.#clock !== clock) {
      this.#clock = clock
      this.#at = clock.now()
    }
    return this.#at
  }

  /** The call had to wait: steps further in must look at the clock again. */
  waited(): void {
    this.#clock = undefined
  }

  /** The call that the user made, of which this one is a part or a try. */
  get root(): Call {
    return this.#root
  }

  /** Work of this call runs on though nobody waits for it any more. Call what this gives when it has ended. */
  leftRunning(): () => void {
    const waiting: (() => void)[] = []
    for (let call: Call | undefined = this; call !== undefined; call = call.#like) (call.#left ??= new Set()).add(waiting)
    return () => {
      for (let call: Call | undefined = this; call !== undefined; call = call.#like) call.#left!.delete(waiting)
      for (const then of waiting) then()
    }
  }

  /** Runs `then` when nothing that was left running so far runs any more: at once, unless there is such work. A later try leaves its own. */
  afterWork(then: () => void): void {
    const left = this.#left
    if (left === undefined || left.size === 0) return then()
    let running = left.size
    const ended = () => {
      if (--running === 0) then()
    }
    for (const waiting of left) waiting.push(ended)
  }

  get signal(): Signal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.aborted) this.#controller.abort(this.reason)
      else this.#watch()
    }
    return this.#controller.signal
  }

  /** Whether this call, or one it is part of, was aborted. Costs no signal. */
  get aborted(): boolean {
    if (this.#aborted) return true
    if (this.#done) return false
    if (this.parent !== undefined) return this.parent.aborted
    return this.#callerSignal?.aborted === true
  }

  /** Why it was aborted; the caller's own reason is passed on as it is. */
  get reason(): unknown {
    if (this.#aborted) return this.#reason
    return this.parent !== undefined ? this.parent.reason : this.#callerSignal?.reason
  }

  /** Whether the caller itself, not a policy, gave up. */
  get abortedByCaller(): boolean {
    return this.parent !== undefined ? this.parent.abortedByCaller : this.#callerSignal?.aborted === true
  }

  /** Whether anybody outside may abort it: a caller's signal, or a policy that made it a part. Otherwise only steps round it can. */
  get hasCaller(): boolean {
    return this.parent !== undefined || this.#callerSignal !== undefined
  }

  /** Whether a policy at that level must not call again: the caller has gone, or what gave the call up stands outside of that policy. */
  overFor(level: number): boolean {
    return this.#abortLevel < level || this.parent?.aborted === true || this.abortedByCaller
  }

  /** Gives up this call and all its parts and later tries. `level`: how many policies that call again stand outside of who does it. */
  abort(reason: unknown, level = 0): void {
    if (level < this.#abortLevel) this.#abortLevel = level
    this.#latest?.abort(reason, level)
    if (this.#aborted || this.#done) return
    this.#aborted = true
    this.#reason = reason
    const listeners = this.#listeners
    const children = this.#children
    this.#listeners = this.#children = undefined
    this.#stopWatching()
    this.#controller?.abort(reason)
    if (listeners) for (const listener of [...listeners]) listener(reason)
    if (children) for (const child of [...children]) child.abort(reason)
  }

  /** Calls `listener` once when the call is aborted. Not for a call that is aborted already. Returns what takes it off again. */
  onAbort(listener: (reason: unknown) => void): () => void {
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    this.#watch()
    return () => {
      this.#listeners?.delete(listener)
      if (this.#listeners?.size === 0 && this.#controller === undefined && (this.#children?.size ?? 0) === 0) this.#stopWatching()
    }
  }

  /** Calls `listener` when the call is given up from outside, whatever happened to this try. Returns what takes it off again. */
  onCallerAbort(listener: (reason: unknown) => void): () => void {
    if (this.parent !== undefined) return this.parent.onAbort(listener)
    const signal = this.#callerSignal
    if (signal === undefined) return nothing
    const heard = () => listener(signal.reason)
    signal.addEventListener('abort', heard, { once: true })
    return () => signal.removeEventListener('abort', heard)
  }

  /** The call is over: nothing it registered may stay, and its signal is never aborted after a success. */
  end(): void {
    if (this.#done) return
    this.#done = true
    this.#listeners = this.#children = undefined
    this.#stopWatching()
  }

  #watch(): void {
    if (this.#unlisten !== undefined || this.#done) return
    const parent = this.parent
    if (parent !== undefined) {
      parent.#children ??= new Set()
      parent.#children.add(this)
      parent.#watch()
      this.#unlisten = () => parent.#forget(this)
    } else if (this.#callerSignal !== undefined) {
      const signal = this.#callerSignal
      const listener = () => this.abort(signal.reason)
      signal.addEventListener('abort', listener, { once: true })
      this.#unlisten = () => signal.removeEventListener('abort', listener)
    } else this.#unlisten = nothing
  }

  #forget(child: Call): void {
    if (this.#children?.delete(child) && this.#children.size === 0 && this.#controller === undefined && (this.#listeners?.size ?? 0) === 0)
      this.#stopWatching()
  }

  #stopWatching(): void {
    const unlisten = this.#unlisten
    this.#unlisten = undefined
    unlisten?.()
  }
}

function nothing(): void {}
