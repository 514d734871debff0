/** Waiting for background work. It keeps no process alive by itself; who waits for it must. */
import { type Clock, KEEP_ALIVE, type Timer } from './clock.ts'

const HOUR = 3_600_000

/** The same promise; until it has settled the process does not end. */
export function waitFor<T>(work: PromiseLike<T>, clock: Clock): Promise<T> {
  let timer: Timer
  const hold = () => {
    timer = clock.schedule(HOUR, hold, KEEP_ALIVE)
  }
  hold()
  return Promise.resolve(work).finally(() => timer.cancel())
}
