/** What the documents say together, as one namespace sees it. */
import type { RuleDocument } from '../document.ts'
import { type DestinationRule, DestinationRules } from '../select-destination-rule.ts'
import { type Caller, callerOf, hasLabels, hostIn } from '../select-documents.ts'
import { byHost, type Declared, type Service, selectServices } from '../select-services.ts'
import { selectVirtualServices, type VirtualService } from '../select-virtual-services.ts'

export class View {
  readonly services: ReadonlyMap<string, Service>
  readonly virtualServices: readonly VirtualService[]
  readonly documents: readonly RuleDocument[]
  readonly rules: DestinationRules
  readonly #caller: Caller
  #speakers: Map<string, VirtualService[]> | undefined

  constructor(documents: readonly RuleDocument[], namespace: string, declared: readonly Declared[], other?: View) {
    this.documents = documents
    this.#caller = callerOf({ namespace }, {})
    this.services = byHost(selectServices(documents, this.#caller, declared), this.#caller)
    this.virtualServices = selectVirtualServices(documents, this.#caller).list
    this.rules = new DestinationRules(documents, this.#caller, other?.rules)
  }

  full(host: unknown, document: RuleDocument): string {
    return hostIn(document, String(host ?? ''), this.#caller)
  }

  service(host: unknown, document: RuleDocument): Service | undefined {
    return this.services.get(this.full(host, document))
  }

  ruleFor(host: unknown, document: RuleDocument): DestinationRule | undefined {
    const full = this.full(host, document)
    const namespace = /^[^.]+\.([^.]+)\.svc\./.exec(full)?.[1] ?? this.#caller.namespace
    return this.rules.of(this.services.get(full) ?? { host: full, namespace })
  }

  /** The policy of a destination: its subset's blocks over the host's. */
  policyFor(destination: any, document: RuleDocument): any {
    const rule = this.ruleFor(destination?.host, document)
    const subset = rule?.subsets.find(({ name }) => name === destination?.subset)
    return { ...rule?.trafficPolicy, ...subset?.trafficPolicy }
  }

  /** How many endpoints the documents declare for a host or subset; `undefined` when they do not tell. */
  endpoints(host: unknown, document: RuleDocument, labels?: Record<string, string>): number | undefined {
    const service = this.service(host, document)
    if (service === undefined || service.resolution !== 'STATIC') return undefined
    return service.endpoints.filter(endpoint => hasLabels(endpoint.labels, labels)).length
  }

  /** VirtualServices that name a host, the one that counts first. */
  speakersFor(host: string): readonly VirtualService[] {
    if (this.#speakers === undefined) {
      this.#speakers = new Map()
      for (const virtualService of this.virtualServices)
        for (const name of virtualService.hosts) {
          const same = this.#speakers.get(name)
          if (same === undefined) this.#speakers.set(name, [virtualService])
          else same.push(virtualService)
        }
    }
    return this.#speakers.get(host.toLowerCase()) ?? []
  }
}
