/**
 * Where a key belongs among places of different weight (weighted rendezvous hashing): every place draws a score from the key's hash and its
 * own name, and the highest wins. No table and no order: whoever knows the names and weights finds the same place, and a key moves from
 * one place to another only when the other's weight has grown beside the first one's.
 */
import { xxhash64 } from './xxhash64.ts'

/** A place where keys may belong. */
export interface Place {
  /** Hash of its name. */
  readonly name: bigint
  /** 0: never. */
  readonly weight: number
}

export const nameOfPlace = (name: string): bigint => xxhash64(name)

/** Index of the place of a key, by the key's hash. */
export function placeOfKey(places: readonly Place[], key: bigint): number {
  let best = 0
  let highest = -1
  for (let i = 0; i < places.length; i++) {
    const { name, weight } = places[i]!
    // A number of (0, 1) for each place: the greatest weight/-ln(number) is each one's as often as its weight says.
    const score = weight / -Math.log((Number(mixed(key ^ name) >> 11n) + 0.5) / 2 ** 53)
    if (score > highest) {
      highest = score
      best = i
    }
  }
  return best
}

/** The finish of SplitMix64: every bit of the input changes every bit of the output. */
function mixed(x: bigint): bigint {
  let z = BigInt.asUintN(64, x + 0x9e3779b97f4a7c15n)
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  return z ^ (z >> 31n)
}
