/**
 * YAML as Istio's tools see it: YAML 1.1 booleans (`yes`, `on`, `y`), string keys, octal 0644, `<<` merges; dates stay text. What a text can cost is bounded
 * (size, depth, what aliases expand to), objects have no prototype so that a key `__proto__` is a key like any other, and every value
 * knows where it was written.
 */
import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  Parser,
  type ScalarTag,
} from 'yaml'
import { quoteLexer } from './yaml-lexer.ts'

/** Where in the text; both from 1. */
export interface TextPosition {
  line: number
  column: number
}

/** A fault of a text. */
export interface YamlFault extends TextPosition {
  message: string
}

/** One document of a text. */
export interface YamlDocument {
  /** The value; `undefined` for a document of comments only, or with faults. */
  value: unknown
  /** First line of the content, from 1. */
  line: number
  faults: YamlFault[]
  /** Position of a member (its key, where it has one), or of the nearest parent that was written. */
  locate(steps: readonly (string | number)[]): TextPosition
}

/** What a text may cost. */
export interface YamlLimits {
  /** Characters of text. Default 16 Mi. */
  size?: number
  /** Nesting. Default 100. */
  depth?: number
  /** Values that aliases may add by expansion. Default 100,000. */
  aliased?: number
}

const LIMITS: Required<YamlLimits> = { size: 16 * 1024 * 1024, depth: 100, aliased: 100_000 }

const YAML_1_1: ScalarTag[] = [
  { tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:y|Y|yes|Yes|YES|on|On|ON)$/, resolve: () => true },
  { tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:n|N|no|No|NO|off|Off|OFF)$/, resolve: () => false },
  { tag: 'tag:yaml.org,2002:int', default: true, test: /^[-+]?0[0-7_]+$/, resolve: text => octal(text) },
  { tag: 'tag:yaml.org,2002:int', default: true, test: /^[-+]?0b[01_]+$/, resolve: text => Number(text.replace(/[_+]/g, '')) },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?[1-9][0-9]*(?:_[0-9]+)+$/,
    resolve: text => Number(text.replaceAll('_', '')),
  },
]

/** The first document of a text. Throws a `SyntaxError` that names line and column. */
export function parseYaml(text: string, limits?: YamlLimits): unknown {
  const [document] = parseYamlDocuments(text, limits)
  const fault = document?.faults[0]
  if (fault !== undefined) throw new SyntaxError(`${fault.message} (line ${fault.line}, column ${fault.column})`)
  return document?.value
}

/** All documents of a text; never throws. */
export function parseYamlDocuments(text: string, limits?: YamlLimits): YamlDocument[] {
  return [...yamlDocuments(text, limits)]
}

/** The documents of a text, each parsed when it is asked for; never throws. */
export function* yamlDocuments(text: string, limits?: YamlLimits): Generator<YamlDocument, void, void> {
  const bounds = { ...LIMITS, ...limits }
  if (text.length > bounds.size) return yield broken(`the text has ${text.length} characters; at most ${bounds.size} are read`)
  for (const piece of piecesOf(text)) {
    const nested = depthOf(piece.text, bounds.depth)
    if (nested !== undefined) yield broken(`nested deeper than ${bounds.depth}`, { line: nested.line + piece.line, column: nested.column })
    else yield* documentsOf(piece, bounds)
  }
}

/** A part of a text that starts with a document marker, and how many lines stand before it. */
interface Piece {
  readonly text: string
  readonly line: number
}

/** A document marker ends whatever is open, so a text may be cut there; where directives or end marks play a part it is left whole. */
function piecesOf(text: string): Piece[] {
  if (/^(?:%|\.\.\.)/m.test(text)) return [{ text, line: 0 }]
  const pieces: Piece[] = []
  const marker = /^---(?=\s|$)/gm
  let from = 0
  let line = 0
  for (let found = marker.exec(text); found !== null; found = marker.exec(text)) {
    if (found.index === from) continue
    const piece = text.slice(from, found.index)
    pieces.push({ text: piece, line })
    for (let at = piece.indexOf('\n'); at >= 0; at = piece.indexOf('\n', at + 1)) line++
    from = found.index
  }
  pieces.push({ text: text.slice(from), line })
  return pieces
}

/** What the parser makes of a piece. It is much larger than the text, so it is held only as long as somebody reads it. */
interface Parsed {
  readonly documents: readonly Document.Parsed[]
  readonly lines: LineCounter
}

function parsePiece(piece: Piece): Parsed {
  const parsed = parseWith(new Lexer(), piece)
  if (!parsed.documents.some(hasOpenQuote)) return parsed
  // Where that does not help either, what was wrong with the text as it is written says more.
  const lenient = parseWith(quoteLexer(), piece)
  return lenient.documents.some(({ errors }) => errors.length > 0) ? parsed : lenient
}

