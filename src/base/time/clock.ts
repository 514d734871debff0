/**
 * What time it is, and what shall happen later. Everything that decides reads `now`; `wall` only dates things for people and other
 * processes. This folder alone touches the machine's clocks and timers, so the rest runs the same on a virtual clock.
 */
import { timerQueue } from './timers.ts'

/** Something that shall happen later. */
export interface Timer {
  /** It shall not happen after all. Harmless when it already has. */
  cancel(): void
}

export interface ScheduleOptions {
  /** `true`: an unfinished call waits for this, so the process must not end before it. Default `false`: background work. */
  keepAlive?: boolean
}

export interface Clock {
  /** Monotonic time in milliseconds since an arbitrary zero, with fractions. Never steps back. */
  now(): number
  /** Milliseconds since the epoch. It may jump: for dates only, never for decisions. */
  wall(): number
  /** Runs `callback` once, `delay` milliseconds from now (never earlier; at once is 0). */
  schedule(delay: number, callback: () => void, options?: ScheduleOptions): Timer
}

/** The clock of this machine. All its timers share one timer of the runtime. */
export const systemClock: Clock = /* @__PURE__ */ makeSystemClock()

function makeSystemClock(): Clock {
  const now = performance.now.bind(performance)
  const queue = timerQueue(now, (delay, run) => setTimeout(run, delay), clearTimeout)
  return {
    now,
    wall: Date.now,
    schedule: (delay, callback, options) => queue.add(delay, callback, options?.keepAlive === true),
  }
}
