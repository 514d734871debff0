/** The condition on the path: most routes have one, and it is asked first, so it is data and not a closure. */
import { compileRe2, type Matcher } from '../../base/formats/re2.ts'
import type { RouteMatch } from '../../envoy/index.ts'

type Kind = 'any' | 'exact' | 'prefix' | 'segments' | 'regex'

export class PathRule {
  readonly kind: Kind
  /** In lower case when `fold`. */
  readonly text: string
  readonly fold: boolean
  readonly #regex: Matcher | undefined

  constructor(match: RouteMatch) {
    const fold = match.caseSensitive === false
    const { path, prefix, pathSeparatedPrefix, safeRegex } = match
    const text = path ?? pathSeparatedPrefix ?? prefix ?? ''
    this.fold = fold && safeRegex === undefined
    this.text = this.fold ? text.toLowerCase() : text
    this.#regex = undefined
    if (path !== undefined) this.kind = 'exact'
    else if (pathSeparatedPrefix !== undefined) this.kind = 'segments'
    else if (safeRegex !== undefined) {
      this.kind = 'regex'
      this.text = safeRegex.regex
      this.#regex = compileRe2(safeRegex.regex)
    } else this.kind = text === '' || text === '/' ? 'any' : 'prefix'
  }

  /** `path`: without its query. */
  holds(path: string): boolean {
    const { kind, text } = this
    if (kind === 'any') return true
    if (kind === 'regex') return this.#regex!.test(path)
    const given = this.fold ? path.toLowerCase() : path
    if (kind === 'exact') return given === text
    if (!given.startsWith(text)) return false
    return kind === 'prefix' || given.length === text.length || given.charCodeAt(text.length) === SLASH
  }

  /** The first segment that a path must have; `undefined` when several are possible. */
  get segment(): string | undefined {
    const { kind, text, fold } = this
    if (fold || kind === 'any' || kind === 'regex' || text.charCodeAt(0) !== SLASH) return undefined
    const end = text.indexOf('/', 1)
    if (end < 0) return kind === 'exact' || kind === 'segments' ? text.slice(1) : undefined
    return text.slice(1, end)
  }

  /** For people; `undefined` when it holds for every path. */
  get said(): string | undefined {
    const words = { any: undefined, exact: '=', prefix: 'starts with', segments: 'is in', regex: 'matches' }[this.kind]
    return words && `path ${words} ${this.text}`
  }
}

const SLASH = 47
