/**
 * Text for a terminal. Names, messages and values come from files and from other processes: a
 * control character in one could move the cursor, hide a line or forge one, so none is printed
 * raw. What this program itself adds (line ends, colours) is told apart by a mark of this run.
 */
import { randomUUID } from 'node:crypto'

/** Control characters of both sets, and those that change the direction or the line of a text. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g
const MARK = randomUUID()
const COLOUR = new RegExp(`\u001b${MARK}(\\d+)m`)

/** A name or message on one line. */
export function oneLine(text: string): string {
  return text.replace(CONTROL, escaped)
}

/** Whole output: line ends stay, and the colours that `colour` made. */
export function printable(text: string): string {
  const parts = text.split(COLOUR)
  return parts.map((part, at) => (at % 2 === 1 ? `\u001b[${part}m` : part.replace(CONTROL, c => (c === '\n' ? c : escaped(c))))).join('')
}

/** A colour code that only `printable` turns into one. */
export function colour(code: number): string {
  return `\u001b${MARK}${code}m`
}

/** As JSON and JavaScript write it, so that it may also stand in quoted text. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
