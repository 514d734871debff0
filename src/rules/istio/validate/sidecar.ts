/** Istio's rules for a Sidecar. */
import { suggest } from '../../../core/schema/read.ts'
import { member } from '../document.ts'
import { type Check, domainFault, isIp, isLabel } from './check.ts'
import { destination } from './destination.ts'
import { ingressTls } from './sidecar-tls.ts'
import { connectionPool } from './traffic-policy.ts'
import { isUnix, unixSocket } from './workload-entry.ts'

export function sidecar(check: Check, spec: any): void {
  if (
    !(spec.ingress?.length > 0) &&
    !(spec.egress?.length > 0) &&
    spec.outboundTrafficPolicy === undefined &&
    spec.inboundConnectionPool === undefined
  )
    check.error('empty-policy', 'spec', 'a Sidecar without anything in it', 'add egress:')
  if (spec.workloadSelector !== undefined)
    check.selector(spec.workloadSelector.labels ?? {}, 'spec.workloadSelector.labels', 'every workload of the namespace')
  ingress(check, spec.ingress ?? [])
  egress(check, spec.egress ?? [])
  if (spec.inboundConnectionPool !== undefined) connectionPool(check, spec.inboundConnectionPool, 'spec.inboundConnectionPool')
  if (spec.outboundTrafficPolicy?.egressProxy !== undefined) egressProxy(check, spec.outboundTrafficPolicy)
}

const PROTOCOLS = ['HTTP', 'HTTPS', 'GRPC', 'GRPC-WEB', 'HTTP2', 'HTTP_PROXY', 'MONGO', 'TCP', 'TLS', 'UDP', 'REDIS', 'MYSQL']

const HTTP = new Set(['HTTP', 'HTTP2', 'HTTP_PROXY', 'GRPC', 'GRPC-WEB'])

/** What ports of both directions share. */
function port(check: Check, port: any, path: string): void {
  if (port.targetPort > 0)
    check.error('no-effect', `${path}.targetPort`, 'targetPort means nothing in a Sidecar', 'use defaultEndpoint of ingress')
  if (port.name && !isLabel(port.name))
    check.error('invalid-port', `${path}.name`, `${JSON.stringify(port.name)} is no port name`, 'letters, digits and "-"')
  const protocol: string = (port.protocol ?? '').toUpperCase()
  if (protocol !== '' && !PROTOCOLS.includes(protocol))
    check.error(
      'unknown-value',
      `${path}.protocol`,
      `${JSON.stringify(port.protocol)} is no protocol`,
      suggest(protocol, PROTOCOLS) ?? `one of ${PROTOCOLS.join(', ')}`,
    )
}

function bindAddress(check: Check, bind: string | undefined, path: string): void {
  if (bind && !isIp(bind)) check.error('invalid-address', `${path}.bind`, `${JSON.stringify(bind)} is no IP address`, 'such as 127.0.0.1')
}

function ingress(check: Check, listeners: readonly any[]): void {
  const ports = new Set<number>()
  for (const [index, listener] of listeners.entries()) {
    const path = member('spec.ingress', index)
    if (listener.port === undefined) {
      check.error('required', path, 'an ingress listener needs a port', 'add port: { number, protocol, name }')
      continue
    }
    port(check, listener.port, `${path}.port`)
    check.port(listener.port.number, `${path}.port.number`)
    bindAddress(check, listener.bind, path)
    once(check, ports, listener.port.number, `${path}.port.number`)
    if (listener.defaultEndpoint) defaultEndpoint(check, listener.defaultEndpoint, `${path}.defaultEndpoint`)
    if (listener.tls !== undefined) ingressTls(check, listener, path)
    if (listener.connectionPool === undefined) continue
    connectionPool(check, listener.connectionPool, `${path}.connectionPool`)
    if (listener.connectionPool.http !== undefined && !HTTP.has((listener.port.protocol ?? '').toUpperCase()))
      check.warn('no-effect', `${path}.connectionPool.http`, 'limits of HTTP on a port that is not HTTP', 'use tcp, or protocol: HTTP')
  }
}

function once(check: Check, ports: Set<number>, number: number, path: string): void {
  if (ports.has(number)) check.error('duplicate', path, `the port ${number} is there twice`, 'one listener for each port')
  ports.add(number)
}

