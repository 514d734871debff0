/**
 * What was parsed of the last pieces, for those who look for places in them right away. It is much
 * larger than the text, so little is kept, and nothing beyond the job at hand. A WeakRef would not
 * do: until its job ends, it keeps all that was ever referred to.
 */
import { runInMicrotask } from '../../time/event-loop.ts'
import type { Piece } from './pieces.ts'

/** Characters of the pieces that are kept; the last one always is. */
const MAX_TEXT = 131_072

const kept = new Map<Piece, unknown>()
let text = 0

/** What `make` returns for a piece, made anew when it is not kept any more. */
export function recent<T>(piece: Piece, make: () => T): T {
  if (kept.has(piece)) return kept.get(piece) as T
  const made = make()
  if (kept.size === 0) runInMicrotask(forget)
  kept.set(piece, made)
  text += piece.text.length
  for (const oldest of kept.keys()) {
    if (text <= MAX_TEXT || kept.size === 1) break
    kept.delete(oldest)
    text -= oldest.text.length
  }
  return made
}

function forget(): void {
  kept.clear()
  text = 0
}
