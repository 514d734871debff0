/** How long OPEN lasts at the n-th opening in a row. */
import { type Duration, toMs } from '../../base/time/duration.ts'
import { guarded } from '../../core/events.ts'
import { askHook } from '../../core/hooks.ts'
import type { CircuitBreakerSettings } from './options.ts'

const DEFAULT_WAIT = 60_000

interface Backoff {
  initial: number
  multiplier: number
  max: number
  randomizationFactor: number
}

/** ms. A function that throws or gives no time is reported, and the default wait is taken. */
export function waitInOpen(wait: CircuitBreakerSettings['waitDurationInOpenState'], attempt: number, random: () => number): number {
  if (typeof wait === 'number') return wait
  if (typeof wait === 'function') return guarded(waitOf, askHook(wait, DEFAULT_WAIT, attempt), attempt) ?? DEFAULT_WAIT
  const { initial, multiplier, max, randomizationFactor } = wait as Backoff
  // Whole milliseconds after each step and the cap after the jitter, as Resilience4j's IntervalFunction has it.
  let current = initial
  for (let i = 1; i < attempt && current < max; i++) {
    const next = Math.trunc(current * multiplier)
    if (next === current) break
    current = next
  }
  if (randomizationFactor > 0) {
    const spread = randomizationFactor * current
    current = Math.trunc(Math.max(1, current - spread + random() * (2 * spread + 1)))
  }
  return Math.min(current, max)
}

function waitOf(answer: Duration, attempt: number): number {
  const ms = toMs(answer, `waitDurationInOpenState(${attempt})`)
  if (ms >= 0) return ms
  throw new RangeError(`waitDurationInOpenState(${attempt}): ${ms} ms; expected no less than 0`)
}
