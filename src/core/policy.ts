/**
 * What a user composes. A policy stands around calls; it sees results (`Sees`: what its hooks accept) and may answer itself (`Adds`).
 * Every factory makes its policy with `policy()`, so that `execute`, `wrap` and linking mean the same everywhere.
 */
import { Call, type CallOptions, type CallView } from './call.ts'
import { isPromiseLike, type Layer, type Next } from './layer.ts'

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
  /** How the policy is linked into a chain. For authors of policies. */
  readonly layer: Layer
}

/** Any policy, whatever it sees or adds. */
export type AnyPolicy = Policy<never, unknown>

/** What a policy says of itself. */
export interface Description {
  readonly kind: string
  readonly name: string
  /** Its settings after defaults. */
  readonly options: Readonly<Record<string, unknown>>
  /** Policies inside it, outermost first. */
  readonly inner?: readonly Description[]
  /** Orders and settings that surely surprise. */
  readonly warnings?: readonly string[]
}

/** Runs the work that a call carries, at the innermost place of a chain. */
export const runWork: Next = call => (call.args === undefined ? call.work!(call) : call.work!.apply(call.self, [...call.args]))

/** The parts that all policies share, over a layer. */
export interface PolicyCore<Sees, Adds> {
  readonly kind: string
  readonly name: string
  readonly layer: Layer
  describe(): Description
  execute<T extends Sees>(fn: (call: CallView) => T | PromiseLike<T>, options?: CallOptions): Promise<Join<T, Adds>>
  wrap<F extends (this: any, ...a: any[]) => Sees | PromiseLike<Sees>>(fn: F): Wrapped<F, Adds>
}

/** Gives a layer the methods of a policy. */
export function policy<Sees = unknown, Adds = never>(
  kind: string,
  name: string,
  layer: Layer,
  describe: () => Description,
): PolicyCore<Sees, Adds> {
  const run = layer(runWork)
  return {
    kind,
    name,
    layer,
    describe,
    execute(fn: any, options?: CallOptions): Promise<any> {
      const call = new Call(undefined, options)
      call.work = fn
      return finish(call, run)
    },
    wrap(fn: any): any {
      return function wrapped(this: unknown, ...args: unknown[]) {
        const call = new Call(undefined, undefined)
        const bound = fn[BOUND]
        if (bound === undefined) {
          call.work = fn
          call.args = args
          call.self = this
        } else call.work = (current: CallView) => bound.call(this, current, ...args)
        return finish(call, run)
      }
    },
  }
}

const BOUND: unique symbol = Symbol.for('meshless.bound') as any

/** For a function that wants the call: `wrap(bind((call, id) => …))` is a function of `id`. Called outside `wrap`, it runs ungoverned. */
export function bind<A extends unknown[], R>(fn: (call: CallView, ...args: A) => R | PromiseLike<R>): (...args: A) => Promise<R> {
  const direct = async (...args: A): Promise<R> => await fn(new Call(undefined, undefined), ...args)
  return Object.assign(direct, { [BOUND]: fn })
}

/** Runs a linked chain and makes sure the call leaves nothing behind. */
function finish(call: Call, run: Next): Promise<unknown> {
  let result: unknown
  try {
    if (call.aborted) throw call.reason
    result = run(call)
  } catch (error) {
    call.end()
    return Promise.reject(error)
  }
  if (!isPromiseLike(result)) {
    call.end()
    return Promise.resolve(result)
  }
  return result.then(
    value => {
      call.end()
      return value
    },
    error => {
      call.end()
      throw error
    },
  ) as Promise<unknown>
}
