/** The replacement side of RE2: `\1` for a group, `\0` for the whole match, and which matches `RE2::GlobalReplace` replaces. */

/** The part of an automaton's matcher that replacing needs. */
export interface MatchCursor {
  find(): boolean
  start(): number
  end(): number
  group(number: number): string | null
}

/** A substitution taken apart: texts, and the numbers of groups. */
type Parts = readonly (string | number)[]

interface ParsedSubstitution {
  readonly parts: Parts
  /** The highest group that is named. */
  readonly highest: number
  /** What follows a backslash and is neither a digit nor a backslash; `''` at the end of the text. RE2 stops there. */
  readonly badEscape: string | undefined
}

function parse(substitution: string): ParsedSubstitution {
  const parts: (string | number)[] = []
  let highest = 0
  let text = ''
  for (let at = 0; at < substitution.length; at++) {
    const char = substitution[at]!
    if (char !== '\\') {
      text += char
      continue
    }
    const next = substitution[++at] ?? ''
    if (next === '\\') text += next
    else if (next >= '0' && next <= '9') {
      if (text !== '') parts.push(text)
      text = ''
      parts.push(Number(next))
      highest = Math.max(highest, Number(next))
    } else {
      if (text !== '') parts.push(text)
      return { parts, highest, badEscape: next }
    }
  }
  if (text !== '') parts.push(text)
  return { parts, highest, badEscape: undefined }
}

/** What RE2 does not accept in a substitution for a pattern with so many groups; `undefined` when all is well. */
export function substitutionIssue(substitution: string, groups: number): string | undefined {
  const { highest, badEscape } = parse(substitution)
  if (badEscape === '') return 'a single \\ at the end'
  if (badEscape !== undefined) return `\\${badEscape} names no group`
  if (highest <= groups) return undefined
  return `\\${highest} names a group that is not there: the pattern has ${groups === 0 ? 'none' : groups}`
}

/** The texts of a substitution, without what comes from groups. */
export function substitutionTexts(substitution: string): string {
  return parse(substitution)
    .parts.filter(part => typeof part === 'string')
    .join('')
}

/**
 * Replaces all matches as `RE2::GlobalReplace` does. An empty match right behind a match is left alone, so that `.*` replaces once. A
 * substitution with a group that is not there replaces nothing.
 */
export function compileSubstitution(
  substitution: string,
  groups: number,
  cursorOn: (text: string) => MatchCursor,
): (text: string) => string {
  const { parts, highest } = parse(substitution)
  if (highest > groups) return text => text
  return text => {
    const cursor = cursorOn(text)
    let made = ''
    let end = 0
    let replaced = false
    while (cursor.find()) {
      const start = cursor.start()
      const stop = cursor.end()
      if (replaced && start === stop && start === end) continue
      made += text.slice(end, start)
      for (const part of parts) made += typeof part === 'string' ? part : (cursor.group(part) ?? '')
      end = stop
      replaced = true
    }
    return replaced ? made + text.slice(end) : text
  }
}
