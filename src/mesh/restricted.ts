/** Documents whose names must not lead to link-local addresses, even when DNS says so: those of sources that are not trusted with them. */
import { isLinkLocal } from '../base/formats/addresses.ts'
import type { Resolver } from '../core/resolver.ts'
import type { Trust } from '../core/source.ts'
import type { RuleDocument } from '../rules/istio/document.ts'

const restricted = new WeakSet<RuleDocument>()

export function restrict(documents: readonly RuleDocument[], trust: Trust | undefined): void {
  if (trust?.linkLocal === false) for (const document of documents) restricted.add(document)
}

export function isRestricted(document: RuleDocument): boolean {
  return restricted.has(document)
}

/** A resolver that does not know link-local addresses. */
export function withoutLinkLocal(resolver: Resolver): Resolver {
  return {
    async resolve(hostname, options) {
      const found = await resolver.resolve(hostname, options)
      const allowed = found.filter(entry => !isLinkLocal(entry.address))
      if (allowed.length === 0 && found.length > 0)
        throw new Error(`${hostname} resolves to link-local addresses only, and the source of its rules is not trusted with them`)
      return allowed
    },
  }
}
