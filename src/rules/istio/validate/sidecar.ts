/** Istio's rules for a Sidecar. */
import { member } from '../document.ts'
import { type Check, isLabel } from './check.ts'
import { destination } from './destination.ts'
import { connectionPool } from './traffic-policy.ts'

export function sidecar(check: Check, spec: any): void {
  if (
    !(spec.ingress?.length > 0) &&
    !(spec.egress?.length > 0) &&
    spec.outboundTrafficPolicy === undefined &&
    spec.inboundConnectionPool === undefined
  )
    check.error('empty-policy', 'spec', 'a Sidecar without anything in it', 'add egress:')
  for (const [name, value] of Object.entries<string>(spec.workloadSelector?.labels ?? {}))
    if (name === '' || (name + value).includes('*'))
      check.error(
        'invalid-label',
        member('spec.workloadSelector.labels', name),
        'selectors know no wildcards',
        'name the label and its value',
      )
  ingress(check, spec.ingress ?? [])
  egress(check, spec.egress ?? [])
  if (spec.inboundConnectionPool !== undefined) connectionPool(check, spec.inboundConnectionPool, 'spec.inboundConnectionPool')
  const proxy = spec.outboundTrafficPolicy?.egressProxy
  if (proxy !== undefined) destination(check, proxy, 'spec.outboundTrafficPolicy.egressProxy', '')
}

function ingress(check: Check, listeners: readonly any[]): void {
  const ports = new Set<number>()
  for (const [index, listener] of listeners.entries()) {
    const path = member('spec.ingress', index)
    if (listener.port === undefined) {
      check.error('required', path, 'an ingress listener needs a port', 'add port: { number, protocol, name }')
      continue
    }
    check.port(listener.port.number, `${path}.port.number`)
    if (ports.has(listener.port.number))
      check.error('duplicate', `${path}.port.number`, `the port ${listener.port.number} is there twice`, 'one listener for each port')
    ports.add(listener.port.number)
    if (listener.connectionPool !== undefined) connectionPool(check, listener.connectionPool, `${path}.connectionPool`)
    if (
      listener.defaultEndpoint &&
      !/^(?:unix:\/\/\/?.+|(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|::1?):\d{1,5})$/.test(listener.defaultEndpoint)
    )
      check.error(
        'invalid-address',
        `${path}.defaultEndpoint`,
        `${JSON.stringify(listener.defaultEndpoint)} is no endpoint of this workload`,
        'such as 127.0.0.1:8080',
      )
  }
}

function egress(check: Check, listeners: readonly any[]): void {
  const binds = new Set<string>()
  const hosts = new Set<string>()
  for (const [index, listener] of listeners.entries()) {
    const path = member('spec.egress', index)
    if (listener.port === undefined) {
      if (index !== listeners.length - 1)
        check.error('port-order', path, 'only the last egress listener may be without port', 'put it last')
    } else {
      check.port(listener.port.number, `${path}.port.number`)
      const bind = `${listener.bind ?? ''}:${listener.port.number}`
      if (binds.has(bind))
        check.error('duplicate', `${path}.port.number`, `the port ${listener.port.number} is there twice`, 'one listener for each port')
      binds.add(bind)
    }
    if (!(listener.hosts?.length > 0)) check.error('required', path, 'an egress listener needs at least one host', 'add hosts: ["./*"]')
    for (const [place, host] of (listener.hosts ?? []).entries()) egressHost(check, host, member(`${path}.hosts`, place), hosts)
  }
}

function egressHost(check: Check, host: string, path: string, seen: Set<string>): void {
  const slash = host.indexOf('/')
  const namespace = host.slice(0, slash)
  const name = host.slice(slash + 1)
  if (slash < 0 || (!['*', '.', '~'].includes(namespace) && !isLabel(namespace))) {
    check.error('invalid-host', path, `${JSON.stringify(host)} is not namespace/host`, 'such as "./*" or "prod/api.prod.svc.cluster.local"')
    return
  }
  if (name !== '*' && check.wildcardDomain(name, path) && !name.includes('.'))
    check.error('invalid-host', path, `${JSON.stringify(name)} is a short name`, 'write the full name, such as api.prod.svc.cluster.local')
  if (seen.has(host)) check.warn('duplicate', path, `${host} is there twice`, 'name each host once')
  seen.add(host)
}