function hasOpenQuote({ errors }: Document.Parsed): boolean {
  return errors.some(({ code }) => code === 'MISSING_CHAR')
}

function parseWith(lexer: Lexer, { text }: Piece): Parsed {
  const lines = new LineCounter()
  lines.addNewLine(0)
  const parser = new Parser(lines.addNewLine)
  const composer = new Composer({
    customTags: tags => [...YAML_1_1, ...tags],
    merge: true,
    uniqueKeys: false, // the reader looks for them itself, in linear time
    logLevel: 'silent',
    stringKeys: false,
  })
  const documents: Document.Parsed[] = []
  for (const lexeme of lexer.lex(text)) for (const token of parser.next(lexeme)) documents.push(...composer.next(token))
  for (const token of parser.end()) documents.push(...composer.next(token))
  documents.push(...composer.end())
  return { documents, lines }
}

function* documentsOf(piece: Piece, bounds: Required<YamlLimits>): Generator<YamlDocument, void, void> {
  let parsed: Parsed
  try {
    parsed = parsePiece(piece)
  } catch (error) {
    const message = error instanceof RangeError ? `nested deeper than ${bounds.depth}` : String((error as Error).message)
    return yield broken(message, { line: piece.line + 1, column: 1 })
  }
  for (let index = 0; index < parsed.documents.length; index++) yield read(piece, parsed, index, bounds)
}

function placeOf(piece: Piece, { lines }: Parsed, offset: number): TextPosition {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1) + piece.line, column: Math.max(col, 1) }
}

function read(piece: Piece, parsed: Parsed, index: number, bounds: Required<YamlLimits>): YamlDocument {
  const document = parsed.documents[index]!
  const at = (offset: number) => placeOf(piece, parsed, offset)
  const root = document.contents as ParsedNode | null
  const start = at(root?.range[0] ?? document.range[0])
  const faults = document.errors.map(error => ({ message: firstLine(error.message), ...at(error.pos[0]) }))
  let value: unknown
  if (faults.length === 0 && root !== null) {
    const reader = new Reader(piece.text, bounds, (message, node) => faults.push({ message, ...at(node?.range?.[0] ?? 0) }))
    try {
      value = reader.value(root, 0)
    } catch (error) {
      if (!(error instanceof Stop)) throw error
      value = undefined
    }
  }
  return {
    value: faults.length > 0 ? undefined : (value ?? undefined),
    line: start.line,
    faults,
    locate: locator(piece, index, new WeakRef(parsed)),
  }
}

/** Made apart from the reading, so that it keeps the text and not what was parsed from it. */
function locator(piece: Piece, index: number, first: WeakRef<Parsed>): YamlDocument['locate'] {
  let held = first
  return steps => {
    let parsed = held.deref()
    if (parsed === undefined) {
      parsed = parsePiece(piece)
      held = new WeakRef(parsed)
    }
    const document = parsed.documents[index]!
    const root = document.contents as ParsedNode | null
    return placeOf(piece, parsed, offsetOf(document, root, steps) ?? root?.range[0] ?? 0)
  }
}

class Stop extends Error {}

/** Turns the nodes of one document into values, counting what it costs. */
class Reader {
  readonly #text: string
  readonly #bounds: Required<YamlLimits>
  readonly #fault: (message: string, node: Node | null | undefined) => void
  /** The nodes with an anchor so far: an alias means the last one before it. */
  readonly #anchors = new Map<string, Node>()
  #aliased = 0
  #inAlias = 0

  constructor(text: string, bounds: Required<YamlLimits>, fault: (message: string, node: Node | null | undefined) => void) {
    this.#text = text
    this.#bounds = bounds
    this.#fault = fault
  }

