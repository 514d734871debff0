/**
 * How much random testing there is. `npm test` runs a reference model over at least 10⁴ operations; `npm run test:deep` (DEEP=1) over at least
 * 10⁶. Every kernel's model test takes its number of runs from here, so one variable turns all of them up.
 */

const deep = process.env['DEEP'] === '1'

/** Operations that a model test makes: 10⁴, or 10⁶ when DEEP=1. */
export const OPERATIONS = deep ? 1_000_000 : 10_000

/** How many sequences of at least `perRun` operations make up `OPERATIONS`. For `fc.assert(…, { numRuns: runs(80) })`. */
export function runs(perRun: number): number {
  return Math.ceil(OPERATIONS / perRun)
}

/** ms that a deep test may take, as third argument of `test`. */
export const DEEP_TIMEOUT = deep ? 600_000 : 20_000
