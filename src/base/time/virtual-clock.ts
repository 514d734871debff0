/** Time that passes only when told to: for tests, replays and simulations. */
import type { Clock, ScheduleOptions, Timer } from './clock.ts'
import { nextTurn } from './slices.ts'

export interface VirtualClock extends Clock {
  /** Lets `ms` pass. Timers that fall due run in order (ties: creation order), each with the clock standing at its own time. */
  advance(ms: number): void
  /** Like `advance`, and lets promises settle after each timer, so that what they schedule takes part. */
  advanceAsync(ms: number): Promise<void>
  /** How many timers wait. */
  readonly pending: number
  /** Moves the wall clock only, as an operator or NTP would. */
  setWall(epochMs: number): void
}

/**
 * A clock that stands at `startMs` until it is advanced. `wall()` begins at the same figure.
 *
 * @example
 * const clock = virtualClock()
 * const breaker = circuitBreaker({ waitDurationInOpenState: '60s', automaticTransitionFromOpenToHalfOpenEnabled: true }, { clock })
 * breaker.open()
 * clock.advance(60_001)
 * console.log(breaker.state) // => HALF_OPEN
 */
export function virtualClock(startMs = 0): VirtualClock {
  let now = startMs
  let wallOffset = 0
  let order = 0
  const waiting: { due: number; order: number; run: () => void }[] = []

  const earliestUntil = (limit: number) => {
    let best = -1
    for (let i = 0; i < waiting.length; i++) {
      const w = waiting[i]!
      const b = waiting[best]
      if (w.due <= limit && (b === undefined || w.due < b.due || (w.due === b.due && w.order < b.order))) best = i
    }
    return best < 0 ? undefined : waiting.splice(best, 1)[0]
  }

  return {
    now: () => now,
    wall: () => now + wallOffset,
    setWall(epochMs) {
      wallOffset = epochMs - now
    },
    get pending() {
      return waiting.length
    },
    schedule(delay: number, callback: () => void, _options?: ScheduleOptions): Timer {
      const entry = { due: now + (delay > 0 ? delay : 0), order: order++, run: callback }
      waiting.push(entry)
      return {
        cancel() {
          const at = waiting.indexOf(entry)
          if (at >= 0) waiting.splice(at, 1)
        },
      }
    },
    advance(ms) {
      const end = now + ms
      for (let timer = earliestUntil(end); timer !== undefined; timer = earliestUntil(end)) {
        if (timer.due > now) now = timer.due
        timer.run()
      }
      now = end
    },
    async advanceAsync(ms) {
      const end = now + ms
      await nextTurn()
      for (let timer = earliestUntil(end); timer !== undefined; timer = earliestUntil(end)) {
        if (timer.due > now) now = timer.due
        timer.run()
        await nextTurn()
      }
      now = end
      await nextTurn()
    },
  }
}
