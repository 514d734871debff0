/** The rest of a call, as whoever stands in front of it sees it. */
import type { Call } from './call.ts'

/** The rest of the call. */
export type Next<R = any> = (call: Call) => R | PromiseLike<R>

export function isPromiseLike<R>(value: R | PromiseLike<R>): value is PromiseLike<R> {
  return value !== null && typeof value === 'object' && typeof (value as PromiseLike<R>).then === 'function'
}

/**
 * A failure that is handed on without a throw: to throw takes about a microsecond, many times what policies cost. Whoever does not know it
 * sees something like a promise that rejects.
 */
export class Failure implements PromiseLike<never> {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }

  then<A = never, B = never>(
    _answered?: ((value: never) => A | PromiseLike<A>) | null,
    failed?: ((error: any) => B | PromiseLike<B>) | null,
  ): Promise<B> {
    return failed ? Promise.resolve().then(() => failed(this.error)) : Promise.reject(this.error)
  }
}
