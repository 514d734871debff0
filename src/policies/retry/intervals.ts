/**
 * How long to wait before a retry. Envoy's back-off, and Resilience4j's interval functions to the same numbers: Java's `(long)` cuts off
 * the fraction at every step of an exponential one, so 3 ms times 1.1 stays 3 ms for ever.
 */
import type { Random } from '../../base/time/random.ts'

/**
 * ms to wait after try `attempt` (1 for the first) that ended with `error`, or with `result` when it threw nothing. Negative: give up.
 * `random` is the retry's own, so that a seeded retry stays seeded.
 *
 * @example
 * const again = retry({ maxAttempts: 4, intervalFunction: IntervalFunction.ofExponentialRandomBackoff(100, 2) })
 * console.log(IntervalFunction.ofExponentialBackoff(100, 2)(3)) // => 400
 */
export type IntervalFunction = (attempt: number, error: unknown, result: unknown, random: Random) => number

/** The widest wait before retry number `retry` (1 for the first), ms: doubles from `base` until `max`. */
export function backoffInterval(retry: number, base: number, max: number): number {
  let interval = base
  for (let i = 1; i < retry && interval < max; i++) interval = interval <= max / 2 ? interval * 2 : max
  return Math.min(interval, max)
}

const INITIAL = 500
const MULTIPLIER = 1.5
const FACTOR = 0.5
/** What a Java long holds; larger waits end here. */
const LONGEST = 2 ** 63

/** Resilience4j's `IntervalFunction` by its own names. Times in ms. */
export const IntervalFunction = {
  /** Always 500 ms. */
  ofDefaults: (): IntervalFunction => IntervalFunction.of(INITIAL),
  /** Always `ms`. */
  of(ms: number): IntervalFunction {
    longEnough(ms)
    return attempt => counted(attempt, ms)
  },
  /** `ms` more or less by up to `factor` of it. */
  ofRandomized(ms: number = INITIAL, factor: number = FACTOR): IntervalFunction {
    longEnough(ms)
    share(factor)
    return (attempt, _error, _result, random) => counted(attempt, spread(ms, factor, random()))
  },
  /** `initial`, then `multiplier` times more after each try, never more than `max`. */
  ofExponentialBackoff(initial: number = INITIAL, multiplier: number = MULTIPLIER, max: number = LONGEST): IntervalFunction {
    longEnough(initial)
    return attempt => counted(attempt, Math.min(grown(attempt, initial, multiplier), max))
  },
  /** The same, more or less by up to `factor` of it; `max` bounds what comes out, so at the plateau there is little spread left. */
  ofExponentialRandomBackoff(
    initial: number = INITIAL,
    multiplier: number = MULTIPLIER,
    factor: number = FACTOR,
    max: number = LONGEST,
  ): IntervalFunction {
    longEnough(initial)
    share(factor)
    return (attempt, _error, _result, random) =>
      counted(attempt, Math.min(spread(grown(attempt, initial, multiplier), factor, random()), max))
  },
} as const

function grown(attempt: number, initial: number, multiplier: number): number {
  let interval = Math.trunc(initial)
  for (let i = 1; i < attempt; i++) {
    const next = Math.min(Math.trunc(interval * multiplier), LONGEST)
    if (next === interval) break
    interval = next
  }
  return interval
}

function spread(interval: number, factor: number, u: number): number {
  const least = interval - factor * interval
  const most = interval + factor * interval
  return Math.trunc(Math.max(1, least + u * (most - least + 1)))
}

function counted(attempt: number, ms: number): number {
  if (!(attempt >= 1)) throw new RangeError(`attempt is ${attempt}; expected 1 or more`)
  return ms
}

function longEnough(ms: number): void {
  if (!(ms >= 1)) throw new RangeError(`interval is ${ms} ms; expected at least 1 ms`)
}

function share(factor: number): void {
  if (!(factor >= 0 && factor <= 1)) throw new RangeError(`randomization factor is ${factor}; expected a number from 0 to 1`)
}
