/** Istio's rules for ServiceEntry: what its resolution needs and forbids. */
import { suggest } from '../../../core/schema/read.ts'
import { member, type RuleDocument } from '../document.ts'
import { type Check, domainFault, isIp, isLabel } from './check.ts'
import { MOST_WEIGHT } from './destination.ts'
import { endpointPorts, isUnix, workloadEntry } from './workload-entry.ts'

const PROTOCOLS = ['HTTP', 'HTTPS', 'GRPC', 'GRPC-WEB', 'HTTP2', 'HTTP_PROXY', 'MONGO', 'TCP', 'TLS', 'UDP', 'REDIS', 'MYSQL']
const HTTP_OR_TLS = new Set(['HTTP', 'HTTPS', 'GRPC', 'GRPC-WEB', 'HTTP2', 'HTTP_PROXY', 'TLS'])

export function serviceEntry(check: Check, spec: any): void {
  hostNames(check, spec)
  const names = ports(check, spec)
  for (const [index, address] of (spec.addresses ?? []).entries()) check.subnet(address, member('spec.addresses', index))
  resolution(check, spec, names)
  if (spec.workloadSelector !== undefined) selector(check, spec)
  check.exportTo(spec.exportTo, 'spec.exportTo', true)
}

function hostNames(check: Check, spec: any): void {
  if (!(spec.hosts?.length > 0)) check.error('required', 'spec', 'a ServiceEntry needs at least one host', 'add hosts:')
  for (const [index, host] of (spec.hosts ?? []).entries()) {
    const path = member('spec.hosts', index)
    check.lowerCase(host, path)
    if (host === '*')
      check.error('invalid-host', path, 'the host "*" is not allowed', 'name the hosts, or use a wildcard such as *.example.com')
    else if (check.wildcardDomain(host, path) && /^\*[^.]/.test(host) && spec.resolution !== 'DYNAMIC_DNS')
      check.warn('partial-wildcard', path, `${host}: a wildcard must be a whole label`, `write *${host.slice(host.indexOf('.'))}`)
  }
}

function ports(check: Check, spec: any): Set<string> {
  const names = new Set<string>()
  const numbers = new Set<number>()
  let opaque = false
  for (const [index, port] of (spec.ports ?? []).entries()) {
    const path = member('spec.ports', index)
    const protocol: string = (port.protocol ?? '').toUpperCase()
    if (names.has(port.name ?? ''))
      check.error('duplicate', `${path}.name`, `the port name ${JSON.stringify(port.name ?? '')} is there twice`, 'name each port')
    if (numbers.has(port.number))
      check.error('duplicate', `${path}.number`, `the port ${port.number} is there twice`, 'give each port once')
    names.add(port.name ?? '')
    numbers.add(port.number)
    check.port(port.number, `${path}.number`)
    if (port.targetPort) check.port(port.targetPort, `${path}.targetPort`)
    if (!port.name) check.error('required', path, 'a port needs a name', 'add name: http')
    else if (!isLabel(port.name))
      check.error('invalid-port', `${path}.name`, `${JSON.stringify(port.name)} is no port name`, 'letters, digits and "-"')
    if (protocol !== '' && !PROTOCOLS.includes(protocol))
      check.error(
        'unknown-value',
        `${path}.protocol`,
        `${JSON.stringify(port.protocol)} is no protocol`,
        suggest(protocol, PROTOCOLS) ?? `one of ${PROTOCOLS.join(', ')}`,
      )
    if (!spec.addresses?.length && !isAllocated(check.document) && (protocol === '' || protocol === 'TCP'))
      check.warn('tcp-without-address', path, 'a TCP port is told apart by address only', 'add addresses:, or the protocol the port speaks')
    if (!HTTP_OR_TLS.has(protocol)) opaque = true
  }
  const resolution = spec.resolution ?? 'NONE'
  if (opaque && resolution !== 'NONE' && spec.hosts?.length > 1)
    check.error(
      'ambiguous-hosts',
      'spec.hosts',
      'several hosts on a port that is neither HTTP nor TLS cannot be told apart',
      'one ServiceEntry for each host',
    )
  else if (spec.hosts?.length > 1 && spec.addresses?.length > 0 && (spec.ports ?? []).some(isTcp))
    check.warn('ambiguous-hosts', 'spec.hosts', 'several hosts at one address share a TCP port', 'one ServiceEntry for each host')
  return names
}

/** Istio gives a service an address of its own, unless it has none to look up or its label says no. */
function isAllocated({ spec, metadata }: RuleDocument): boolean {
  if ((spec?.resolution ?? 'NONE') === 'NONE') return false
  return metadata.labels?.['networking.istio.io/enable-autoallocate-ip']?.toLowerCase() !== 'false'
}

