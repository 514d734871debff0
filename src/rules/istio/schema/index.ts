/** The kinds of documents that are read, each described once: decoding, types, JSON Schema and the tables of the docs come from here. */
import { destinationRule } from './destination-rule.ts'
import type { Message } from './field.ts'
import { resiliencePolicy } from './resilience-policy.ts'
import { serviceEntry, workloadEntry } from './service-entry.ts'
import { sidecar } from './sidecar.ts'
import { virtualService } from './virtual-service.ts'

/** The kinds of `networking.istio.io`. */
export const ISTIO_KINDS: ReadonlyMap<string, Message> = new Map([
  ['VirtualService', virtualService],
  ['DestinationRule', destinationRule],
  ['ServiceEntry', serviceEntry],
  ['WorkloadEntry', workloadEntry],
  ['Sidecar', sidecar],
])
/** The kinds of `meshless.dev`. */
export const OWN_KINDS: ReadonlyMap<string, Message> = new Map([['ResiliencePolicy', resiliencePolicy]])

export const ISTIO_VERSIONS = ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'] as const
export const OWN_VERSION = 'meshless.dev/v1'

/** The spec of a kind; `undefined` for kinds that are left alone. */
export function specOf(apiVersion: string, kind: string): Message | undefined {
  if ((ISTIO_VERSIONS as readonly string[]).includes(apiVersion)) return ISTIO_KINDS.get(kind)
  return apiVersion === OWN_VERSION ? OWN_KINDS.get(kind) : undefined
}