  value(node: Node | null | undefined, depth: number): unknown {
    if (this.#inAlias === 0) this.#remember(node)
    if (depth > this.#bounds.depth) this.#stop(`nested deeper than ${this.#bounds.depth}`, node)
    if (this.#inAlias > 0 && ++this.#aliased > this.#bounds.aliased)
      this.#stop(`aliases expand to more than ${this.#bounds.aliased} values`, node)
    if (isScalar(node)) return node.value
    if (isAlias(node)) return this.#alias(node, depth)
    if (isSeq(node)) return node.items.map(item => this.#colonAtEnd(item) ?? this.value(item as Node, depth + 1))
    if (isMap(node)) return this.#map(node, depth)
    return null
  }

  #remember(node: Node | null | undefined): void {
    const anchor = (node as { anchor?: string } | null | undefined)?.anchor
    if (anchor !== undefined && node) this.#anchors.set(anchor, node)
  }

  #map(node: Node & { items: { key: unknown; value: unknown }[] }, depth: number): Record<string, unknown> {
    const object = Object.create(null) as Record<string, unknown>
    const merged: Record<string, unknown>[] = []
    for (const { key, value } of node.items) {
      if (isMergeKey(key)) merged.push(...this.#merges(value as Node, depth))
      else {
        const name = this.#key(key as Node)
        if (name in object) this.#fault(`the key ${JSON.stringify(name)} is there twice`, key as Node)
        object[name] = this.value(value as Node, depth + 1)
      }
    }
    for (const from of merged) for (const name of Object.keys(from)) if (!(name in object)) object[name] = from[name]
    return object
  }

  #merges(node: Node, depth: number): Record<string, unknown>[] {
    const value = this.value(node, depth + 1)
    const all = Array.isArray(value) ? value : [value]
    if (all.every(isObject)) return all
    this.#fault('"<<" merges maps only', node)
    return []
  }

  /** `[fd00::]` is an address to Istio's parser, a map with the key `fd00:` to YAML 1.2: a colon ends a key only before a blank. */
  #colonAtEnd(item: unknown): string | undefined {
    if (!isMap(item) || item.items.length !== 1) return undefined
    const { key, value } = item.items[0]!
    if (!isScalar(key) || key.type !== 'PLAIN' || !key.range || (isScalar(value) ? value.source : value)) return undefined
    const end = key.range[1]
    if (item.range?.[0] !== key.range[0] || !/^:[,\]}]/.test(this.#text.slice(end, end + 2))) return undefined
    return `${key.source}:`
  }

  #key(node: Node | null): string {
    if (this.#inAlias === 0) this.#remember(node)
    const target = isAlias(node) ? this.#anchors.get(node.source) : node
    if (target === null || target === undefined) return 'null'
    if (isScalar(target)) return String(target.value)
    this.#fault('a key must be plain text', node)
    return ''
  }

  #alias(node: Node & { source: string }, depth: number): unknown {
    const target = this.#anchors.get(node.source)
    if (target === undefined) return this.#stop('unresolved alias', node)
    this.#inAlias++
    const value = this.value(target, depth + 1)
    this.#inAlias--
    return value
  }

  #stop(message: string, node: Node | null | undefined): never {
    this.#fault(message, node)
    throw new Stop()
  }
}

/** The members of a map by name, for those who look for many of them. */
const membersOf = new WeakMap<object, ReadonlyMap<string, { key: unknown; value: unknown }>>()

function pairsOf(node: { items: readonly unknown[] }): ReadonlyMap<string, { key: unknown; value: unknown }> {
  let members = membersOf.get(node)
  if (members === undefined) {
    const found = new Map<string, { key: unknown; value: unknown }>()
    for (const item of node.items) if (isPair(item) && !found.has(keyText(item.key))) found.set(keyText(item.key), item)
    membersOf.set(node, (members = found))
  }
  return members
}

/** Offset of the member the steps lead to, as far as they lead. */
function offsetOf(document: Document.Parsed, root: Node | null, steps: readonly (string | number)[]): number | undefined {
  let node: Node | null | undefined = root
  let offset = root?.range?.[0]
  for (const step of steps) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node) && typeof step === 'string') {
      const pair = pairsOf(node).get(step)
      if (pair === undefined) return offset
      offset = (pair.key as Node | null)?.range?.[0] ?? offset
      node = pair.value as Node | null
    } else if (isSeq(node) && typeof step === 'number') {
      const item = node.items[step] as Node | null | undefined
      if (item === undefined) return offset
      offset = item?.range?.[0] ?? offset
      node = item
    } else return offset
  }
  return offset
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key)
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && (key.source === '<<' || key.value === '<<' || typeof key.value === 'symbol')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function octal(text: string): number {
  const digits = text.replaceAll('_', '')
  return digits.startsWith('-') ? -Number.parseInt(digits.slice(1), 8) : Number.parseInt(digits, 8)
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!
}

/** Line where brackets nest too deeply for the parser's own recursion. Quoted text is counted too: nobody writes a hundred open brackets. */
function depthOf(text: string, limit: number): TextPosition | undefined {
  let line = 1
  let open = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 10) line++
    else if (code === 91 || code === 123) {
      if (++open > limit * 2) return { line, column: index - text.lastIndexOf('\n', index - 1) }
    } else if ((code === 93 || code === 125) && open > 0) open--
  }
  return undefined
}

function broken(message: string, at: TextPosition = { line: 1, column: 1 }): YamlDocument {
  return { value: undefined, line: at.line, faults: [{ message, ...at }], locate: () => at }
}
