/**
 * Who changed what, and whether it was done: the last entries, oldest first. What came without the
 * token is kept apart, so that refused requests cannot push out those that changed something.
 */

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

interface Kept {
  readonly order: number
  readonly entry: AuditEntry
  /** What those without the token see. */
  readonly code: string | undefined
}

export class Audit {
  readonly #max: number
  readonly #trusted: Kept[] = []
  readonly #untrusted: Kept[] = []
  #order = 0

  constructor(max = 200) {
    this.#max = max
  }

  /** `code`: of the error, whose message may quote a secret. */
  add(entry: AuditEntry, trusted: boolean, code: string | undefined): void {
    const kept = trusted ? this.#trusted : this.#untrusted
    kept.push({ order: this.#order++, entry, code })
    if (kept.length > this.#max) kept.shift()
  }

  /** With the messages of errors, or with their codes in their place. */
  entries(whole: boolean): AuditEntry[] {
    return [...this.#trusted, ...this.#untrusted]
      .sort((a, b) => a.order - b.order)
      .map(({ entry, code }) => (whole || code === undefined ? entry : { ...entry, error: code }))
  }
}
