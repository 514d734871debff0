/**
 * Documents that are written in JSON, which YAML contains: read without YAML's machinery, at a
 * fraction of its time and memory, with the same bounds and the same positions.
 */
import { type Bounds, broken, type TextPosition, tooDeep, tooLong, tooManyFaults, type YamlDocument } from './document.ts'
import type { ParseFault } from './parse.ts'
import type { Piece } from './pieces.ts'
import { recent } from './recent.ts'

/** The document that a piece is; `undefined` when it is not JSON. */
export function jsonDocument(piece: Piece, bounds: Bounds): YamlDocument | undefined {
  const { text, line } = piece
  const start = /^\uFEFF?(?:---(?=[ \t\r\n]))?[ \t\r\n]*/.exec(text)![0].length
  const first = text.charCodeAt(start)
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return undefined
  const reader = new JsonReader(text, start, bounds, VALUES)
  let value: unknown
  try {
    value = reader.document()
  } catch (error) {
    if (error !== STOP) return undefined
  }
  const lines = new Lines(text)
  const position = (offset: number): TextPosition => lines.position(offset, line)
  const at = position(start)
  const faults = reader.faults.map(({ message, offset }) => ({ message, ...position(offset) }))
  if (faults.length > 0) return { ...broken('', at), faults }
  return { value, line: at.line, faults, locate: locator(piece, start, bounds) }
}

/** Made apart from the reading, so that it keeps the text and not what was read from it. */
function locator(piece: Piece, start: number, bounds: Bounds): YamlDocument['locate'] {
  const index = () => ({
    root: new JsonReader(piece.text, start, bounds, PLACES).document(),
    lines: new Lines(piece.text),
  })
  return steps => {
    const { root, lines } = recent(piece, index)
    return lines.position(offsetAt(root, steps), piece.line)
  }
}

const OPEN_BRACE = 123
const CLOSE_BRACE = 125
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const QUOTE = 34
const BACKSLASH = 92
const COMMA = 44
const COLON = 58

/** What a reader makes of the parts of a text. */
interface Maker<T> {
  scalar(value: unknown, offset: number): T
  list(items: T[], offset: number): T
  map(members: readonly JsonMember<T>[], offset: number, fault: (message: string, offset: number) => void): T
}

interface JsonMember<T> {
  readonly name: string
  readonly offset: number
  readonly value: T
}

const VALUES: Maker<unknown> = {
  scalar: value => value,
  list: items => items,
  map(members, _, fault) {
    const object = Object.create(null) as Record<string, unknown>
    for (const { name, offset, value } of members) {
      if (name in object) fault(`the key ${JSON.stringify(name)} is there twice`, offset)
      object[name] = value
    }
    return object
  },
}

/** Where a value is; a member of a map is where its key is. */
interface Place {
  readonly offset: number
  readonly items?: readonly Place[]
  readonly members?: ReadonlyMap<string, JsonMember<Place>>
}

const PLACES: Maker<Place> = {
  scalar: (_, offset) => ({ offset }),
  list: (items, offset) => ({ offset, items }),
  map: (members, offset) => ({ offset, members: new Map(members.map(member => [member.name, member])) }),
}

function offsetAt(root: Place, steps: readonly (string | number)[]): number {
  let place = root
  let { offset } = root
  for (const step of steps) {
    const member = typeof step === 'string' ? place.members?.get(step) : undefined
    const next = typeof step === 'string' ? member?.value : place.items?.[step]
    if (next === undefined) return offset
    offset = member?.offset ?? next.offset
    place = next
  }
  return offset
}

/** Where the lines of a text begin. */
class Lines {
  readonly #starts = [0]

  constructor(text: string) {
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) this.#starts.push(end + 1)
  }

  position(offset: number, linesBefore: number): TextPosition {
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1 + linesBefore, column: offset - this.#starts[low]! + 1 }
  }
}

/** Thrown when the text is not JSON, and when it exceeds a bound. */
const NOT_JSON = new Error('not JSON')
const STOP = new Error('stopped')

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const WORDS: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

