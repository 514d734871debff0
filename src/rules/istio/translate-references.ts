/** References that lead nowhere. They are legal and answered with 503 (or never copied), so they are said before anybody calls. */
import { suggest } from '../../core/schema/read.ts'
import { type HttpRule, namedDelegate } from './delegates.ts'
import { type Diagnostic, diagnose } from './diagnostic.ts'
import { isRedirectCode } from './route-actions.ts'
import type { DestinationRules } from './select-destination-rule.ts'
import type { Caller } from './select-documents.ts'
import { isHttp, isSniffed, type Service } from './select-services.ts'
import type { VirtualService, VirtualServices } from './select-virtual-services.ts'

/** `isDescribed`: whether some document describes a host, perhaps for others; a mesh looks one up that none describes. */
export function checkReferences(
  virtualServices: VirtualServices,
  services: ReadonlyMap<string, Service>,
  rules: DestinationRules,
  caller: Caller,
  isDescribed: (host: string) => boolean = () => true,
): Diagnostic[] {
  const found: Diagnostic[] = []
  const seen = new Set<string>()
  for (const virtualService of virtualServices.list) {
    checkDelegates(virtualService, virtualServices, caller, found)
    for (const rule of virtualService.rules) checkRule(rule, virtualService, services, rules, isDescribed, found)
  }
  return found.filter(({ document, kind, name, path, code }) => {
    const key = `${document}|${kind}|${name}|${path}|${code}` // a delegate may stand in several roots
    return !seen.has(key) && seen.add(key)
  })
}

function checkDelegates({ document }: VirtualService, { delegates }: VirtualServices, caller: Caller, found: Diagnostic[]): void {
  for (const [index, http] of (document.spec.http ?? []).entries()) {
    if (http.delegate == null || namedDelegate(http.delegate, document, delegates, caller) !== undefined) continue
    const hint = 'A delegate is a VirtualService without hosts, exported to this namespace.'
    found.push(
      diagnose(
        document,
        'warning',
        'delegate-unknown',
        `spec.http[${index}].delegate`,
        `delegate ${http.delegate.name} not found: the route vanishes`,
        hint,
      ),
    )
  }
}

function checkRule(
  { http, document, path }: HttpRule,
  owner: VirtualService,
  services: ReadonlyMap<string, Service>,
  rules: DestinationRules,
  isDescribed: (host: string) => boolean,
  found: Diagnostic[],
): void {
  const check = (destination: any, at: string) => {
    if (destination?.host == null) return
    const fault = faultOf(destination, owner, services, rules, isDescribed)
    if (fault !== undefined) found.push(diagnose(document, 'warning', fault.code, at, fault.message, fault.hint))
  }
  // In a delegate the action may be inherited; then it was said elsewhere.
  const written = document.spec.http?.[Number(/\d+/.exec(path)?.[0])] ?? {}
  if (written.redirect != null && !isRedirectCode(written.redirect.redirectCode)) {
    const message = `redirect code ${written.redirect.redirectCode} is not one of 301, 302, 303, 307, 308: Envoy refuses the whole route configuration`
    found.push(diagnose(document, 'error', 'redirect-code-unsupported', `${path}.redirect.redirectCode`, message))
  }
  for (const [index, route] of (http.route ?? []).entries()) check(route.destination, `${path}.route[${index}].destination`)
  if (http.mirror != null && written.mirror != null) check(http.mirror, `${path}.mirror`)
  if (written.mirrors != null)
    for (const [index, mirror] of (http.mirrors ?? []).entries()) check(mirror.destination, `${path}.mirrors[${index}].destination`)
}

interface Fault {
  code: string
  message: string
  hint?: string
}

function faultOf(
  destination: any,
  owner: VirtualService,
  services: ReadonlyMap<string, Service>,
  rules: DestinationRules,
  isDescribed: (host: string) => boolean,
): Fault | undefined {
  const { host, subset } = destination
  const service = services.get(host)
  if (service === undefined) {
    const consequence = isDescribed(host) ? 'calls get 503' : 'Istio answers calls with 503, a mesh looks the name up by DNS'
    const message = `no service ${host} is known: ${consequence}`
    if (!/^[^.]+\.[^.]+(\.svc)?$/.test(host)) {
      const near = suggest(host, [...services.keys()])
      return { code: 'destination-host-unknown', message, ...(near !== undefined && { hint: near }) }
    }
    return {
      code: 'destination-host-unknown',
      message,
      hint: `A name with a dot is taken as it is; write ${host.replace(/\.svc$/, '')}.svc.cluster.local if that is meant.`,
    }
  }
  const port = Number(destination.port?.number)
  const known = service.ports.map(({ number }) => number)
  if (port && !known.includes(port))
    return {
      code: 'destination-port-unknown',
      message: `${host} has no port ${port}: calls get 503`,
      hint: `Its ports: ${known.join(', ') || 'none'}.`,
    }
  if (!port) {
    const lost = callerPorts(owner, services).filter(number => !known.includes(number))
    if (lost.length > 0)
      return {
        code: 'destination-port-unknown',
        message: `calls to port ${lost.join(', ')} would go to the same port of ${host}, which has none: they get 503`,
        hint: `Say destination.port.number; its ports: ${known.join(', ') || 'none'}.`,
      }
  }
  if (!subset) return undefined
  const subsets = (rules.of(service)?.subsets ?? []).map(({ name }) => name)
  if (subsets.includes(subset)) return undefined
  return {
    code: 'destination-subset-unknown',
    message: `no DestinationRule for ${host} has a subset ${subset}: calls get 503`,
    hint:
      suggest(subset, subsets) ?? (subsets.length > 0 ? `Its subsets: ${subsets.join(', ')}.` : 'Add a DestinationRule with this subset.'),
  }
}

/** Ports on which a VirtualService is called, as far as its hosts are services. */
function callerPorts({ hosts }: VirtualService, services: ReadonlyMap<string, Service>): number[] {
  const ports = new Set<number>()
  for (const host of hosts) for (const port of services.get(host)?.ports ?? []) if (isHttp(port) || isSniffed(port)) ports.add(port.number)
  return [...ports]
}
