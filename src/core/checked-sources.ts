/** Clocks and random sources of the user's, held to what they promise. */
import type { Clock } from '../base/time/clock.ts'
import { type Random, systemRandom } from '../base/time/random.ts'
import { OptionsError } from './errors.ts'
import { reportOnce } from './events.ts'
import { show } from './schema/fault.ts'

/** The same clock. @throws OptionsError when it does not give numbers, or timers that can be cancelled. */
export function checkedClock(clock: Clock): Clock {
  for (const method of ['now', 'wall'] as const) {
    const time: unknown = clock[method]()
    if (!Number.isFinite(time)) throw new OptionsError(`clock: ${method}() returned ${show(time)}; expected a number of milliseconds`)
  }
  const timer: unknown = clock.schedule(0, () => {})
  const cancel = (timer as { cancel?: unknown } | null | undefined)?.cancel
  if (typeof cancel !== 'function') throw new OptionsError(`clock: schedule() returned ${show(timer)}; expected { cancel() }`)
  cancel.call(timer)
  return clock
}

/** Numbers in [0, 1), whatever the function returns: what is not one is reported and replaced. */
export function checkedRandom(random: Random): Random {
  const reported = reportOnce()
  return () => {
    try {
      const value: unknown = random()
      if (typeof value === 'number' && value >= 0 && value < 1) return value
      throw new RangeError(`random returned ${show(value)}; expected a number in [0, 1)`)
    } catch (error) {
      reported(error instanceof Error ? error : new Error(`random threw ${show(error)}`))
      return systemRandom()
    }
  }
}
