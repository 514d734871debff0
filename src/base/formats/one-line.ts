/**
 * Text that others wrote, on one line of a log or a terminal: a control character in a name could
 * move the cursor, hide a line or forge one, so it is written as JSON and JavaScript escape it.
 */

/** Control characters of both sets, and those that change the direction or the line of a text. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

export function oneLine(text: string): string {
  return text.replace(CONTROL, escaped)
}

/** The same for each line of a text. */
export function printableLines(text: string): string {
  return text.replace(CONTROL, character => (character === '\n' ? character : escaped(character)))
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
