/**
 * Which DestinationRule holds for a service: the caller's namespace first, then the service's, then the root's; in each the exact host
 * before the longest wildcard. Several rules for one host become one: the first gives the policy, later ones add subsets. A rule for
 * chosen workloads stands in for the general one.
 */
import { narrower, type Trust } from '../../core/trust.ts'
import type { RuleDocument } from './document.ts'
import { isWildcard, mostSpecific } from './hosts.ts'
import { type Caller, hasLabels, hostIn, namespaceOf, ofKind } from './select-documents.ts'
import type { Service } from './select-services.ts'

export interface DestinationRule {
  host: string
  trafficPolicy?: any
  subsets: any[]
  selector?: Record<string, string>
  /** As written; those with a selector stay in their namespace. Empty: the mesh's default. */
  exportTo: ReadonlySet<string>
  document: RuleDocument
  /** What bounds the addresses that it leads to: the trust of all documents joined here. */
  trust?: Trust | undefined
}

/** Rules of one namespace, by host. */
class Pool {
  readonly #byHost = new Map<string, DestinationRule[]>()
  readonly #wildcards: string[] = []

  of(host: string): readonly DestinationRule[] | undefined {
    return mostSpecific(host, this.#byHost, this.#wildcards)
  }

  /** Joins rules that are alike; a wider export is joined to a narrower one and stands alone too, as in Istio. */
  add(rule: DestinationRule): void {
    const same = this.#byHost.get(rule.host)
    if (same === undefined) {
      this.#byHost.set(rule.host, [copyOf(rule)])
      if (isWildcard(rule.host)) this.#wildcards.push(rule.host)
      return
    }
    let alone = true
    for (const known of same) {
      const equal = known.exportTo.size === rule.exportTo.size && contains(known.exportTo, rule.exportTo)
      alone = !equal
      if (!equal && (known.exportTo.size === 0 || !contains(rule.exportTo, known.exportTo))) continue
      if (known.selector !== undefined && rule.selector !== undefined && !sameLabels(known.selector, rule.selector)) {
        alone = true
        continue
      }
      if ((known.selector === undefined) === (rule.selector === undefined)) alone = false
      merge(known, rule)
    }
    if (alone) same.push(copyOf(rule))
  }
}

export class DestinationRules {
  readonly #local: Map<string, Pool>
  readonly #exported: Map<string, Pool>
  readonly #privateInRoot: Pool
  readonly #found = new Map<string, DestinationRule | undefined>()
  readonly #caller: Caller

  /** With the `same` rules of another caller, who differs in namespace and labels only, nothing is read again. */
  constructor(documents: readonly RuleDocument[], caller: Caller, same?: DestinationRules) {
    this.#caller = caller
    this.#local = same === undefined ? new Map() : same.#local
    this.#exported = same === undefined ? new Map() : same.#exported
    this.#privateInRoot = same === undefined ? new Pool() : same.#privateInRoot
    if (same !== undefined) return
    const rules = ofKind(documents, 'DestinationRule').map(document => readRule(document, caller))
    const chosen = (rule: DestinationRule) => rule.selector !== undefined
    for (const rule of [...rules.filter(chosen), ...rules.filter(rule => !chosen(rule))]) this.#add(rule)
  }

  /** The rule for a service, if any. */
  of(service: Pick<Service, 'host' | 'namespace'>): DestinationRule | undefined {
    const key = `${service.namespace}/${service.host}`
    if (!this.#found.has(key)) this.#found.set(key, this.#select(service))
    return this.#found.get(key)
  }

  #select(service: Pick<Service, 'host' | 'namespace'>): DestinationRule | undefined {
    const { namespace, rootNamespace } = this.#caller
    const own = namespace === rootNamespace ? this.#privateInRoot : this.#local.get(namespace)
    const list = own?.of(service.host) ?? this.#exportedBy(service.namespace, service.host) ?? this.#exportedBy(rootNamespace, service.host)
    const mine = list?.find(
      rule => rule.selector !== undefined && namespaceOf(rule.document) === namespace && hasLabels(this.#caller.labels, rule.selector),
    )
    return mine ?? list?.filter(rule => rule.selector === undefined).at(-1)
  }

  /** The rules for a host that a namespace exports to the caller. What is not exported to it still hides a wildcard's. */
  #exportedBy(namespace: string, host: string): readonly DestinationRule[] | undefined {
    const found = this.#exported
      .get(namespace)
      ?.of(host)
      ?.filter(({ exportTo }) => exportTo.size === 0 || exportTo.has('*') || exportTo.has(this.#caller.namespace))
    return found?.length ? found : undefined
  }

  #add(rule: DestinationRule): void {
    const namespace = namespaceOf(rule.document)
    const { exportTo } = rule
    const byDefault = exportTo.size === 0
    if (byDefault || exportTo.has('*') || exportTo.has('.') || exportTo.has(namespace)) poolOf(this.#local, namespace).add(rule)
    const isPrivate = byDefault
      ? this.#caller.mesh.defaultDestinationRuleExportTo?.includes('.') === true
      : exportTo.size === 1 && (exportTo.has('.') || exportTo.has(namespace))
    if (!isPrivate) poolOf(this.#exported, namespace).add(rule)
    else if (namespace === this.#caller.rootNamespace) this.#privateInRoot.add(rule)
  }
}

function readRule(document: RuleDocument, caller: Caller): DestinationRule {
  const { spec } = document
  const selector: Record<string, string> | undefined =
    spec.workloadSelector === undefined ? undefined : (spec.workloadSelector.matchLabels ?? {})
  const rule: DestinationRule = {
    host: hostIn(document, String(spec?.host ?? ''), caller),
    subsets: (spec.subsets ?? []).filter((subset: any) => typeof subset?.name === 'string'), // validation refuses the others
    exportTo: new Set<string>(selector === undefined ? spec.exportTo : ['.']),
    document,
  }
  if (document.trust !== undefined) rule.trust = narrower(document.trust, undefined)
  if (spec.trafficPolicy !== undefined) rule.trafficPolicy = spec.trafficPolicy
  if (selector !== undefined) rule.selector = selector
  return rule
}

function poolOf(pools: Map<string, Pool>, namespace: string): Pool {
  let pool = pools.get(namespace)
  if (pool === undefined) pools.set(namespace, (pool = new Pool()))
  return pool
}

/** Each pool joins rules in its own way, so each has its own. */
function copyOf(rule: DestinationRule): DestinationRule {
  return { ...rule, subsets: unique(rule.subsets) }
}

function merge(into: DestinationRule, rule: DestinationRule): void {
  into.trafficPolicy ??= rule.trafficPolicy
  into.trust = narrower(into.trust, rule.trust)
  into.subsets = unique([...into.subsets, ...rule.subsets])
}

function unique(subsets: readonly any[]): any[] {
  const names = new Set<string>()
  return subsets.filter(({ name }) => !names.has(name) && names.add(name))
}

function contains(all: ReadonlySet<string>, some: ReadonlySet<string>): boolean {
  for (const item of some) if (!all.has(item)) return false
  return true
}

function sameLabels(a: Record<string, string>, b: Record<string, string>): boolean {
  return Object.keys(a).length === Object.keys(b).length && hasLabels(a, b)
}
