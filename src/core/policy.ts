/**
 * What a user composes. A policy stands around calls; it sees results (`Sees`: what its hooks accept) and may answer itself (`Adds`).
 * Every factory makes its policy with `policy()`, so that `execute`, `wrap` and linking mean the same everywhere.
 */
import { Call, type CallOptions, type CallView } from './call.ts'
import type { Description } from './description.ts'
import { report } from './events.ts'
import { type Layer, link, type Part } from './layer.ts'
import { Failure, isPromiseLike, type Next } from './next.ts'
import { signalIssue } from './signal.ts'
import { passSteps } from './step.ts'
import type { Surprise } from './surprises/index.ts'

export type { Description }

/** `T`, or what a policy may answer instead. */
export type Join<T, A> = [A] extends [T] ? T : T | A

/** A wrapped function: the same parameters and `this`; a fallback's answer joins its result. */
export type Wrapped<F extends (this: any, ...a: any[]) => any, A> = [A] extends [never]
  ? Promise<any> extends ReturnType<F>
    ? F
    : Rebuilt<F, A>
  : Rebuilt<F, A>
type Rebuilt<F extends (this: any, ...a: any[]) => any, A> = (
  this: ThisParameterType<F>,
  ...a: Parameters<F>
) => Promise<Join<Awaited<ReturnType<F>>, A>>

export interface Policy<in Sees = unknown, out Adds = never> {
  /** Kind of policy, e.g. `circuitBreaker`. */
  readonly kind: string
  /** The name given by the user; `''` when none. */
  readonly name: string
  /** Runs `fn` under the policy. Rejects with what the policy or `fn` throws. */
  execute<T extends Sees>(fn: (call: CallView) => T | PromiseLike<T>, options?: CallOptions): Promise<Join<T, Adds>>
  /** The same function under the policy: parameters and `this` are kept. */
  wrap<F extends (this: any, ...a: any[]) => Sees | PromiseLike<Sees>>(fn: F): Wrapped<F, Adds>
  /** What stands here with which settings, outermost first, one line per policy; with warnings about orders that surprise. */
  describe(): Description
  /** What the policy puts into a chain, outermost first. For authors of policies. */
  readonly parts: readonly Part[]
  /** Stands round the rest of a call. For authors of policies. */
  readonly layer: Layer
  /** What surprises about its place among others. For authors of policies. */
  readonly surprises?: readonly Surprise[] | undefined
  /** Only for the type system, which cannot read `Sees` and `Adds` back from the methods of a narrower interface. */
  readonly '~types'?: { sees(value: Sees): void; adds(): Adds }
}

/** Any policy, whatever it sees or adds. */
export type AnyPolicy = Policy<never, unknown>

/** What the hooks of a policy accept. */
export type SeesOf<P> = P extends { readonly '~types'?: { sees(value: infer S): void } } ? S : never
/** What a policy may answer instead. */
export type AddsOf<P> = P extends { readonly '~types'?: { adds(): infer A } } ? A : never

/**
 * Runs the work that a call carries, at the innermost place of a chain. What is only like a promise becomes one, so that it settles once
 * and its `then` may do as it likes: every step is told of one end.
 */
export const runWork: Next = call => {
  const { work, args } = call
  const result =
    args === undefined ? work!(call) : call.bound ? work!.call(call.self, call, ...args) : work!.apply(call.self, args as unknown[])
  return result instanceof Promise || !isPromiseLike(result) ? result : Promise.resolve(result)
}

/** Parts with the methods of a policy. A class, so that ten thousand policies do not have ten thousand copies of each method. */
export class LinkedPolicy<Sees = unknown, Adds = never> implements Policy<Sees, Adds> {
  readonly kind: string
  readonly name: string
  readonly parts: readonly Part[]
  readonly #run: Next
  readonly #options: () => object
  readonly #surprises: readonly Surprise[]

  /** `options`: its settings after defaults. */
  constructor(kind: string, name: string, part: Part | readonly Part[], options: () => object, surprises: readonly Surprise[] = []) {
    this.kind = kind
    this.name = name
    this.parts = Array.isArray(part) ? (part as readonly Part[]) : [part as Part]
    this.#surprises = surprises
    this.#run = link(this.parts, runWork, passSteps)
    this.#options = options
  }

  get surprises(): readonly Surprise[] {
    return this.#surprises
  }

