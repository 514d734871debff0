/** Istio's rules for a VirtualService as a whole: whom it is for, and its TLS and TCP routes. */
import { member } from '../document.ts'
import { type Check, domainFault, isIp, overlap } from './check.ts'
import { destination, weights } from './destination.ts'
import { httpRoute } from './http-route.ts'
import { unreachable } from './unreachable.ts'

export function virtualService(check: Check, spec: any): void {
  const hosts: string[] = spec.hosts ?? []
  const gateways: string[] = spec.gateways ?? []
  const isDelegate = hosts.length === 0
  const http: any[] = spec.http ?? []
  check.exportTo(spec.exportTo, 'spec.exportTo', false)
  if (http.length + (spec.tls?.length ?? 0) + (spec.tcp?.length ?? 0) === 0)
    check.error('no-routes', 'spec', 'no http, tls or tcp routes', 'add http: with at least one route')
  if (isDelegate) {
    for (const field of ['gateways', 'tls', 'tcp'])
      if (spec[field]?.length > 0)
        check.error(
          'delegate',
          `spec.${field}`,
          `a VirtualService without hosts is a delegate and has no ${field}`,
          'add hosts, or leave the field out',
        )
  } else hostNames(check, hosts, gateways, spec.tls ?? [])
  check.gateways(gateways, 'spec.gateways')
  for (const [index, route] of http.entries()) httpRoute(check, route, member('spec.http', index), { isDelegate, gateways })
  for (const [index, route] of (spec.tls ?? []).entries()) tlsRoute(check, route, member('spec.tls', index), hosts, gateways)
  for (const [index, route] of (spec.tcp ?? []).entries()) tcpRoute(check, route, member('spec.tcp', index))
  for (const layer of ['http', 'tls', 'tcp']) unreachable(check, spec[layer] ?? [], `spec.${layer}`)
}

function hostNames(check: Check, hosts: readonly string[], gateways: readonly string[], tls: readonly any[]): void {
  const inMesh = gateways.length === 0 || gateways.includes('mesh')
  const hasSni = tls.some(route => route.match?.some((match: any) => match.sniHosts?.length > 0))
  let valid = true
  for (const [index, host] of hosts.entries()) {
    const path = member('spec.hosts', index)
    if (host === '*' && inMesh) {
      valid = false
      check.error('invalid-host', path, 'the host "*" is for gateways only', 'name the hosts, or use a wildcard such as *.example.com')
    } else if (!isIp(host)) valid = (inMesh || !hasSni ? check.wildcardDomain(host, path) : sniDomain(check, host, path, gateways)) && valid
  }
  if (!valid) return
  for (const [index, host] of hosts.entries()) {
    const other = hosts.slice(0, index).find(earlier => overlap(earlier, host))
    if (other !== undefined)
      check.error('duplicate', member('spec.hosts', index), `${host} and ${other} are the same hosts`, 'name each host once')
  }
}

function tlsRoute(check: Check, route: any, path: string, hosts: readonly string[], gateways: readonly string[]): void {
  if (!(route.match?.length > 0)) check.error('required', path, 'a TLS route needs a match', 'add match: with sniHosts')
  for (const [index, match] of (route.match ?? []).entries()) {
    const at = member(member(path, 'match'), index)
    if (!(match.sniHosts?.length > 0)) check.error('required', at, 'a TLS match needs sniHosts', 'add sniHosts')
    for (const [place, sni] of (match.sniHosts ?? []).entries()) {
      const here = member(member(at, 'sniHosts'), place)
      if (isIp(sni)) check.warn('sni-address', here, `${sni} is an address, which SNI does not carry`, 'name the host')
      else if (sniDomain(check, sni, here, gateways) && !hosts.some(host => covers(host, sni)))
        check.error('invalid-host', here, `${sni} is none of the hosts ${hosts.join(', ')}`, 'add it to hosts')
    }
    layer4Match(check, match, at)
  }
  layer4Route(check, route, path)
}

function tcpRoute(check: Check, route: any, path: string): void {
  for (const [index, match] of (route.match ?? []).entries()) {
    const at = member(member(path, 'match'), index)
    layer4Match(check, match, at)
  }
  layer4Route(check, route, path)
}

function layer4Match(check: Check, match: any, path: string): void {
  for (const [index, subnet] of (match.destinationSubnets ?? []).entries())
    check.subnet(subnet, member(`${path}.destinationSubnets`, index))
  if (match.port !== undefined && match.port !== 0) check.port(match.port, `${path}.port`)
  check.labels(match.sourceLabels, `${path}.sourceLabels`)
  check.gateways(match.gateways, `${path}.gateways`)
}

function layer4Route(check: Check, route: any, path: string): void {
  if (!(route.route?.length > 0)) {
    check.error('required', path, 'a route is required', 'add route: with a destination')
    return
  }
  for (const [index, target] of route.route.entries()) destination(check, target.destination, member(`${path}.route`, index))
  weights(check, route.route, `${path}.route`)
}

/** A name in a TLS handshake; at a gateway also those that Istio's own clients make: `outbound_.80_._.reviews.prod.svc.cluster.local`. */
function sniDomain(check: Check, name: string, path: string, gateways: readonly string[]): boolean {
  const atGateway = gateways.length > 0 && !gateways.includes('mesh')
  if (!atGateway || !name.startsWith('outbound_')) return check.wildcardDomain(name, path)
  const [, port = '', , host] = name.split('_')
  if (host !== undefined && /\d/.test(port) && /[a-zA-Z]/.test(host) && name.length <= 255) return true
  check.error('invalid-host', path, `${name} is no name of an outbound cluster`, 'outbound_.<port>_.<subset>_.<host>')
  return false
}

/** Whether every name `sni` stands for is one `host` stands for. */
function covers(host: string, sni: string): boolean {
  if (!host.startsWith('*')) return host === sni
  return sni.replace(/^\*/, '').endsWith(host.slice(1)) && domainFault(sni, true) === undefined
}
