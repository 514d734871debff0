/**
 * One call on its way through policies: who asked, which try this is, when it must be over, where it goes. One object of fixed shape.
 * Its signal is made only when somebody touches it, and it is the call's own: aborting it never reaches a sibling or the caller.
 */

import type { Clock } from '../base/time/clock.ts'
import { type Signal, whenAborted } from './signal.ts'

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
  /** What the caller gave: `execute(fn, { context })`. */
  readonly context?: any
  /** The arguments of a wrapped function; `undefined` under `execute`. */
  readonly args?: readonly any[] | undefined
  /** The host that the caller named. */
  readonly host?: string | undefined
  /** The HTTP method that the caller named. */
  readonly method?: string | undefined
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
  /** Whether the call may be made twice, e.g. since it carries an `Idempotency-Key`. Default: by its method. */
  idempotent?: boolean | undefined
  /** The work can be done once only, e.g. since it sends a stream: no policy repeats it. Default false. */
  once?: boolean | undefined
  /** Lower number is more important; for priority queues and load shedding. Default 0. */
  priority?: number | undefined
  /** How much of a limit the call takes. Default 1. */
  weight?: number | undefined
  /** Anything the caller wants policies' hooks to see. */
  context?: unknown
}

/** What the caller said, completed. */
type Asked = Required<Omit<CallOptions, 'deadline' | 'context'>>
const NOTHING: Asked = {
  signal: undefined,
  host: undefined,
  method: undefined,
  idempotent: undefined,
  once: false,
  priority: 0,
  weight: 1,
}

/** Where a call comes from, when it is a part or a later try of another one. */
interface Kin {
  /** The call that this one is a part of: given up with it. */
  readonly parent: Call | undefined
  /** The call or try that this one was made from. */
  readonly like: Call
  /** The call that the user made: it knows what of it still runs. */
  readonly root: Call
}

/** How a call may end before its time. Most calls need none of this, so it is made when somebody listens, aborts or asks for the signal. */
class Fate {
  controller: AbortController | undefined = undefined
  aborted = false
  reason: unknown = undefined
  abortLevel = Infinity
  latest: Call | undefined = undefined
  children: Set<Call> | undefined = undefined
  unlisten: (() => void) | undefined = undefined
  listeners: Set<(reason: unknown) => void> | undefined = undefined
  done = false
  /** Work of this call and of what was made from it that runs on; each with what waits for its end. */
  left: Set<(() => void)[]> | undefined = undefined
}

/** Where a call goes, once a policy has said something about it. */
class Way {
  destination: unknown = undefined
  endpoint: unknown = undefined
  tried: readonly unknown[] | undefined = undefined
}

export class Call implements CallView {
  attempt = 1
  /**
   * How many policies that may call again it has passed so far. An abort says how many it stands inside of, so that such a policy can tell
   * an abort of the whole call from the abort of one of its tries.
   */
  level = 0
  context: any
  /** The work at the innermost place, with its arguments and `this`, when the call came through `wrap` or `execute`. */
  work: ((...args: any[]) => unknown) | undefined = undefined
  args: readonly unknown[] | undefined = undefined
  self: unknown = undefined
  /** Whether the work wants the call before its arguments. */
  bound = false
  readonly #asked: Asked
  readonly #kin: Kin | undefined
  #deadline: number | undefined
  #fate: Fate | undefined = undefined
  #way: Way | undefined = undefined
  #clock: Clock | undefined = undefined
  #at: number | undefined = undefined

