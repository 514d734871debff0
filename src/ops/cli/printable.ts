/**
 * What the command line prints. Names, messages and values come from files and from other
 * processes, so no control character of theirs is printed raw; the colours that this program adds
 * are told apart by a mark of this run.
 */
import { randomUUID } from 'node:crypto'
import { printableLines } from '../../base/formats/one-line.ts'

export { oneLine } from '../../base/formats/one-line.ts'

const MARK = randomUUID()
const COLOUR = new RegExp(`\u001b${MARK}(\\d+)m`)

/** Whole output: line ends stay, and the colours that `colour` made. */
export function printable(text: string): string {
  const parts = text.split(COLOUR)
  return parts.map((part, at) => (at % 2 === 1 ? `\u001b[${part}m` : printableLines(part))).join('')
}

/** A colour code that only `printable` turns into one. */
export function colour(code: number): string {
  return `\u001b${MARK}${code}m`
}
