/** Endpoints that rules of a bounded trust may not lead to. */
import { type AddressKind, addressKind, isIPAddress } from '../../base/formats/addresses.ts'
import { forbiddenKind, forbiddenOf, TRUST, type Trust } from '../../core/trust.ts'
import type { Metadata } from '../../envoy/index.ts'
import type { Host } from './host.ts'

/** The trust of the documents that configuration was made from. */
export function trustOf(metadata: Metadata | undefined): Trust | undefined {
  return metadata?.filterMetadata?.[TRUST]
}

/**
 * Whether an address may become an endpoint. What is neither an IP address nor a Unix socket is
 * looked up once more when it is dialed, unseen, so it may not.
 */
export function isWithinReach(address: string, trust: Trust): boolean {
  const kind = addressKind(address)
  if (kind === 'ordinary') return isIPAddress(address)
  return forbiddenOf(trust, kind) === undefined
}

/** Of hosts, once worked out; `others` may change. */
const kinds = new WeakMap<Host, { others: Host['others']; kinds: readonly AddressKind[] }>()

/** Whether a route that is bounded leads to a host that its trust forbids, here or at another of its addresses. */
export function isOutOfReach(host: Host, trust: Trust | undefined): boolean {
  if (trust === undefined) return false
  let known = kinds.get(host)
  if (known === undefined || known.others !== host.others) {
    const { address, others } = host
    known = { others, kinds: [address, ...(others ?? [])].map(addressKind) }
    kinds.set(host, known)
  }
  return known.kinds.some(kind => forbiddenOf(trust, kind) !== undefined)
}

/** Why a request gets no answer, for people. */
export function outOfReach(address: string, trust: Trust): Error {
  const kind = forbiddenKind(trust, address)
  const what = kind === undefined ? '' : ` (${kind})`
  const message = `${address}${what}: the source of the rules that lead there is not trusted with it`
  return Object.assign(new Error(message), { code: 'ERR_TRUST' })
}
