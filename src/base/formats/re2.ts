/**
 * Regular expressions with RE2's syntax, in linear time. Rules come from outside, so a pattern must never be able to stall the process:
 * what is certainly harmless (a literal, a literal with `.*` at its ends) needs no automaton; everything else runs on RE2's.
 */
import { RE2JS } from 're2js'
import { compileSubstitution } from './re2-substitution.ts'

export interface Matcher {
  /** Whether the whole text matches. */
  test(text: string): boolean
  /** How many groups the pattern has. */
  readonly groups: number
  /** A function that replaces all matches; `\0`..`\9` are groups, `\\` is a backslash. */
  replacer(substitution: string): (text: string) => string
}

/**
 * Instructions of a compiled pattern. Envoy refuses larger ones; this is what Istio sets as
 * `re2.max_program_size.error_level` for its proxies (Envoy's own default is 100).
 */
export const MAX_PROGRAM_SIZE = 32_768

const LITERAL = /^[A-Za-z0-9 _\-/:;,=@%&~"'<>!#]*$/

/** Compiles a pattern. Throws a `SyntaxError` that says what RE2 does not accept. */
export function compileRe2(pattern: string): Matcher {
  checkProgramSize(repetitionsIn(pattern))
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    throw new SyntaxError(`not a RE2 pattern: ${error instanceof Error ? error.message : String(error)}`)
  }
  checkProgramSize(compiled.programSize())
  return {
    test: quickTest(pattern) ?? (text => compiled.testExact(text)),
    groups: compiled.groupCount(),
    replacer: substitution => compileSubstitution(substitution, compiled.groupCount(), text => compiled.matcher(text)),
  }
}

/** At least so many instructions come from counted repetitions: enough to refuse before compiling. */
function repetitionsIn(pattern: string): number {
  let sum = 0
  for (const [, least, most] of pattern.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g)) sum += Number(most || least)
  return sum
}

function checkProgramSize(size: number): void {
  if (size > MAX_PROGRAM_SIZE)
    throw new SyntaxError(`the pattern compiles to ${size} instructions; Envoy takes at most ${MAX_PROGRAM_SIZE}`)
}

/** A test without an automaton for the commonest forms. `.` does not match a line end. */
function quickTest(pattern: string): ((text: string) => boolean) | undefined {
  const before = pattern.startsWith('.*')
  const after = pattern.endsWith('.*') && pattern.length > 2
  const literal = pattern.slice(before ? 2 : 0, after ? -2 : undefined)
  if (!LITERAL.test(literal)) return undefined
  if (!before && !after) return text => text === literal
  const oneLine = (text: string) => !text.includes('\n')
  if (before && after) return text => text.includes(literal) && oneLine(text)
  if (before) return text => text.endsWith(literal) && oneLine(text)
  return text => text.startsWith(literal) && oneLine(text)
}