  constructor(options: CallOptions | undefined, like?: Call, parent?: Call) {
    if (like === undefined) {
      this.#kin = undefined
      this.context = options?.context
      this.#deadline = options?.deadline
      this.#asked = options === undefined ? NOTHING : asked(options)
      return
    }
    this.#kin = { parent, like, root: like.root }
    this.#asked = like.#asked
    this.#deadline = like.#deadline
    this.context = like.context
    this.attempt = like.attempt
    this.level = like.level
    if (like.#way !== undefined) Object.assign(this.#going(), like.#way)
    this.work = like.work
    this.args = like.args
    this.self = like.self
    this.bound = like.bound
  }

  get deadline(): number {
    return this.#deadline ?? Infinity
  }

  /** `undefined`: nothing bounds it. */
  set deadline(at: number | undefined) {
    this.#deadline = at
  }

  get destination(): unknown {
    return this.#way?.destination
  }

  set destination(destination: unknown) {
    this.#going().destination = destination
  }

  get endpoint(): unknown {
    return this.#way?.endpoint
  }

  set endpoint(endpoint: unknown) {
    this.#going().endpoint = endpoint
  }

  /** Endpoints that earlier tries went to and that this one shall avoid. */
  get tried(): readonly unknown[] | undefined {
    return this.#way?.tried
  }

  set tried(endpoints: readonly unknown[] | undefined) {
    this.#going().tried = endpoints
  }

  get host(): string | undefined {
    return this.#asked.host
  }

  get method(): string | undefined {
    return this.#asked.method
  }

  get idempotent(): boolean | undefined {
    return this.#asked.idempotent
  }

  get once(): boolean {
    return this.#asked.once === true
  }

  get priority(): number {
    return this.#asked.priority ?? 0
  }

  get weight(): number {
    return this.#asked.weight ?? 1
  }

  get parent(): Call | undefined {
    return this.#kin?.parent
  }

  /** The call that the user made, of which this one is a part or a try. */
  get root(): Call {
    return this.#kin?.root ?? this
  }

  /** A part of this call that can be given up on its own, such as a hedge. */
  child(): Call {
    return new Call(undefined, this, this)
  }

  /** The next try of this call: bound to the same caller, but not to what happened to this try. An abort of this one reaches it. */
  again(): Call {
    const next = new Call(undefined, this, this.parent)
    next.attempt = this.attempt + 1
    this.#fated().latest = next
    return next
  }

  /** The time at which the call is let in, read once for all steps that let it in together. */
  admittedAt(clock: Clock): number {
    if (this.#clock !== clock) {
      this.#clock = clock
      this.#at = clock.now()
    }
    return this.#at!
  }

  /** The call had to wait: steps further in must look at the clock again. */
  waited(): void {
    this.#clock = undefined
  }

  /** Work of this call runs on though nobody waits for it any more. Call what this gives when it has ended. */
  leftRunning(): () => void {
    const waiting: (() => void)[] = []
    for (let call: Call | undefined = this; call !== undefined; call = call.#kin?.like) (call.#fated().left ??= new Set()).add(waiting)
    return () => {
      for (let call: Call | undefined = this; call !== undefined; call = call.#kin?.like) call.#fate!.left!.delete(waiting)
      for (const then of waiting) then()
    }
  }

  /** Runs `then` when nothing that was left running so far runs any more: at once, unless there is such work. A later try leaves its own. */
  afterWork(then: () => void): void {
    const left = this.#fate?.left
    if (left === undefined || left.size === 0) return then()
    let running = left.size
    const ended = () => {
      if (--running === 0) then()
    }
    for (const waiting of left) waiting.push(ended)
  }

  get signal(): Signal {
    const fate = this.#fated()
    if (fate.controller === undefined) {
      fate.controller = new AbortController()
      if (this.aborted) fate.controller.abort(this.reason)
      else this.#watch()
    }
    return fate.controller.signal
  }

  /** Whether this call, or one it is part of, was aborted. Costs no signal. */
  get aborted(): boolean {
    const fate = this.#fate
    if (fate !== undefined) {
      if (fate.aborted) return true
      if (fate.done) return false
    }
    return this.parent !== undefined ? this.parent.aborted : this.#callerGone
  }

  /** Why it was aborted; the caller's own reason is passed on as it is. */
  get reason(): unknown {
    if (this.#fate?.aborted === true) return this.#fate.reason
    return this.parent !== undefined ? this.parent.reason : this.#asked.signal?.reason
  }

  /** Whether the caller itself, not a policy, gave up. */
  get abortedByCaller(): boolean {
    return this.parent !== undefined ? this.parent.abortedByCaller : this.#callerGone
  }

  get #callerGone(): boolean {
    return this.#asked.signal?.aborted === true
  }

  /** Whether anybody outside may abort it: a caller's signal, or a policy that made it a part. Otherwise only steps round it can. */
  get hasCaller(): boolean {
    return this.parent !== undefined || this.#asked.signal !== undefined
  }

  /** Whether a policy at that level must not call again: the caller has gone, or what gave the call up stands outside of that policy. */
  overFor(level: number): boolean {
    return (this.#fate !== undefined && this.#fate.abortLevel < level) || this.parent?.aborted === true || this.abortedByCaller
  }

  /** Gives up this call and all its parts and later tries. `level`: how many policies that call again stand outside of who does it. */
  abort(reason: unknown, level = 0): void {
    const fate = this.#fated()
    if (level < fate.abortLevel) fate.abortLevel = level
    fate.latest?.abort(reason, level)
    if (fate.aborted || fate.done) return
    fate.aborted = true
    fate.reason = reason
    const { listeners, children } = fate
    fate.listeners = fate.children = undefined
    this.#stopWatching()
    fate.controller?.abort(reason)
    if (listeners) for (const listener of [...listeners]) listener(reason)
    if (children) for (const child of [...children]) child.abort(reason)
  }

  /** Calls `listener` once when the call is aborted. Not for a call that is aborted already. Returns what takes it off again. */
  onAbort(listener: (reason: unknown) => void): () => void {
    const fate = this.#fated()
    fate.listeners ??= new Set()
    fate.listeners.add(listener)
    this.#watch()
    return () => {
      fate.listeners?.delete(listener)
      this.#stopIfUnheard(fate)
    }
  }

  /** Calls `listener` when the call is given up from outside, whatever happened to this try. Returns what takes it off again. */
  onCallerAbort(listener: (reason: unknown) => void): () => void {
    if (this.parent !== undefined) return this.parent.onAbort(listener)
    const { signal } = this.#asked
    if (signal === undefined) return nothing
    return whenAborted(signal, () => listener(signal.reason))
  }

  /** The call is over: nothing it registered may stay, and its signal is never aborted after a success. */
  end(): void {
    const fate = this.#fated()
    if (fate.done) return
    fate.done = true
    fate.listeners = fate.children = undefined
    this.#stopWatching()
  }

  #fated(): Fate {
    return (this.#fate ??= new Fate())
  }

  #going(): Way {
    return (this.#way ??= new Way())
  }

  #watch(): void {
    const fate = this.#fated()
    if (fate.unlisten !== undefined || fate.done) return
    const { parent } = this
    const { signal } = this.#asked
    if (parent !== undefined) {
      const around = parent.#fated()
      around.children ??= new Set()
      around.children.add(this)
      parent.#watch()
      fate.unlisten = () => parent.#forget(this)
    } else if (signal !== undefined) {
      fate.unlisten = whenAborted(signal, () => this.abort(signal.reason))
    } else fate.unlisten = nothing
  }

  #forget(child: Call): void {
    const fate = this.#fated()
    if (fate.children?.delete(child)) this.#stopIfUnheard(fate)
  }

  #stopIfUnheard({ controller, listeners, children }: Fate): void {
    if (controller === undefined && (listeners?.size ?? 0) === 0 && (children?.size ?? 0) === 0) this.#stopWatching()
  }

  #stopWatching(): void {
    const fate = this.#fate
    if (fate === undefined) return
    const { unlisten } = fate
    fate.unlisten = undefined
    unlisten?.()
  }
}

function asked({ signal, host, method, idempotent, once, priority, weight }: CallOptions): Asked {
  return { signal: signal ?? undefined, host, method, idempotent, once, priority: priority ?? 0, weight: weight ?? 1 }
}

function nothing(): void {}
