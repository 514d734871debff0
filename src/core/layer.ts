/**
 * The one shape of everything that stands around a call. A chain is linked once and called often: a layer is a plain function that has
 * already been given what stands behind it, and it makes a promise only when what stands behind it made one.
 */
import type { Call } from './call.ts'

/** The rest of the call. */
export type Next<R = any> = (call: Call) => R | PromiseLike<R>

/** A policy's place in a chain: given the rest once, at link time. */
export type Layer = (next: Next) => Next

/** Runs the rest of the call and reports its end exactly once: the value when it answered, the error when it threw or rejected. */
export function settle<R>(next: Next<R>, call: Call, answered: (value: R) => void, failed: (error: unknown) => void): R | PromiseLike<R> {
  let result: R | PromiseLike<R>
  try {
    result = next(call)
  } catch (error) {
    failed(error)
    throw error
  }
  if (!isPromiseLike(result)) {
    answered(result)
    return result
  }
  return result.then(
    value => {
      answered(value)
      return value
    },
    error => {
      failed(error)
      throw error
    },
  )
}

export function isPromiseLike<R>(value: R | PromiseLike<R>): value is PromiseLike<R> {
  return value !== null && typeof value === 'object' && typeof (value as PromiseLike<R>).then === 'function'
}
