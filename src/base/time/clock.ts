/**
 * What time it is, and what shall happen later. Everything that decides reads `now`; `wall` only dates things for people and other
 * processes. This folder alone touches the machine's clocks and timers, so the rest runs the same on a virtual clock.
 */
import { type Alarm, type Ring, type Timer, timerQueue } from './timers.ts'

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

/** The clock of this machine. All its timers share one timer of the runtime. */
export const systemClock: Clock = /* @__PURE__ */ makeSystemClock()

function makeSystemClock(): Clock {
  const now = monotonic()
  const later = typeof setImmediate === 'function' ? setImmediate : undefined
  const queue = timerQueue(now, { arm: (delay, run) => setTimeout(run, delay), disarm: clearTimeout, later })
  return {
    now,
    wall: Date.now,
    schedule: (delay, callback, options, from) => queue.add(delay, callback, options?.keepAlive === true, from ?? now()),
    set: (alarm, delay, from) => queue.set(alarm, delay, from),
  }
}

/**
 * What `performance.now()` says. Node's own look at that clock takes a third less time, and a call through policies looks twice. It is kept,
 * because `process` is slow to ask for it; but who fakes the timers fakes this clock too, so it is asked again as long as they are others.
 */
function monotonic(): () => number {
  const { process } = globalThis as { process?: { hrtime?(): [seconds: number, nanoseconds: number] } }
  const hrtime = process?.hrtime
  if (typeof hrtime !== 'function') return () => performance.now() // faster than a bound one
  const timers = setTimeout
  const [seconds, nanoseconds] = hrtime()
  const zero = performance.now() - nanoseconds * 1e-6
  return () => {
    const time = setTimeout === timers ? hrtime() : process!.hrtime!()
    return (time[0] - seconds) * 1000 + time[1] * 1e-6 + zero
  }
}
