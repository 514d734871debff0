/**
 * References across documents that lead nowhere, seen without a mesh: from each namespace for itself. Services may live where no document
 * tells of them, so an unknown host is only said when the documents declare services at all, an unknown subset when they have
 * destination rules.
 */
import { append } from '../../base/append.ts'
import { suggest } from '../../core/schema/read.ts'
import { DescribedHosts } from './described-hosts.ts'
import { type Diagnostic, diagnose, type Severity } from './diagnostic.ts'
import { member, type RuleDocument } from './document.ts'
import { isWildcard } from './hosts.ts'
import type { MeshConfig } from './mesh-config.ts'
import { DestinationRules } from './select-destination-rule.ts'
import { type Caller, callerOf, hostIn, lastOfEachName, namespaceOf } from './select-documents.ts'
import { byHost, type Declared, declaredServices, type Service, selectServices } from './select-services.ts'
import { selectVirtualServices } from './select-virtual-services.ts'
import { checkReferences } from './translate-references.ts'

/** `of`: the domain of the cluster, and the mesh's configuration, where there is a mesh. */
export function crossReferences(
  given: readonly RuleDocument[],
  lax: Severity = 'warning',
  of: { readonly domain?: string; readonly mesh?: MeshConfig } = {},
): Diagnostic[] {
  const callerIn = (namespace?: string) =>
    callerOf(
      { ...(of.domain === undefined ? {} : { domain: of.domain }), ...(namespace === undefined ? {} : { namespace }) },
      of.mesh ?? {},
    )
  const documents = lastOfEachName(given)
  const hasDelegates = documents.some(({ kind, spec }) => kind === 'VirtualService' && !(spec?.hosts?.length > 0))
  const isCertain = (code: string) => code !== 'delegate-unknown' || hasDelegates
  const found: Diagnostic[] = []
  const declared = declaredServices(documents, callerIn())
  const described = new DescribedHosts(documents, callerIn())
  let rules: DestinationRules | undefined
  for (const namespace of new Set(documents.map(namespaceOf))) {
    const caller = callerIn(namespace)
    const own = documents.filter(document => namespaceOf(document) === namespace)
    const known = new Known(documents, caller, declared, rules)
    rules ??= known.rules
    const virtualServices = selectVirtualServices(documents, caller)
    const mine = virtualServices.list.filter(({ document }) => namespaceOf(document) === namespace)
    found.push(
      ...checkReferences({ ...virtualServices, list: mine }, known.services, known.rules, caller, host => described.has(host)).filter(
        ({ code }) => known.decides(code),
      ),
    )
    for (const document of own) append(found, known.check(document))
  }
  return found.map(diagnostic =>
    diagnostic.severity === 'warning' && isCertain(diagnostic.code) ? { ...diagnostic, severity: lax } : diagnostic,
  )
}

/** What the documents know of services and subsets, as a namespace sees it. */
class Known {
  readonly services: ReadonlyMap<string, Service>
  readonly rules: DestinationRules
  readonly #caller: Caller
  readonly #hasServices: boolean
  readonly #hasRules: boolean
  readonly #routes: ReadonlySet<string>

  constructor(documents: readonly RuleDocument[], caller: Caller, declared: readonly Declared[], rules: DestinationRules | undefined) {
    this.#caller = caller
    this.services = byHost(selectServices(documents, caller, declared), caller)
    this.rules = new DestinationRules(documents, caller, rules)
    this.#hasServices = documents.some(({ kind }) => kind === 'ServiceEntry')
    this.#hasRules = documents.some(({ kind }) => kind === 'DestinationRule')
    const named = (document: RuleDocument): string[] => (document.spec?.http ?? []).map((http: any) => http.name).filter(Boolean)
    this.#routes = new Set(documents.filter(({ kind }) => kind === 'VirtualService').flatMap(named))
  }

  decides(code: string): boolean {
    if (!/^(?:destination|delegate)-/.test(code)) return false // what one document says is checked with it
    return code !== 'destination-host-unknown' || this.#hasServices
  }

