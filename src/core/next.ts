/** The rest of a call, as whoever stands in front of it sees it. */
import type { Call } from './call.ts'

/** The rest of the call. */
export type Next<R = any> = (call: Call) => R | PromiseLike<R>

export function isPromiseLike<R>(value: R | PromiseLike<R>): value is PromiseLike<R> {
  return value !== null && typeof value === 'object' && typeof (value as PromiseLike<R>).then === 'function'
}
