/** Who changed what, and whether it was done: the last entries, newest last. */

export interface AuditEntry {
  /** ms since the epoch. */
  readonly at: number
  readonly from: string
  /** `PUT /rules/VirtualService/default/reviews`. */
  readonly action: string
  readonly status: number
  /** Version of the rules afterwards. */
  readonly version: number
  /** Why it was not done. */
  readonly error?: string
}

export class Audit {
  readonly #max: number
  readonly #entries: AuditEntry[] = []

  constructor(max = 200) {
    this.#max = max
  }

  get entries(): readonly AuditEntry[] {
    return this.#entries
  }

  add(entry: AuditEntry): void {
    this.#entries.push(entry)
    if (this.#entries.length > this.#max) this.#entries.shift()
  }
}
