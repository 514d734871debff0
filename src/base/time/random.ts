/** Chance as a dependency: kernels take it as an argument, so that tests and replays can choose it. */

/** Gives numbers evenly spread over [0, 1). */
export type Random = () => number

/** The machine's own. */
export const systemRandom: Random = Math.random

/**
 * The same numbers for the same seed, on every machine (xoshiro128**, seeded by splitmix32).
 *
 * @example
 * const [one, other] = [seededRandom(7), seededRandom(7)]
 * console.log(one() === other()) // => true
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const split = () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  let a = split()
  let b = split()
  let c = split()
  let d = split()
  const next32 = () => {
    const scrambled = Math.imul(b, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << 11) | (d >>> 21)
    return result
  }
  return () => ((next32() >>> 5) * 67108864 + (next32() >>> 6)) / 9007199254740992
}

/** A whole number in [0, limit): how Envoy's `random() % limit` is said here. `limit` up to 2^53. */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}
