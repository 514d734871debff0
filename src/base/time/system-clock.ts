/**
 * The clock of this machine, also while a test fakes it. Fakes are taken as they come and go: this clock follows the one that is global,
 * never steps back, and no alarm is lost: what was set with fakes rings by the real timers when the fakes are gone.
 */
import { hasImmediates, runInNextTurn } from './event-loop.ts'
import { endsWithRequests, polledClock } from './polled-clock.ts'
import { runtimeClock } from './runtime-clock.ts'
import { globalTimers, separateTimers } from './separate-timers.ts'
import { type Alarm, Callback, type Handle, type Timer, timerQueue } from './timers.ts'

/** The runtime's own timers fire up to so many ms too early. One that fires earlier is a fake beside a clock that is none. */
const EARLY = 1

export interface SystemClock {
  now(): number
  wall(): number
  schedule(delay: number, callback: () => void, options?: { keepAlive?: boolean }, now?: number): Timer
  set(alarm: Alarm, delay: number, now: number): void
}

export function makeSystemClock(): SystemClock {
  const { own, ownTimers, isSame, replaced } = runtimeClock()
  const [ownSet, ownClear] = ownTimers ?? globalTimers()
  const real = ownTimers?.[0]
  const polled = endsWithRequests() ? polledClock(own) : undefined
  const readReal = polled?.now ?? own
  /** ms that this clock is ahead of the runtime's: what passed in tests. */
  let ahead = 0
  /** Whether the global timers are others than the runtime's. */
  let away = ownTimers === undefined
  /** The clock that is followed meanwhile. */
  let readOther = readReal
  let otherAhead = 0
  let otherPasses = true

  const now = (): number => (setTimeout === real && !away ? readReal() + ahead : elsewhere())
  const last = (): number => (away ? readOther() + otherAhead : readReal() + ahead)

  const elsewhere = (): number => {
    if (!away || !isSame()) follow()
    return last()
  }

  /** Goes over to the timers that are global now. */
  const follow = (): void => {
    const before = last()
    const other = replaced()
    away = setTimeout !== real
    if (away) {
      otherPasses = other !== undefined
      readOther = other?.[0] ?? readReal
      otherAhead = before + (other?.[1] ?? 0) - readOther()
    } else ahead = Math.max(ahead, before - readReal())
    separate.rescue(before, ownTimers ?? globalTimers())
  }

  // Alarms here have the time of the runtime, whatever tests add to it.
  const shared = timerQueue(readReal, {
    arm: polled?.poll ?? ((delay, run) => ownSet(run, delay) as Handle),
    disarm: ownClear,
    later: hasImmediates ? runInNextTurn : undefined,
  })
  const separate = separateTimers(
    () => away,
    due => {
      const early = due - now()
      if (early > EARLY && !otherPasses) otherAhead += early
    },
  )

  const set = (alarm: Alarm, delay: number, from: number): void => {
    const time = setTimeout === real && !away ? from : elsewhere()
    if (away || (polled !== undefined && alarm.keepsAlive)) separate.set(alarm, delay, time)
    else shared.set(alarm, delay, time - ahead)
  }

  return {
    now,
    wall: () => Date.now(),
    schedule(delay, callback, options, from = now()) {
      const alarm = new Callback(callback, options?.keepAlive === true)
      set(alarm, delay, from)
      return alarm
    },
    set,
  }
}
