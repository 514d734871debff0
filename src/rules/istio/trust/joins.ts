/**
 * Documents that act together: what one of them names, the other one has to be trusted with. The
 * two may come from different sources, at different times, so it is decided when they meet.
 */
import { canonicalHost, isIPAddress, isUnixSocket } from '../../../base/formats/addresses.ts'
import { forbiddenKind, isTrustedWith } from '../../../core/trust.ts'
import type { RuleDocument } from '../document.ts'
import { type Caller, hostIn } from '../select-documents.ts'
import { foreignHostIn } from '../trust.ts'

/** Whether a WorkloadEntry may be an endpoint of a ServiceEntry that selects it. */
export function isTrustedJoin(service: RuleDocument, workload: RuleDocument, caller: Caller): boolean {
  return untrustedJoin(service, workload, caller) === undefined
}

/** A document that reaches too far, and where to. */
export interface Overreach {
  readonly document: RuleDocument
  readonly kind: 'host' | 'unix-socket' | 'link-local'
  readonly touched: string
}

export function untrustedJoin(service: RuleDocument, workload: RuleDocument, caller: Caller): Overreach | undefined {
  const foreign = foreignHost(workload, service, caller)
  if (foreign !== undefined || service.trust === undefined) return foreign
  const touched = String(workload.spec?.address ?? '')
  const kind = forbiddenKind(service.trust, touched)
  if (kind !== undefined) return { document: service, kind, touched }
  const isName = touched !== '' && !isIPAddress(touched) && !isUnixSocket(touched)
  return isName && !isTrustedWith(service.trust, touched) ? { document: service, kind: 'host', touched } : undefined
}

/**
 * Whether a VirtualService may hand routes to a delegate: the delegate has to be trusted with the
 * hosts whose requests it gets, and its root with every host that the delegate names.
 */
export function isTrustedDelegate(root: RuleDocument, delegate: RuleDocument, caller: Caller): boolean {
  return untrustedDelegate(root, delegate, caller) === undefined
}

export function untrustedDelegate(root: RuleDocument, delegate: RuleDocument, caller: Caller): Overreach | undefined {
  const foreign = foreignHost(delegate, root, caller)
  if (foreign !== undefined) return foreign
  const touched = foreignHostIn(delegate, root.trust, caller)
  return touched === undefined ? undefined : { document: root, kind: 'host', touched }
}

/** The first of the hosts of `other` that the source of `document` is not trusted with. */
function foreignHost(document: RuleDocument, other: RuleDocument, caller: Caller): Overreach | undefined {
  if (document.trust?.hosts === undefined) return undefined
  for (const written of other.spec?.hosts ?? []) {
    const touched = canonicalHost(hostIn(other, String(written), caller))
    if (!isTrustedWith(document.trust, touched)) return { document, kind: 'host', touched }
  }
  return undefined
}
