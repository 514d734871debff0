/**
 * What time it is, and what shall happen later. Everything that decides reads `now`; `wall` only dates things for people and other
 * processes. This folder alone touches the machine's clocks and timers, so the rest runs the same on a virtual clock.
 */
import { makeSystemClock } from './system-clock.ts'
import type { Alarm, Ring, Timer } from './timers.ts'

export type { Alarm, Ring, Timer }

export interface ScheduleOptions {
  /** `true`: an unfinished call waits for this, so the process must not end before it. Default `false`: background work. */
  keepAlive?: boolean
}

/** For timers that an unfinished call waits on. One object for all, since they are made for each call. */
export const KEEP_ALIVE: ScheduleOptions = { keepAlive: true }

export interface Clock {
  /** Monotonic time in milliseconds since an arbitrary zero, with fractions. Never steps back. */
  now(): number
  /** Milliseconds since the epoch. It may jump: for dates only, never for decisions. */
  wall(): number
  /**
   * Runs `callback` once, `delay` milliseconds from now (never earlier; at once is 0). `now`: the time, when the caller has just read it.
   */
  schedule(delay: number, callback: () => void, options?: ScheduleOptions, now?: number): Timer
  /** The same for an alarm, without a further object. A clock need not have it: see `setAlarm`. */
  set?(alarm: Alarm, delay: number, now: number): void
}

/** Sets an alarm `delay` ms after `now` by whatever clock. A timer, if it gives one, is what cancels it; otherwise its ring does. */
export function setAlarm(clock: Clock, alarm: Alarm, delay: number, now: number): Timer | undefined {
  if (clock.set === undefined) return clock.schedule(delay, () => alarm.due(), alarm.keepsAlive ? KEEP_ALIVE : undefined, now)
  clock.set(alarm, delay, now)
  return undefined
}

/**
 * The clock of this machine. All its timers share one timer of the runtime, as long as that is the runtime's own: see system-clock.ts.
 */
export const systemClock: Clock = /* @__PURE__ */ makeSystemClock()
