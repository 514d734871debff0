/** Where rule documents come from. Each source owns its own set; a new set replaces its old one as a whole. */
import type { Clock } from '../base/time/clock.ts'
import type { Trust } from './trust.ts'

export { TIGHT, type Trust, trustFields } from './trust.ts'

export interface SourceSet {
  /** YAML text or parsed documents. */
  readonly documents: string | object | readonly (string | object)[]
  /** For diagnostics: a file path, a URL. */
  readonly origin?: string | undefined
}

/** What a source is given by the mesh it serves. */
export interface SourceSurroundings {
  readonly clock: Clock
}

export interface Source {
  /** Unique among the sources of a mesh, e.g. `files:./rules`. */
  readonly name: string
  /** Read once, when the mesh is made. Default: everything is allowed. */
  readonly trust?: Trust | undefined
  /**
   * Begins to deliver. `deliver` is called with each new set, `fail` when the source is broken (the last set stays). Returns what stops it,
   * or a promise of that; to throw or reject is to fail.
   */
  start(
    deliver: (set: readonly SourceSet[]) => void,
    fail: (error: Error) => void,
    around: SourceSurroundings,
  ): (() => void | Promise<void>) | Promise<(() => void | Promise<void>) | void> | void
}
