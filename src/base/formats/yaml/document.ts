/** What reading a text yields, and what it may cost. */

/** Position in a text; both count from 1. */
export interface TextPosition {
  line: number
  column: number
}

/** An error of a text. */
export interface YamlFault extends TextPosition {
  message: string
}

/** One document of a text. */
export interface YamlDocument {
  /** The value; `undefined` for a document of comments only, or with errors. */
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
  /** Documents in a text. Default 100,000. */
  documents?: number
  /** Nesting of collections, in whatever style. Default 100. */
  depth?: number
  /** Words, marks and line ends of a document; values of one in JSON. Default 1,500,000. */
  tokens?: number
  /** Values that aliases may add by expansion. Default 100,000. */
  aliased?: number
  /** Errors reported of a document. Default 100. */
  faults?: number
}

export type Bounds = Required<YamlLimits>

export const DEFAULT_BOUNDS: Bounds = {
  size: 16 * 1024 * 1024,
  documents: 100_000,
  depth: 100,
  tokens: 1_500_000,
  aliased: 100_000,
  faults: 100,
}

export const tooDeep = ({ depth }: Bounds): string => `nested deeper than ${depth}`
export const tooLong = ({ tokens }: Bounds): string => `the document has more than ${tokens} tokens; split it into several documents`
export const tooManyFaults = ({ faults }: Bounds): string => `more than ${faults} errors; the rest is not reported`

/** A document that cannot be read at all. */
export function broken(message: string, at: TextPosition = { line: 1, column: 1 }): YamlDocument {
  return { value: undefined, line: at.line, faults: [{ message, ...at }], locate: () => at }
}
