/** Shares of requests, decided from one random number as Envoy decides them: `random % denominator < numerator`. */
import type { FractionalPercent } from '../../envoy/index.ts'

/** A random number of [0, 1) as a whole number: 52 bits, what the platform's generator really has. */
export const whole = (random: number): number => Math.floor(random * 4_503_599_627_370_496)

/** Whether a share applies to a random number of [0, 1). */
export function selected(fraction: FractionalPercent | undefined, random: number): boolean {
  const denominator = fraction?.denominator === 'MILLION' ? 1_000_000 : fraction?.denominator === 'TEN_THOUSAND' ? 10_000 : 100
  return whole(random) % denominator < (fraction?.numerator ?? 0)
}
