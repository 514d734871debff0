/**
 * A VirtualService that hands a part of its routes to another one. The two conditions are combined with AND; a delegate's route that has
 * a condition which fits none of the root's is dropped as a whole. The root fills what the delegate leaves unset.
 */
import { append } from '../../base/append.ts'
import type { RuleDocument } from './document.ts'
import { type Caller, hostIn, namespaceOf } from './select-documents.ts'
import { isTrustedDelegate } from './trust/joins.ts'

/** A route with the document and the path it comes from, hosts in full. */
export interface HttpRule {
  http: any
  document: RuleDocument
  /** The VirtualService whose hosts it is for; of a delegate's route its root. */
  root: RuleDocument
  /** `spec.http[2]`. */
  path: string
}

/** The HTTP rules of a VirtualService, delegates put in place. A missing delegate leaves nothing. */
export function httpRules(document: RuleDocument, delegates: ReadonlyMap<string, RuleDocument>, caller: Caller): HttpRule[] {
  const rules: HttpRule[] = []
  for (const [index, http] of (document.spec?.http ?? []).entries()) {
    const path = `spec.http[${index}]`
    if (http.delegate == null) rules.push({ http: withFullHosts(http, document, caller), document, root: document, path })
    else {
      const delegate = delegateOf(http.delegate, document, delegates, caller)
      if (delegate !== undefined) append(rules, merged(http, document, delegate, caller))
    }
  }
  return rules
}

export function delegateKey(namespace: string, name: string): string {
  return `${namespace}/${name}`
}

/** The delegate that a rule names, if its source and the root's may act together. */
export function delegateOf(
  reference: any,
  root: RuleDocument,
  delegates: ReadonlyMap<string, RuleDocument>,
  caller: Caller,
): RuleDocument | undefined {
  const delegate = namedDelegate(reference, root, delegates, caller)
  return delegate !== undefined && isTrustedDelegate(root, delegate, caller) ? delegate : undefined
}

export function namedDelegate(
  reference: any,
  root: RuleDocument,
  delegates: ReadonlyMap<string, RuleDocument>,
  caller: Caller,
): RuleDocument | undefined {
  const delegate = delegates.get(delegateKey(reference.namespace || namespaceOf(root), reference.name))
  return delegate !== undefined && isOpenTo(delegate, namespaceOf(root), caller) ? delegate : undefined
}

/** Whether a namespace may delegate to a document; of the mesh's defaults every entry counts here. */
function isOpenTo(delegate: RuleDocument, namespace: string, caller: Caller): boolean {
  const written: readonly string[] = delegate.spec.exportTo ?? []
  const exportTo = written.length > 0 ? written : (caller.mesh.defaultVirtualServiceExportTo ?? ['*'])
  return exportTo.some(to => to === '*' || (to === '.' ? namespaceOf(delegate) : to) === namespace)
}

const INHERITED = [
  'rewrite',
  'directResponse',
  'timeout',
  'retries',
  'fault',
  'mirror',
  'mirrorPercent',
  'mirrorPercentage',
  'mirrors',
  'corsPolicy',
  'headers',
]

function merged(root: any, rootDocument: RuleDocument, delegate: RuleDocument, caller: Caller): HttpRule[] {
  const above = withFullHosts(root, rootDocument, caller)
  const rules: HttpRule[] = []
  for (const [index, child] of (delegate.spec?.http ?? []).entries()) {
    if (child.delegate != null) continue // one level only
    const match = mergeMatches(above.match ?? [], child.match ?? [])
    if (match === undefined) continue
    const http = { ...withFullHosts(child, delegate, caller), match }
    for (const field of INHERITED) if (http[field] == null && above[field] != null) http[field] = above[field]
    http.name = [root.name, child.name].filter(Boolean).join('-')
    rules.push({ http, document: delegate, root: rootDocument, path: `spec.http[${index}]` })
  }
  return rules
}

/** `undefined`: some condition of the delegate fits no condition of the root. */
function mergeMatches(roots: any[], children: any[]): any[] | undefined {
  if (roots.length === 0) return children
  if (children.length === 0) return roots
  const out: any[] = []
  for (const child of children) {
    const fitting = roots.filter(root => !conflict(root, child))
    if (fitting.length === 0) return undefined
    for (const root of fitting) out.push(mergeMatch(root, child))
  }
  return out
}

const MAPS = ['headers', 'withoutHeaders', 'queryParams'] as const

function mergeMatch(root: any, child: any): any {
  const match = { ...root, ...child }
  for (const field of [...MAPS, 'sourceLabels'])
    if (root[field] != null && child[field] != null) match[field] = { ...root[field], ...child[field] }
  for (const field of ['port', 'sourceNamespace', 'statPrefix']) match[field] = child[field] || root[field]
  if (!child.gateways?.length) match.gateways = root.gateways
  if (root.name && child.name) match.name = `${root.name}-${child.name}`
  return match
}

function conflict(root: any, child: any): boolean {
  for (const field of ['uri', 'scheme', 'method', 'authority']) if (excludes(root[field], child[field])) return true
  for (const field of MAPS) for (const key in child[field] ?? {}) if (excludes(root[field]?.[key], child[field][key])) return true
  if (Boolean(root.ignoreUriCase) !== Boolean(child.ignoreUriCase)) return true
  if (root.port && child.port && root.port !== child.port) return true
  if (root.sourceNamespace && root.sourceNamespace !== child.sourceNamespace) return true
  for (const key in root.sourceLabels ?? {})
    if ((child.sourceLabels?.[key] ?? root.sourceLabels[key]) !== root.sourceLabels[key]) return true
  if (!root.gateways?.length || !child.gateways?.length) return false
  return root.gateways.length < child.gateways.length || child.gateways.some((gateway: string) => !root.gateways.includes(gateway))
}

/** Whether the delegate asks for something outside of what the root lets through. Regular expressions cannot be compared, nor can mere presence. */
function excludes(root: any, child: any): boolean {
  if (root == null || child == null) return false
  if (child.regex && (root.regex || root.prefix || root.exact)) return true
  if (root.exact) return Boolean(child.prefix) || child.exact !== root.exact
  const text = child.prefix || child.exact
  return !(root.prefix && text?.startsWith(root.prefix)) || Boolean(root.regex)
}

/** A copy in which every destination is named in full; what leads nowhere, since no host is said, is left out. */
function withFullHosts(http: any, document: RuleDocument, caller: Caller): any {
  const isSaid = (destination: any): boolean => destination?.host != null
  const full = (destination: any) => ({ ...destination, host: hostIn(document, String(destination.host), caller) })
  const inside = (of: any) => ({ ...of, destination: full(of.destination) })
  const copy = { ...http }
  if (http.route != null) copy.route = http.route.filter((route: any) => isSaid(route?.destination)).map(inside)
  if (http.mirror != null) copy.mirror = isSaid(http.mirror) ? full(http.mirror) : undefined
  if (http.mirrors != null) copy.mirrors = http.mirrors.filter((mirror: any) => isSaid(mirror?.destination)).map(inside)
  return copy
}