function defaultEndpoint(check: Check, endpoint: string, path: string): void {
  if (isUnix(endpoint)) {
    unixSocket(check, endpoint, path)
    return
  }
  const match = /^(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|):(\d{1,9})$/.exec(endpoint)
  if (match === null)
    check.error('invalid-address', path, `${JSON.stringify(endpoint)} is no endpoint of this workload`, 'such as 127.0.0.1:8080')
  else check.port(Number(match[1]), path)
}

function egress(check: Check, listeners: readonly any[]): void {
  const ports = new Set<number>()
  const sockets = new Set<string>()
  for (const [index, listener] of listeners.entries()) {
    const path = member('spec.egress', index)
    if (listener.port === undefined) {
      if (index !== listeners.length - 1)
        check.error('port-order', path, 'only the last egress listener may be without port', 'put it last')
    } else {
      port(check, listener.port, `${path}.port`)
      if (listener.port.number) {
        check.port(listener.port.number, `${path}.port.number`)
        bindAddress(check, listener.bind, path)
        once(check, ports, listener.port.number, `${path}.port.number`)
      } else socket(check, listener, path, sockets)
    }
    if (!(listener.hosts?.length > 0)) check.error('required', path, 'an egress listener needs at least one host', 'add hosts: ["./*"]')
    egressHosts(check, listener.hosts ?? [], path)
  }
}

/** A listener on a unix socket says so by the port 0. */
function socket(check: Check, { bind = '', captureMode = 'DEFAULT' }: any, path: string, sockets: Set<string>): void {
  if (!isUnix(bind)) check.error('invalid-port', `${path}.port`, 'the port 0 is for a unix socket in bind', 'give the port a number')
  else unixSocket(check, bind, `${path}.bind`)
  if (captureMode === 'IPTABLES')
    check.error('conflict', `${path}.captureMode`, 'nothing captures calls to a unix socket', 'leave captureMode out')
  if (sockets.has(bind)) check.error('duplicate', `${path}.bind`, `${bind} is there twice`, 'one listener for each socket')
  sockets.add(bind)
}

function egressHosts(check: Check, hosts: readonly string[], path: string): void {
  const seen = new Map<string, Set<string>>()
  for (const [index, host] of hosts.entries()) {
    const at = member(`${path}.hosts`, index)
    const slash = host.indexOf('/')
    if (slash < 0) {
      check.error('invalid-host', at, `${JSON.stringify(host)} is not namespace/host`, 'such as "./*" or "prod/api.prod.svc.cluster.local"')
      continue
    }
    egressHost(check, host.slice(0, slash), host.slice(slash + 1), at)
    const namespace = host.slice(0, slash) === '.' ? check.namespace : host.slice(0, slash)
    const name = host.slice(slash + 1)
    const known = seen.get(namespace) ?? new Set<string>()
    if (name === '*' ? known.size > 0 : known.has(name) || known.has('*'))
      check.warn('duplicate', at, `${host} is already among the hosts`, 'name each host once')
    seen.set(namespace, known.add(name))
  }
  if (seen.get('*')?.has('*') === true && seen.size > 1)
    check.warn('duplicate', `${path}.hosts`, '"*/*" is everything, the other hosts add nothing', 'leave the others out')
}

function egressHost(check: Check, namespace: string, name: string, path: string): void {
  if (!['*', '.', '~'].includes(namespace) && !isLabel(namespace))
    check.error('invalid-namespace', path, `${JSON.stringify(namespace)} is no namespace`, '".", "*", "~" or the name of a namespace')
  if (name === '*') return
  if (/^\*[^.]/.test(name))
    check.error('invalid-host', path, `${name}: a wildcard must be a whole label`, `write *${name.slice(name.indexOf('.'))}`)
  else if (check.wildcardDomain(name, path) && !name.includes('.'))
    check.error('invalid-host', path, `${JSON.stringify(name)} is a short name`, 'write the full name, such as api.prod.svc.cluster.local')
}

function egressProxy(check: Check, { mode, egressProxy: proxy }: any): void {
  const path = 'spec.outboundTrafficPolicy.egressProxy'
  if (mode !== 'ALLOW_ANY') {
    check.error('conflict', path, 'egressProxy is for calls to hosts that nobody declared', 'add mode: ALLOW_ANY')
    return
  }
  if (domainFault(proxy.host ?? '', true) === undefined && domainFault(proxy.host ?? '', false) !== undefined)
    check.error('invalid-host', `${path}.host`, `${JSON.stringify(proxy.host)} is no single host`, 'name one host')
  if (proxy.port === undefined) check.error('required', path, 'a proxy needs a port', 'add port: { number: … }')
  destination(check, proxy, path, '')
}
