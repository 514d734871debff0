/** The last versions of the rules. A version is the sets of all sources as they were, so that going back brings back everything. */
import type { RuleSets } from './rule-set.ts'

/** What made a version. */
export type Action = 'initial' | 'apply' | 'patch' | 'rollback' | 'source'

/** A version as people see it. */
export interface Version {
  readonly version: number
  /** When it came into force, ms since the epoch. */
  readonly at: number
  readonly action: Action
  /** Whose set it changed; `*` for a rollback, which sets all of them. */
  readonly source: string
  readonly documents: number
  /** Documents that were added, changed and removed, as `VirtualService/default/reviews`; at most 20 of each. */
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

export class History {
  readonly #max: number
  readonly #versions: { version: Version; sets: RuleSets }[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** Newest last. */
  get list(): readonly Version[] {
    return this.#versions.map(entry => entry.version)
  }

  add(version: Version, sets: RuleSets): void {
    this.#versions.push({ version, sets })
    if (this.#versions.length > this.#max) this.#versions.shift()
  }

  /** The sets of a version; `undefined` when it was never there or is no longer kept. */
  get(version: number): RuleSets | undefined {
    return this.#versions.find(entry => entry.version.version === version)?.sets
  }
}
