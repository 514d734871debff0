/**
 * Whether a fault fires, decided as Envoy's fault filter does: shares are whole millionths, the rest cut off, the delay is
 * rolled first and the abort by a roll of its own.
 */
import type { Random } from '../../base/time/random.ts'

const MILLION = 1_000_000

/** Istio's percentage as millionths: `trunc(percentage · 10000)`. */
export function millionths(percentage: number): number {
  return Math.trunc(percentage * 10_000)
}

/** One roll. A share of 0 needs none and takes no random number; every other share takes exactly one. */
export function fires(percentage: number | undefined, random: Random): boolean {
  const share = millionths(percentage ?? 0)
  return share > 0 && Math.floor(random() * MILLION) < share
}

/** Latency that varies: gives ms for one random source. */
export type LatencyDistribution = (random: Random) => number

/**
 * Every latency from `min` to `max` is as likely as any other.
 *
 * @example
 * const slow = faultInjector({ delay: { percentage: { value: 100 }, latency: uniformLatency(1, 5) } })
 * console.log(await slow.execute(async () => 'late')) // => late
 */
export function uniformLatency(min: number, max: number): LatencyDistribution {
  if (!(min >= 0 && max >= min)) throw new RangeError(`uniformLatency(${min}, ${max}): expected 0 <= min <= max, in ms`)
  return random => min + random() * (max - min)
}

/**
 * Round `mean`, two thirds of them within `deviation`; never below 0.
 *
 * @example
 * const slow = faultInjector({ delay: { percentage: { value: 100 }, latency: normalLatency(5, 1) } })
 * console.log(await slow.execute(async () => 'late')) // => late
 */
export function normalLatency(mean: number, deviation: number): LatencyDistribution {
  if (!(mean >= 0 && deviation >= 0)) throw new RangeError(`normalLatency(${mean}, ${deviation}): expected two times of at least 0 ms`)
  return random => Math.max(0, mean + deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}

/**
 * Mostly short, sometimes long, `mean` on average: the shape of a queue.
 *
 * @example
 * const slow = faultInjector({ delay: { percentage: { value: 100 }, latency: exponentialLatency(2) } })
 * console.log(await slow.execute(async () => 'late')) // => late
 */
export function exponentialLatency(mean: number): LatencyDistribution {
  if (!(mean >= 0)) throw new RangeError(`exponentialLatency(${mean}): expected a time of at least 0 ms`)
  return random => -mean * Math.log(1 - random())
}
