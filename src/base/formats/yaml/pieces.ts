/**
 * Cuts a text into its documents before anything is parsed, so that each costs for itself. A
 * document marker in the first column ends whatever is open, quotes and brackets too.
 */

/** A part of a text, and how many lines come before it. */
export interface Piece {
  readonly text: string
  readonly line: number
}

/** `---` begins a document, `...` ends one; directives belong to the document behind them. */
export function* piecesOf(text: string): Generator<Piece, void, void> {
  const marker = /^(?:---|\.\.\.)(?=\s|$)/gm
  let from = 0
  let line = 0
  for (let found = marker.exec(text); found !== null; found = marker.exec(text)) {
    const isEnd = found[0] === '...'
    let to = found.index
    if (isEnd) {
      const lineEnd = text.indexOf('\n', found.index)
      to = lineEnd < 0 ? text.length : lineEnd + 1
    }
    if (to === from) continue
    const piece = text.slice(from, to)
    if (!isEnd && hasOnlyDirectives(piece)) continue
    yield { text: piece, line }
    line += linesIn(piece)
    from = to
    marker.lastIndex = Math.max(to, found.index + 3)
  }
  if (from < text.length || from === 0) yield { text: text.slice(from), line }
}

/** Whether directives, and nothing but comments beside them, wait for their document. */
function hasOnlyDirectives(piece: string): boolean {
  return piece.includes('%') && /^(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n)*$/.test(piece)
}

function linesIn(text: string): number {
  let lines = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++
  return lines
}