class JsonReader<T> {
  readonly faults: ParseFault[] = []
  readonly #text: string
  readonly #bounds: Bounds
  readonly #make: Maker<T>
  readonly #fault = (message: string, offset: number): void => {
    if (this.faults.length >= this.#bounds.faults) this.#stop(tooManyFaults(this.#bounds), offset)
    this.faults.push({ message, offset })
  }
  #at: number
  #values = 0

  constructor(text: string, start: number, bounds: Bounds, make: Maker<T>) {
    this.#text = text
    this.#at = start
    this.#bounds = bounds
    this.#make = make
  }

  document(): T {
    const value = this.#value(0)
    this.#skipBlanks()
    if (this.#at < this.#text.length) throw NOT_JSON
    return value
  }

  #value(depth: number): T {
    const offset = this.#at
    if (depth > this.#bounds.depth) this.#stop(tooDeep(this.#bounds), offset)
    if (++this.#values > this.#bounds.tokens) this.#stop(tooLong(this.#bounds), offset)
    switch (this.#text.charCodeAt(offset)) {
      case OPEN_BRACE:
        return this.#map(depth, offset)
      case OPEN_BRACKET:
        return this.#list(depth, offset)
      case QUOTE:
        return this.#make.scalar(this.#string(), offset)
      default:
        return this.#make.scalar(this.#word(), offset)
    }
  }

  #map(depth: number, offset: number): T {
    const members: JsonMember<T>[] = []
    this.#at++
    for (let more = !this.#ends(CLOSE_BRACE); more; more = this.#continues(CLOSE_BRACE)) {
      this.#skipBlanks()
      const key = this.#at
      if (this.#text.charCodeAt(key) !== QUOTE) throw NOT_JSON
      const name = this.#string()
      this.#skipBlanks()
      if (this.#text.charCodeAt(this.#at++) !== COLON) throw NOT_JSON
      this.#skipBlanks()
      members.push({ name, offset: key, value: this.#value(depth + 1) })
    }
    return this.#make.map(members, offset, this.#fault)
  }

  #list(depth: number, offset: number): T {
    const items: T[] = []
    this.#at++
    for (let more = !this.#ends(CLOSE_BRACKET); more; more = this.#continues(CLOSE_BRACKET)) {
      this.#skipBlanks()
      items.push(this.#value(depth + 1))
    }
    return this.#make.list(items, offset)
  }

  /** Whether the collection ends here, and steps over its end. */
  #ends(close: number): boolean {
    this.#skipBlanks()
    if (this.#text.charCodeAt(this.#at) !== close) return false
    this.#at++
    return true
  }

  #continues(close: number): boolean {
    if (this.#ends(close)) return false
    if (this.#text.charCodeAt(this.#at++) !== COMMA) throw NOT_JSON
    return true
  }

  #string(): string {
    const from = this.#at
    let at = from + 1
    let isPlain = true
    for (let code = this.#text.charCodeAt(at); code !== QUOTE; code = this.#text.charCodeAt(++at)) {
      if (Number.isNaN(code) || code < 32) throw NOT_JSON
      if (code !== BACKSLASH) continue
      isPlain = false
      at++
    }
    this.#at = at + 1
    if (isPlain) return this.#text.slice(from + 1, at)
    try {
      return JSON.parse(this.#text.slice(from, at + 1)) as string
    } catch {
      throw NOT_JSON
    }
  }

  #word(): unknown {
    for (const [word, value] of WORDS)
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    NUMBER.lastIndex = this.#at
    const found = NUMBER.exec(this.#text)
    if (found === null) throw NOT_JSON
    this.#at += found[0].length
    return Number(found[0])
  }

  #skipBlanks(): void {
    for (let code = this.#text.charCodeAt(this.#at); code === 32 || (code <= 13 && code >= 9 && code !== 11 && code !== 12); )
      code = this.#text.charCodeAt(++this.#at)
  }

  #stop(message: string, offset: number): never {
    this.faults.push({ message, offset })
    throw STOP
  }
}