  check(document: RuleDocument): Diagnostic[] {
    if (document.kind === 'DestinationRule') return this.#host(document, document.spec.host, 'spec.host')
    if (document.kind === 'ResiliencePolicy')
      return [...(document.spec?.targets ?? [])].flatMap((target, index) => this.#target(document, target, member('spec.targets', index)))
    if (document.kind === 'VirtualService') return this.#virtualService(document)
    return []
  }

  #host(document: RuleDocument, host: unknown, path: string): Diagnostic[] {
    if (typeof host !== 'string' || host === '' || !this.#hasServices) return []
    const full = hostIn(document, host, this.#caller)
    if (isWildcard(full) || this.services.has(full)) return []
    const near = suggest(full, [...this.services.keys()])
    return [diagnose(document, 'warning', 'host-unknown', path, `no service ${full} is known`, near ?? 'add a ServiceEntry for it')]
  }

  #target(document: RuleDocument, target: any, path: string): Diagnostic[] {
    if (typeof target?.route === 'string' && this.#routes.size > 0 && !this.#routes.has(target.route))
      return [
        diagnose(
          document,
          'warning',
          'route-unknown',
          `${path}.route`,
          `no route is called ${target.route}`,
          suggest(target.route, [...this.#routes]) ?? `routes: ${[...this.#routes].slice(0, 10).join(', ')}`,
        ),
      ]
    if (typeof target?.host !== 'string') return []
    const unknown = this.#host(document, target.host, `${path}.host`)
    if (unknown.length > 0 || typeof target.subset !== 'string' || !this.#hasRules) return unknown
    const host = hostIn(document, target.host, this.#caller)
    const subsets = (this.rules.of(this.services.get(host) ?? { host, namespace: namespaceOf(document) })?.subsets ?? []).map(
      ({ name }) => name,
    )
    if (subsets.includes(target.subset)) return []
    const hint =
      suggest(target.subset, subsets) ?? (subsets.length > 0 ? `its subsets: ${subsets.join(', ')}` : 'add it to a DestinationRule')
    return [diagnose(document, 'warning', 'subset-unknown', `${path}.subset`, `${host} has no subset ${target.subset}`, hint)]
  }

  /** A rule for gateways says nothing here. A subset of a host that no document declares can still be looked up in the destination rules. */
  #virtualService(document: RuleDocument): Diagnostic[] {
    const gateways: string[] = document.spec.gateways ?? []
    if (gateways.length > 0 && !gateways.includes('mesh')) {
      const hint = 'add "mesh" to gateways if calls from inside are meant too'
      return [diagnose(document, 'info', 'gateway-only', 'spec.gateways', 'these routes hold at gateways only, not here', hint)]
    }
    if (!this.#hasRules) return []
    return (document.spec.http ?? []).flatMap((http: any, index: number) =>
      (http.route ?? []).flatMap(({ destination }: any, place: number) =>
        this.#subset(document, destination, member(`${member('spec.http', index)}.route`, place)),
      ),
    )
  }

  #subset(document: RuleDocument, destination: any, path: string): Diagnostic[] {
    if (typeof destination?.host !== 'string' || !destination.subset) return []
    const host = hostIn(document, destination.host, this.#caller)
    if (this.services.has(host)) return [] // said with the other references
    const namespace = /^[^.]+\.([^.]+)\.svc\./.exec(host)?.[1] ?? namespaceOf(document)
    const subsets = (this.rules.of({ host, namespace })?.subsets ?? []).map(({ name }) => name)
    if (subsets.includes(destination.subset)) return []
    const message = `no DestinationRule for ${host} has a subset ${destination.subset}: calls get 503`
    const hint =
      suggest(destination.subset, subsets) ??
      (subsets.length > 0 ? `its subsets: ${subsets.join(', ')}` : 'add a DestinationRule with this subset')
    return [diagnose(document, 'warning', 'destination-subset-unknown', `${path}.destination`, message, hint)]
  }
}
