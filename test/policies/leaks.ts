/** What a test of a policy must not leave behind. */
import { getEventListeners } from 'node:events'
import { expect } from 'vitest'
import type { VirtualClock } from '../../src/base/time/virtual-clock.ts'

/** No timer waits, and nobody listens to these signals any more. */
export function expectNothingLeft(clock: VirtualClock, ...signals: AbortSignal[]): void {
  expect({ timers: clock.pending, listeners: signals.map(signal => getEventListeners(signal, 'abort').length) }).toEqual({
    timers: 0,
    listeners: signals.map(() => 0),
  })
}

/** Lets every promise that can settle do so. */
export const settled = () => new Promise<void>(resolve => setImmediate(resolve))

/** A promise that is settled from outside. */
export function deferred<T = void>(): { promise: Promise<T>; resolve(value?: T): void; reject(error: unknown): void } {
  let resolve!: (value?: T | any) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
