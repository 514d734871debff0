/** Where rule documents come from. Each source owns its own set; a new set replaces its old one as a whole. */

export interface SourceSet {
  /** YAML text or parsed documents. */
  readonly documents: string | object | readonly (string | object)[]
  /** For diagnostics: a file path, a URL. */
  readonly origin?: string | undefined
}

export interface Source {
  readonly name: string
  /** Begins to deliver. `deliver` is called with each new set, `fail` when the source is broken (the last set stays). Returns what stops it. */
  start(deliver: (set: readonly SourceSet[]) => void, fail: (error: Error) => void): () => void | Promise<void>
}
