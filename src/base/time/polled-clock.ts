/**
 * Time in workers that serve requests. A timer ends there with the request that set it, and none can be set outside of one. What a call
 * waits for is set in its own request; what happens in the background happens when some request reads the clock.
 */
import { runInMicrotask } from './event-loop.ts'

/** Whether this runtime is one of those: Cloudflare's and Vercel's are. */
export function endsWithRequests(): boolean {
  const { navigator, EdgeRuntime } = globalThis as { navigator?: { userAgent?: string }; EdgeRuntime?: unknown }
  return navigator?.userAgent === 'Cloudflare-Workers' || typeof EdgeRuntime === 'string'
}

export interface PolledClock {
  now(): number
  /** Runs something when the clock is read, `delay` ms from now or later. It takes the place of what waited before. */
  poll(delay: number, run: () => void): undefined
}

/** A clock that begins with the first request: until then such runtimes show 0. */
export function polledClock(read: () => number): PolledClock {
  let origin = 0
  let due = Infinity
  let waiting: () => void
  const now = () => {
    const time = read()
    if (origin === 0) origin = time
    if (time - origin >= due) {
      due = Infinity
      runInMicrotask(waiting)
    }
    return time - origin
  }
  return {
    now,
    poll(delay, run) {
      due = now() + delay
      waiting = run
      return undefined
    },
  }
}
