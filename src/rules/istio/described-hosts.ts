/** Which hosts the documents describe at all, whoever sees them: for those nothing is assumed. */
import type { RuleDocument } from './document.ts'
import { isWildcard } from './hosts.ts'
import { type Caller, hostIn } from './select-documents.ts'

export class DescribedHosts {
  readonly #exact = new Set<string>()
  readonly #suffixes: string[] = []

  constructor(documents: readonly RuleDocument[], caller: Caller) {
    for (const document of documents)
      if (document.kind === 'ServiceEntry') for (const host of document.spec?.hosts ?? []) this.#add(hostIn(document, String(host), caller))
  }

  #add(host: string): void {
    if (isWildcard(host)) this.#suffixes.push(host.slice(1).toLowerCase())
    else this.#exact.add(host.toLowerCase())
  }

  /** Whether a ServiceEntry names it: in this case of letters or another, or by a wildcard. `host` in full. */
  has(host: string): boolean {
    const lower = host.toLowerCase()
    return this.#exact.has(lower) || this.#suffixes.some(suffix => lower.endsWith(suffix))
  }
}