  layer(next: Next): Next {
    return link(this.parts, next)
  }

  describe(): Description {
    return { kind: this.kind, name: this.name, options: { ...this.#options() } }
  }

  execute(fn: any, options?: CallOptions): Promise<any> {
    if (typeof fn !== 'function') return Promise.reject(noWork('execute', fn))
    const issue = signalIssue(options, 'execute')
    if (issue !== undefined) return Promise.reject(issue)
    const call = new Call(options ?? undefined)
    call.work = fn
    return start(call, this.#run, options?.signal != null)
  }

  wrap(fn: any): any {
    if (typeof fn !== 'function') throw noWork('wrap', fn)
    const run = this.#run
    return function wrapped(this: unknown, ...args: unknown[]) {
      const call = new Call(undefined)
      const bound = fn[BOUND]
      call.work = bound ?? fn
      call.args = args
      call.self = this
      call.bound = bound !== undefined
      return start(call, run, false)
    }
  }
}

function noWork(method: string, given: unknown): TypeError {
  const what = isPromiseLike(given)
    ? 'a promise, whose work has begun already,'
    : typeof given === 'string'
      ? JSON.stringify(given)
      : String(given)
  return new TypeError(
    `${method}: ${what} is not a function; give the function that makes the call, e.g. call => fetch(url, { signal: call.signal })`,
  )
}

/** Throws when something is no policy. `where` begins the message. */
export function needPolicy(given: unknown, where: string): void {
  if (typeof (given as AnyPolicy | undefined)?.execute === 'function' && Array.isArray((given as AnyPolicy).parts)) return
  if (isPromiseLike(given)) Promise.resolve(given).then(undefined, report)
  const what = typeof given === 'function' ? 'a function' : Array.isArray(given) ? 'a list' : String(given)
  throw new TypeError(`${where}: ${what} is no policy, such as retry() or pipeline(retry(), circuitBreaker())`)
}

/** Gives parts the methods of a policy. */
export function policy<Sees = unknown, Adds = never>(
  kind: string,
  name: string,
  part: Part | readonly Part[],
  options: () => object,
  surprises?: readonly Surprise[],
): Policy<Sees, Adds> {
  return new LinkedPolicy<Sees, Adds>(kind, name, part, options, surprises)
}

const BOUND: unique symbol = Symbol.for('meshless.bound') as any

/**
 * For a function that wants the call: `wrap(bind((call, id) => …))` is a function of `id`. Called outside `wrap`, it runs ungoverned.
 *
 * @example
 * const load = timeLimiter().wrap(bind((call, path) => fetch(`http://reviews:9080/${path}`, { signal: call.signal })))
 * const response = await load('reviews/1')
 * console.log(response.status) // => 200
 */
export function bind<A extends unknown[], R>(fn: (call: CallView, ...args: A) => R | PromiseLike<R>): (...args: A) => Promise<R> {
  const direct = async (...args: A): Promise<R> => await fn(new Call(undefined), ...args)
  return Object.assign(direct, { [BOUND]: fn })
}

/** A function with its `this` and arguments as the work of a call; one made by `bind` gets the call. */
export function workOf(fn: any, self: unknown, args: readonly unknown[]): (call: CallView) => unknown {
  const bound = fn[BOUND]
  return bound === undefined ? () => fn.apply(self, args) : call => bound.call(self, call, ...args)
}

/** Runs a linked chain. A call that listens to its caller's signal stops listening when it is over. */
function start(call: Call, run: Next, listens: boolean): Promise<unknown> {
  let result: unknown
  try {
    if (listens && call.aborted) throw call.reason
    result = run(call)
  } catch (error) {
    if (listens) call.end()
    return Promise.reject(error)
  }
  if (!isPromiseLike(result)) {
    if (listens) call.end()
    return Promise.resolve(result)
  }
  if (result instanceof Failure) {
    if (listens) call.end()
    return Promise.reject(result.error)
  }
  return listens ? heard(call, result) : result instanceof Promise ? result : Promise.resolve(result)
}

/** The result, or the caller's own abort as soon as it comes, whether the work heeds it or not. The call ends with the work. */
function heard(call: Call, result: PromiseLike<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const off = call.onCallerAbort(reject)
    result.then(
      value => {
        off()
        call.end()
        resolve(value)
      },
      error => {
        off()
        call.end()
        reject(error)
      },
    )
  })
}
