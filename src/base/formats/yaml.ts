/**
 * YAML as Istio's tools see it: YAML 1.1 booleans (`yes`, `on`, `y`), string keys, octal 0644, `<<`
 * merges; dates stay text. What a text can cost is bounded before it is parsed (size, documents,
 * depth, tokens, what aliases expand to), objects have no prototype so that a key `__proto__` is a
 * key like any other, and every value knows where it was written.
 */
import type { ParsedNode } from 'yaml'
import { type Bounds, broken, DEFAULT_BOUNDS, type TextPosition, type YamlDocument, type YamlLimits } from './yaml/document.ts'
import { jsonDocument } from './yaml/json.ts'
import { offsetOf } from './yaml/locate.ts'
import { type Parsed, type ParseFault, parsePiece } from './yaml/parse.ts'
import { type Piece, piecesOf } from './yaml/pieces.ts'
import { recent } from './yaml/recent.ts'
import { readValue } from './yaml/values.ts'

export type { TextPosition, YamlDocument, YamlFault, YamlLimits } from './yaml/document.ts'

/** The first document of a text. Throws a `SyntaxError` that names line and column. */
export function parseYaml(text: string, limits?: YamlLimits): unknown {
  const document = yamlDocuments(text, limits).next().value as YamlDocument | undefined
  return document && checked(document)
}

/** A text that is one JSON object or list. Throws a `SyntaxError` when it is not, or exceeds a limit. */
export function parseJson(text: string, limits?: YamlLimits): unknown {
  const bounds = { ...DEFAULT_BOUNDS, ...limits }
  const document = text.length > bounds.size ? undefined : jsonDocument({ text, line: 0 }, bounds)
  if (document === undefined) throw new SyntaxError('the text is not a JSON object or list')
  return checked(document)
}

/** All documents of a text; never throws. */
export function parseYamlDocuments(text: string, limits?: YamlLimits): YamlDocument[] {
  return [...yamlDocuments(text, limits)]
}

/** The documents of a text, each parsed when it is asked for; never throws. */
export function* yamlDocuments(text: string, limits?: YamlLimits): Generator<YamlDocument, void, void> {
  const bounds = { ...DEFAULT_BOUNDS, ...limits }
  if (text.length > bounds.size) return yield broken(`the text has ${text.length} characters; at most ${bounds.size} are read`)
  let count = 0
  for (const piece of piecesOf(text)) {
    const json = jsonDocument(piece, bounds)
    for (const document of json === undefined ? documentsOf(piece, bounds) : [json]) {
      if (++count > bounds.documents)
        return yield broken(`the text has more than ${bounds.documents} documents`, { line: document.line, column: 1 })
      yield document
    }
  }
}

function checked({ faults: [fault], value }: YamlDocument): unknown {
  if (fault !== undefined) throw new SyntaxError(`${fault.message} (line ${fault.line}, column ${fault.column})`)
  return value
}

function* documentsOf(piece: Piece, bounds: Bounds): Generator<YamlDocument, void, void> {
  const parsed = recent(piece, () => parsePiece(piece.text, bounds))
  for (let index = 0; index < parsed.documents.length; index++) yield read(piece, parsed, index, bounds)
  const [first] = parsed.excess
  if (first === undefined) return
  const at = positionOf(piece, parsed, first.offset)
  yield { ...broken('', at), faults: located(piece, parsed, parsed.excess) }
}

function read(piece: Piece, parsed: Parsed, index: number, bounds: Bounds): YamlDocument {
  const document = parsed.documents[index]!
  const root = document.contents as ParsedNode | null
  const errors = document.errors.map(({ message, pos }) => ({ message: firstLine(message), offset: pos[0] }))
  const { value, faults } = errors.length > 0 ? { value: undefined, faults: errors } : readValue(document, piece.text, bounds)
  return {
    value: value ?? undefined,
    line: positionOf(piece, parsed, root?.range[0] ?? document.range[0]).line,
    faults: located(piece, parsed, faults),
    locate: locator(piece, index, bounds),
  }
}

/** Made apart from the reading, so that it keeps the text and not what was parsed from it. */
function locator(piece: Piece, index: number, bounds: Bounds): YamlDocument['locate'] {
  return steps => {
    const parsed = recent(piece, () => parsePiece(piece.text, bounds))
    return positionOf(piece, parsed, offsetOf(parsed.documents[index]!, steps) ?? 0)
  }
}

function located(piece: Piece, parsed: Parsed, faults: readonly ParseFault[]) {
  return faults.map(({ message, offset }) => ({ message: firstLine(message), ...positionOf(piece, parsed, offset) }))
}

function positionOf(piece: Piece, { lines }: Parsed, offset: number): TextPosition {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1) + piece.line, column: Math.max(col, 1) }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!
}
