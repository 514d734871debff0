/**
 * A timer of the runtime for each alarm: where one timer cannot serve all. A test that fakes the timers counts, clears and runs them one
 * by one; and in a worker that serves requests a timer ends with the request that set it.
 */
import { type Alarm, type Handle, LONGEST_DELAY, type Ring, type TimerQueue } from './timers.ts'

/** A `setTimeout`, and the `clearTimeout` that belongs to it. Both are called by themselves. */
export type TimerFunctions = readonly [set: (run: () => void, delay: number) => unknown, clear: (handle: any) => void]

/** Those that are global now. */
export const globalTimers = (): TimerFunctions => [setTimeout, clearTimeout]

export interface SeparateTimers extends TimerQueue {
  /** Sets what is still pending with other functions, with the time it has left. It keeps no process alive then. */
  rescue(now: number, functions: TimerFunctions): void
}

/**
 * Timers set with the functions that are global at that moment. `remembers`: whether what is set now may have to be rescued.
 * `fired` hears when such an alarm was due, before it rings.
 */
export function separateTimers(remembers: () => boolean, fired: (due: number) => void): SeparateTimers {
  const pending = new Map<Ring, (now: number, functions: TimerFunctions) => void>()

  const set = (alarm: Alarm, delay: number, now: number): void => {
    const due = now + Math.max(0, Math.ceil(delay))
    let clear: () => void
    const end = () => {
      alarm.ring = undefined
      return pending.delete(ring)
    }
    const ring: Ring = {
      remove() {
        end()
        clear()
      },
    }
    const arm = (left: number, functions: TimerFunctions, keepsAlive: boolean): void => {
      const [start, stop] = functions
      const part = Math.min(left, LONGEST_DELAY)
      const handle = start(() => {
        if (left > part) return arm(left - part, functions, keepsAlive)
        if (end()) fired(due)
        alarm.due()
      }, part) as Handle
      if (!keepsAlive && typeof handle === 'object') handle.unref?.()
      clear = () => stop(handle)
    }
    alarm.ring = ring
    if (remembers())
      pending.set(ring, (then, functions) => {
        clear()
        pending.delete(ring)
        arm(Math.max(0, due - then), functions, false)
      })
    arm(due - now, globalTimers(), alarm.keepsAlive)
  }

  return {
    set,
    rescue(now, functions) {
      for (const [, rescue] of pending) rescue(now, functions)
    },
  }
}