const isTcp = ({ protocol }: any) => ['TCP', 'HTTPS', 'TLS', 'MONGO', 'REDIS', 'MYSQL'].includes((protocol ?? '').toUpperCase())

function resolution(check: Check, spec: any, names: ReadonlySet<string>): void {
  const mode: string = spec.resolution ?? 'NONE'
  const endpoints: any[] = spec.endpoints ?? []
  const at = 'spec.endpoints'
  if (mode !== 'NONE' && mode !== 'STATIC')
    for (const [index, address] of (spec.addresses ?? []).entries())
      if ((address as string).includes('/'))
        check.error(
          'invalid-address',
          member('spec.addresses', index),
          `a CIDR range with resolution ${mode}`,
          'ranges go with NONE and STATIC',
        )
  if (mode === 'NONE' && endpoints.length > 0)
    check.error('conflict', at, 'resolution NONE takes no endpoints', 'use resolution: STATIC or DNS')
  if (mode === 'DNS_ROUND_ROBIN' && endpoints.length > 1)
    check.error('too-many', at, 'DNS_ROUND_ROBIN takes one endpoint', 'use resolution: DNS')
  if (mode === 'DYNAMIC_DNS') dynamic(check, spec, endpoints)
  if (mode.startsWith('DNS') && endpoints.length === 0)
    for (const [index, host] of (spec.hosts ?? []).entries())
      if (host !== '*' && domainFault(host, true) === undefined && domainFault(host, false) !== undefined)
        check.error('invalid-host', member('spec.hosts', index), `${host} cannot be looked up`, 'name the host, or add endpoints')
  const weight = endpoints.reduce((sum: number, endpoint) => sum + (endpoint.weight || 1), 0)
  if (weight > MOST_WEIGHT)
    check.error(
      'out-of-range',
      at,
      `the weights add up to ${weight}, more than ${MOST_WEIGHT}: Envoy refuses the endpoints`,
      'give smaller weights',
    )
  for (const [index, endpoint] of endpoints.entries()) {
    const path = member(at, index)
    if (mode === 'STATIC') workloadEntry(check, endpoint, path, names)
    else if (mode.startsWith('DNS')) lookedUp(check, endpoint, path, names)
  }
}

/** An endpoint that DNS finds: a name, or an address that needs no finding. */
function lookedUp(check: Check, endpoint: any, path: string, names: ReadonlySet<string>): void {
  const address: string = endpoint.address ?? ''
  const fault = isIp(address) ? undefined : isUnix(address) ? 'a unix socket cannot be looked up' : domainFault(address, false)
  if (fault !== undefined)
    check.error(
      'invalid-address',
      address === '' ? path : `${path}.address`,
      address === '' ? 'an address is required' : fault,
      isUnix(address) ? 'use resolution: STATIC' : 'an IP address or a DNS name',
    )
  check.labels(endpoint.labels, `${path}.labels`)
  endpointPorts(check, endpoint, path, names)
}

function dynamic(check: Check, spec: any, endpoints: readonly unknown[]): void {
  for (const [index, host] of (spec.hosts ?? []).entries())
    if (!(host as string).startsWith('*'))
      check.error(
        'invalid-host',
        member('spec.hosts', index),
        `${host} is no wildcard`,
        'DYNAMIC_DNS is for wildcards; use resolution: DNS',
      )
  if (spec.addresses?.length > 0) check.error('conflict', 'spec.addresses', 'DYNAMIC_DNS takes no addresses', 'leave addresses out')
  if (endpoints.length > 0) check.error('conflict', 'spec.endpoints', 'DYNAMIC_DNS takes no endpoints', 'leave endpoints out')
  for (const [index, port] of (spec.ports ?? []).entries())
    if (!['HTTP', 'TLS'].includes((port.protocol ?? '').toUpperCase()))
      check.error('conflict', member('spec.ports', index), 'DYNAMIC_DNS needs a protocol that names its host', 'use HTTP or TLS')
  if (spec.location === 'MESH_INTERNAL')
    check.error('conflict', 'spec.location', 'DYNAMIC_DNS is for hosts outside of the mesh', 'use location: MESH_EXTERNAL')
}

function selector(check: Check, spec: any): void {
  if (spec.endpoints !== undefined)
    check.error('conflict', 'spec.workloadSelector', 'workloadSelector and endpoints exclude each other', 'leave one of them out')
  check.selector(spec.workloadSelector.labels ?? {}, 'spec.workloadSelector.labels', 'every workload of the namespace')
  if ((spec.resolution ?? 'NONE') === 'NONE')
    check.warn('selector-unused', 'spec.workloadSelector', 'workloadSelector has no effect with resolution NONE', 'use resolution: STATIC')
}
