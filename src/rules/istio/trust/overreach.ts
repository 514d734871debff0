/** What documents reach only together, and the source of one of them is not trusted with: left out of the configuration, and reported. */
import { append } from '../../../base/append.ts'
import { addressKind } from '../../../base/formats/addresses.ts'
import type { Steps } from '../../../base/time/slices.ts'
import { forbiddenKind, narrower } from '../../../core/trust.ts'
import { namedDelegate } from '../delegates.ts'
import type { RuleDocument } from '../document.ts'
import type { Caller } from '../select-documents.ts'
import { type Declared, Workloads } from '../select-services.ts'
import { destinationsOf, type VirtualService, type VirtualServices } from '../select-virtual-services.ts'
import { type TrustCode, untrusted, untrustedHost } from '../trust.ts'
import { type Overreach, untrustedDelegate, untrustedJoin } from './joins.ts'

/** A diagnostic: an error when the document is added, a warning when another one is. */
export interface OverreachReport {
  readonly document: RuleDocument
  readonly code: TrustCode
  readonly path: string
  readonly message: string
  readonly hint: string
}

export function* overreaching(
  documents: readonly RuleDocument[],
  declared: readonly Declared[],
  virtualServices: VirtualServices,
  caller: Caller,
): Steps<OverreachReport[]> {
  if (!documents.some(({ trust }) => trust !== undefined)) return []
  const found = [...joins(documents, declared, caller)]
  const addresses = addressesOf(declared)
  for (const virtualService of virtualServices.list) {
    append(found, delegates(virtualService.document, virtualServices.delegates, caller))
    append(found, destinations(virtualService, addresses))
    yield
  }
  return found
}

/** Addresses that rules may be kept from, by host: few have any. */
function addressesOf(declared: readonly Declared[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { host, endpoints } of declared)
    for (const { address } of endpoints) {
      if (addressKind(address) === 'ordinary') continue
      const same = found.get(host)
      if (same === undefined) found.set(host, [address])
      else same.push(address)
    }
  return found
}

function report({ document, kind, touched }: Overreach, path: string, what: string): OverreachReport {
  const { code, message, hint } = kind === 'host' ? untrustedHost(document.trust, touched) : untrusted(kind, touched)
  return { document, code, path, message: `${what}: ${message}`, hint }
}

function* joins(documents: readonly RuleDocument[], declared: readonly Declared[], caller: Caller): Generator<OverreachReport> {
  const selecting = new Map(declared.filter(({ selects }) => selects).map(service => [service.document, service.namespace]))
  if (selecting.size === 0) return
  const workloads = new Workloads(documents.filter(({ kind }) => kind === 'WorkloadEntry'))
  for (const [service, namespace] of selecting)
    for (const { document: workload } of workloads.with(service.spec.workloadSelector.labels ?? {}, namespace)) {
      const found = untrustedJoin(service, workload, caller)
      if (found === undefined) continue
      const names = `WorkloadEntry ${workload.metadata.name} is left out of ServiceEntry ${service.metadata.name}`
      yield report(found, found.document === workload ? 'spec' : 'spec.workloadSelector', names)
    }
}

function* delegates(root: RuleDocument, known: ReadonlyMap<string, RuleDocument>, caller: Caller): Generator<OverreachReport> {
  for (const [index, http] of (root.spec.http ?? []).entries()) {
    if (http.delegate == null) continue
    const delegate = namedDelegate(http.delegate, root, known, caller)
    const found = delegate && untrustedDelegate(root, delegate, caller)
    if (found === undefined) continue
    const names = `VirtualService ${root.metadata.name} does not delegate to ${http.delegate.name}`
    yield report(found, found.document === root ? `spec.http[${index}].delegate` : 'spec', names)
  }
}

/** Services of other documents whose endpoints a route must not lead to: calls get 503. */
function* destinations({ rules, hosts }: VirtualService, addresses: ReadonlyMap<string, readonly string[]>): Generator<OverreachReport> {
  for (const { http, document, root, path } of rules) {
    const trust = narrower(document.trust, root.trust)
    if (trust === undefined) continue
    for (const { host } of destinationsOf(http)) {
      if (hosts.every(own => own === host)) continue
      for (const address of addresses.get(host) ?? []) {
        const kind = forbiddenKind(trust, address)
        if (kind === undefined) continue
        yield report({ document, kind, touched: address }, path, `${host} gets no request by this route`)
        break
      }
    }
  }
}
