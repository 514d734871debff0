/**
 * Which DestinationRule holds for a service: the caller's namespace first, then the service's, then the root's; in each the exact host
 * before the longest wildcard. Several rules for one host become one: the first gives the policy, later ones add subsets.
 */
import type { RuleDocument } from './document.ts'
import { isWildcard, mostSpecific } from './hosts.ts'
import { type Caller, hasLabels, hostIn, isExportedTo, namespaceOf, ofKind } from './select-documents.ts'
import type { Service } from './select-services.ts'

export interface DestinationRule {
  host: string
  trafficPolicy?: any
  subsets: any[]
  selector?: Record<string, string>
  exportTo: string
  document: RuleDocument
}

interface Rules {
  byHost: Map<string, DestinationRule[]>
  wildcards: string[]
}

export class DestinationRules {
  readonly #byNamespace = new Map<string, Rules>()
  readonly #found = new Map<Service, DestinationRule | undefined>()
  readonly #caller: Caller

  constructor(documents: readonly RuleDocument[], caller: Caller) {
    this.#caller = caller
    for (const document of ofKind(documents, 'DestinationRule')) {
      if (!isExportedTo(document, caller.namespace, caller.mesh.defaultDestinationRuleExportTo)) continue
      const selector: Record<string, string> | undefined = document.spec?.workloadSelector?.matchLabels
      // A rule for chosen clients holds in their own namespace only.
      if (selector !== undefined && (namespaceOf(document) !== caller.namespace || !hasLabels(caller.labels, selector))) continue
      this.#add(document, selector)
    }
  }

  /** The rule for a service, if any. */
  of(service: Service): DestinationRule | undefined {
    if (this.#found.has(service)) return this.#found.get(service)
    const { namespace, rootNamespace } = this.#caller
    const rule =
      (namespace === rootNamespace ? undefined : this.#in(namespace, service.host)) ??
      this.#in(service.namespace, service.host) ??
      this.#in(rootNamespace, service.host)
    this.#found.set(service, rule)
    return rule
  }

  #in(namespace: string, host: string): DestinationRule | undefined {
    const rules = this.#byNamespace.get(namespace)
    const found = rules && mostSpecific(host, rules.byHost, rules.wildcards)
    return found?.find(rule => rule.selector !== undefined) ?? found?.[0]
  }

  #add(document: RuleDocument, selector: Record<string, string> | undefined): void {
    const namespace = namespaceOf(document)
    let rules = this.#byNamespace.get(namespace)
    if (rules === undefined) this.#byNamespace.set(namespace, (rules = { byHost: new Map(), wildcards: [] }))
    const host = hostIn(document, String(document.spec?.host ?? ''), this.#caller).toLowerCase()
    const exportTo = [...(document.spec.exportTo ?? [])].sort().join()
    const same = rules.byHost.get(host)
    const known = same?.find(rule => rule.exportTo === exportTo && sameLabels(rule.selector, selector))
    if (known !== undefined) {
      merge(known, document.spec)
      return
    }
    const rule: DestinationRule = { host, subsets: [], exportTo, document }
    if (selector !== undefined) rule.selector = selector
    merge(rule, document.spec)
    if (same !== undefined) same.push(rule)
    else {
      rules.byHost.set(host, [rule])
      if (isWildcard(host)) rules.wildcards.push(host)
    }
  }
}

function merge(rule: DestinationRule, spec: any): void {
  rule.trafficPolicy ??= spec.trafficPolicy
  for (const subset of spec.subsets ?? []) if (!rule.subsets.some(({ name }) => name === subset.name)) rule.subsets.push(subset)
}

function sameLabels(a: Record<string, string> | undefined, b: Record<string, string> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return Object.keys(a).length === Object.keys(b).length && hasLabels(a, b)
}
