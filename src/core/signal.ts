/** The platform's AbortSignal, in types that hold where neither the DOM's nor Node's are loaded. */

/** What is used of an AbortSignal. */
export interface AbortSignalLike {
  readonly aborted: boolean
  readonly reason: any
  addEventListener(type: 'abort', listener: () => void, options?: any): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** `AbortSignal`, or what we use of it. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } } ? S : AbortSignalLike
