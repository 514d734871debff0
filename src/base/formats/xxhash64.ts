/** XXH64 as specified by its author: what Envoy's ring hash, Maglev and hash policies are made of. */

const P1 = 0x9e3779b185ebca87n
const P2 = 0xc2b2ae3d27d4eb4fn
const P3 = 0x165667b19e3779f9n
const P4 = 0x85ebca77c2b2ae63n
const P5 = 0x27d4eb2f165667c5n
const M = (1n << 64n) - 1n

const rotate = (x: bigint, r: bigint) => ((x << r) | (x >> (64n - r))) & M
const round = (acc: bigint, lane: bigint) => (rotate((acc + lane * P2) & M, 31n) * P1) & M
const merge = (acc: bigint, value: bigint) => ((acc ^ round(0n, value)) * P1 + P4) & M
const encoder = new TextEncoder()

/** The 64-bit hash of a text (as UTF-8) or of bytes. */
export function xxhash64(input: string | Uint8Array, seed = 0n): bigint {
  const bytes = typeof input === 'string' ? encoder.encode(input) : input
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { length } = bytes
  let at = 0
  let hash: bigint
  if (length >= 32) {
    let a = (seed + P1 + P2) & M
    let b = (seed + P2) & M
    let c = seed
    let d = (seed - P1) & M
    for (; at + 32 <= length; at += 32) {
      a = round(a, view.getBigUint64(at, true))
      b = round(b, view.getBigUint64(at + 8, true))
      c = round(c, view.getBigUint64(at + 16, true))
      d = round(d, view.getBigUint64(at + 24, true))
    }
    hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & M
    hash = merge(merge(merge(merge(hash, a), b), c), d)
  } else hash = (seed + P5) & M
  hash = (hash + BigInt(length)) & M
  for (; at + 8 <= length; at += 8) hash = (rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4) & M
  if (at + 4 <= length) {
    hash = (rotate(hash ^ ((BigInt(view.getUint32(at, true)) * P1) & M), 23n) * P2 + P3) & M
    at += 4
  }
  for (; at < length; at++) hash = (rotate(hash ^ ((BigInt(bytes[at]!) * P5) & M), 11n) * P1) & M
  hash = ((hash ^ (hash >> 33n)) * P2) & M
  hash = ((hash ^ (hash >> 29n)) * P3) & M
  return hash ^ (hash >> 32n)
}
