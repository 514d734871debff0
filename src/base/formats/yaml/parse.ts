/**
 * Parses one piece of text within its bounds. The parser's memory and stack grow with the tokens,
 * the nesting and the errors of a text, in whatever style it is written, so all three are counted
 * while the tokens are made: what exceeds a bound is never composed.
 */
import { Composer, type CST, type Document, Lexer, LineCounter, Parser, type ScalarTag } from 'yaml'
import { type Bounds, tooDeep, tooLong, tooManyFaults } from './document.ts'
import { quoteLexer } from './quote-lexer.ts'

/** What a piece consists of. It is much larger than the text, so it is kept no longer than needed. */
export interface Parsed {
  readonly documents: readonly Document.Parsed[]
  readonly lines: LineCounter
  /** Why the rest of the piece was not read; the errors before it. */
  readonly excess: readonly ParseFault[]
}

export interface ParseFault {
  readonly message: string
  readonly offset: number
}

const YAML_1_1: ScalarTag[] = [
  { tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:y|Y|yes|Yes|YES|on|On|ON)$/, resolve: () => true },
  { tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:n|N|no|No|NO|off|Off|OFF)$/, resolve: () => false },
  { tag: 'tag:yaml.org,2002:int', default: true, test: /^[-+]?0[0-7_]+$/, resolve: text => octal(text) },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?0b[01_]+$/,
    resolve: text => Number(text.replace(/[_+]/g, '')),
  },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?[1-9][0-9]*(?:_[0-9]+)+$/,
    resolve: text => Number(text.replaceAll('_', '')),
  },
]

/** Levels of the parser's stack that are no collections: the document, a scalar, an open key. */
const STACK_RESERVE = 8

/** A bound was exceeded. */
class Excess extends Error {
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

export function parsePiece(text: string, bounds: Bounds): Parsed {
  const parsed = parseWith(new Lexer(), text, bounds)
  if (!parsed.documents.some(hasOpenQuote)) return parsed
  // Where that does not help either, what was wrong with the text as it is written says more.
  const lenient = parseWith(quoteLexer(), text, bounds)
  const isBetter = lenient.excess.length === 0 && lenient.documents.every(({ errors }) => errors.length === 0)
  return isBetter ? lenient : parsed
}

function hasOpenQuote({ errors }: Document.Parsed): boolean {
  return errors.some(({ code }) => code === 'MISSING_CHAR')
}

function parseWith(lexer: Lexer, text: string, bounds: Bounds): Parsed {
  const lines = new LineCounter()
  const documents: Document.Parsed[] = []
  const composer = new Composer({
    customTags: tags => [...YAML_1_1, ...tags],
    merge: true,
    uniqueKeys: false, // the reader looks for them itself, in linear time
    logLevel: 'silent',
    stringKeys: false,
  })
  const faults = boundFaults(composer, bounds)
  try {
    for (const document of composer.compose(tokensOf(lexer, text, lines, bounds))) {
      documents.push(document as Document.Parsed)
      faults.length = 0
    }
  } catch (error) {
    const { message, offset } = error instanceof Excess ? error : { message: unexpected(error, bounds), offset: 0 }
    return { documents, lines, excess: [...faults, { message, offset }] }
  }
  return { documents, lines, excess: [] }
}

/** The parser's own stack may end before ours when a caller has used most of it. */
function unexpected(error: unknown, bounds: Bounds): string {
  return error instanceof RangeError ? tooDeep(bounds) : String((error as Error)?.message ?? error)
}

function* tokensOf(lexer: Lexer, text: string, lines: LineCounter, bounds: Bounds): Generator<CST.Token, void, void> {
  const parser = new Parser(lines.addNewLine)
  lines.addNewLine(0)
  let tokens = 0
  let errors = 0
  for (const lexeme of lexer.lex(text)) {
    tokens += costOf(lexeme)
    if (tokens > bounds.tokens) throw new Excess(tooLong(bounds), parser.offset)
    for (const token of parser.next(lexeme)) {
      if (token.type === 'error' && ++errors > bounds.faults) throw new Excess(tooManyFaults(bounds), parser.offset)
      yield token
    }
    if (parser.stack.length > bounds.depth + STACK_RESERVE) throw new Excess(tooDeep(bounds), parser.offset)
  }
  yield* parser.end()
}

/** Blanks cost nothing, text of several lines is put together line by line. */
function costOf(lexeme: string): number {
  let lines = 0
  for (let at = lexeme.indexOf('\n'); at >= 0; at = lexeme.indexOf('\n', at + 1)) lines++
  if (lines > 0) return lines
  const first = lexeme.charCodeAt(0)
  return first === 32 || first === 9 ? 0 : 1
}

type ErrorSource = number | [number, number] | { readonly offset: number }

/** Stops composing at the bound of errors: each costs far more than what it is about. */
function boundFaults(composer: Composer, bounds: Bounds): ParseFault[] {
  const faults: ParseFault[] = []
  const inner = composer as unknown as {
    onError(source: ErrorSource, code: string, message: string, warning?: boolean): void
  }
  const report = inner.onError
  let count = 0
  inner.onError = (source, code, message, warning) => {
    const offset = typeof source === 'number' ? source : Array.isArray(source) ? source[0] : source.offset
    if (++count > bounds.faults) throw new Excess(tooManyFaults(bounds), offset)
    if (!warning) faults.push({ message, offset })
    report(source, code, message, warning)
  }
  return faults
}

function octal(text: string): number {
  const digits = text.replaceAll('_', '')
  return digits.startsWith('-') ? -Number.parseInt(digits.slice(1), 8) : Number.parseInt(digits, 8)
}
