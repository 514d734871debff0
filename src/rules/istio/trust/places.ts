/**
 * Every place where a document names a host, an address or a file. `trust` decides about these
 * places and no others, so a place that is missing here is not checked.
 */
import { canonicalHost, isIPAddress, isUnixSocket } from '../../../base/formats/addresses.ts'
import { PlatformURL } from '../../../base/platform.ts'
import { member, type RuleDocument } from '../document.ts'
import { fullName } from '../hosts.ts'
import { type Caller, hostIn } from '../select-documents.ts'

/** A host or an address with its path in the document. */
export interface TouchedPlace {
  readonly path: string
  /** As written, or the host of what is written. */
  readonly address: string
  /** The host that is meant, in full; absent for addresses, which name no host. */
  readonly host?: string
}

type Places = Generator<TouchedPlace, void, void>

/** Hosts and addresses of a document. */
export function* placesOf(document: RuleDocument, caller: Caller): Places {
  const { spec } = document
  const reader = new PlaceReader(document, caller)
  switch (document.kind) {
    case 'WorkloadEntry':
      return yield* reader.endpoint(spec?.address, 'spec.address')
    case 'ServiceEntry':
      return yield* serviceEntry(spec, reader)
    case 'DestinationRule':
      yield* reader.host(spec?.host, 'spec.host')
      return yield* trafficPolicies(spec, (policy, path) => policyPlaces(policy, path, reader))
    case 'VirtualService':
      return yield* virtualService(spec, reader)
    case 'Sidecar':
      return yield* sidecar(spec, reader)
    case 'ResiliencePolicy':
      for (const [target, path] of items(spec?.targets, 'spec.targets'))
        if (target === '*') yield everyHost(path)
        else yield* reader.host(target?.host, `${path}.host`)
      return yield* reader.host(spec?.fallback?.destination?.host, 'spec.fallback.destination.host')
    default:
      yield everyHost('spec') // a new kind, about which nothing was decided yet
  }
}

/** Certificates and keys of a document. */
export function* filesOf({ kind, spec }: RuleDocument): Generator<[path: string, file: string]> {
  if (kind === 'DestinationRule') yield* trafficPolicies(spec, tlsFiles)
  if (kind !== 'Sidecar') return
  for (const [listener, path] of items(spec?.ingress, 'spec.ingress')) yield* tlsFiles(listener, path)
}

/** Reads a value as what it is there: the name of a host, the authority of a URL, an endpoint. */
class PlaceReader {
  readonly #document: RuleDocument
  readonly #caller: Caller

  constructor(document: RuleDocument, caller: Caller) {
    this.#document = document
    this.#caller = caller
  }

  /** A short name is completed by the namespace of the document. */
  *host(value: unknown, path: string): Places {
    if (!isText(value)) return
    const host = canonicalHost(hostIn(this.#document, value, this.#caller))
    yield { path, address: value, host }
  }

  *hosts(list: unknown, path: string): Places {
    for (const [item, at] of items(list, path)) yield* this.host(item, at)
  }

  /** What a request is sent to: a short name is completed by the namespace of the caller. */
  *authority(value: unknown, path: string): Places {
    if (!isText(value)) return
    const address = canonicalHost(value)
    const { namespace, domain } = this.#caller
    yield { path, address, host: isIPAddress(address) ? address : fullName(address, namespace, domain) }
  }

  /** A name is a host; an IP address or a Unix socket is none. */
  *endpoint(value: unknown, path: string): Places {
    if (!isText(value)) return
    if (isUnixSocket(value) || isIPAddress(value)) yield { path, address: value }
    else yield { path, address: value, host: canonicalHost(value) }
  }
}

/** What concerns every host. */
const everyHost = (path: string): TouchedPlace => ({ path, address: '*', host: '*' })

function* serviceEntry(spec: any, reader: PlaceReader): Places {
  yield* reader.hosts(spec?.hosts, 'spec.hosts')
  // Further names of the hosts.
  for (const [address, path] of items(spec?.addresses, 'spec.addresses')) yield* reader.authority(address, path)
  for (const [endpoint, path] of items(spec?.endpoints, 'spec.endpoints')) yield* reader.endpoint(endpoint?.address, `${path}.address`)
  // Where the server speaks first, no HTTP is recognized any more, whichever host it is for.
  for (const [port, path] of items(spec?.ports, 'spec.ports'))
    if (/^(?:MONGO|MYSQL)$/i.test(port?.protocol) && !spec.addresses?.length) yield everyHost(`${path}.protocol`)
}

function* policyPlaces(policy: any, path: string, reader: PlaceReader): Places {
  yield* reader.authority(policy?.tls?.sni, `${path}.tls.sni`)
  yield* reader.authority(policy?.tunnel?.targetHost, `${path}.tunnel.targetHost`)
}

function* virtualService(spec: any, reader: PlaceReader): Places {
  yield* reader.hosts(spec?.hosts, 'spec.hosts')
  for (const [http, path] of items(spec?.http, 'spec.http')) {
    yield* destinations(http, path, reader)
    yield* reader.host(http?.mirror?.host, `${path}.mirror.host`)
    for (const [mirror, at] of items(http?.mirrors, `${path}.mirrors`))
      yield* reader.host(mirror?.destination?.host, `${at}.destination.host`)
    yield* reader.authority(http?.redirect?.authority, `${path}.redirect.authority`)
    yield* reader.authority(http?.rewrite?.authority, `${path}.rewrite.authority`)
    yield* headers(http?.headers, `${path}.headers`, reader)
  }
  for (const kind of ['tcp', 'tls'])
    for (const [rule, path] of items(spec?.[kind], `spec.${kind}`)) {
      yield* destinations(rule, path, reader)
      for (const [match, at] of items(rule?.match, `${path}.match`)) yield* reader.hosts(match?.sniHosts, `${at}.sniHosts`)
    }
}

function* destinations(rule: any, path: string, reader: PlaceReader): Places {
  for (const [route, at] of items(rule?.route, `${path}.route`)) {
    yield* reader.host(route?.destination?.host, `${at}.destination.host`)
    yield* headers(route?.headers, `${at}.headers`, reader)
  }
}

/** Headers that name a host: Host of a request, Location of a response. */
function* headers(operations: any, path: string, reader: PlaceReader): Places {
  for (const operation of ['set', 'add']) {
    for (const [name, value] of Object.entries(operations?.request?.[operation] ?? {}))
      if (/^(?:host|:authority)$/i.test(name)) yield* reader.authority(value, member(`${path}.request.${operation}`, name))
    for (const [name, value] of Object.entries(operations?.response?.[operation] ?? {}))
      if (/^location$/i.test(name)) yield* location(value, member(`${path}.response.${operation}`, name), reader)
  }
}

const NOWHERE = 'http://relative.invalid'

/** A formatter (`%REQ(x)%`) may make any host of it. */
function* location(value: unknown, path: string, reader: PlaceReader): Places {
  if (!isText(value)) return
  if (value.replaceAll('%%', '').includes('%')) return yield everyHost(path)
  let url: URL
  try {
    url = new PlatformURL(value, NOWHERE)
  } catch {
    return // no redirect can follow it
  }
  if (url.origin !== NOWHERE) yield* reader.authority(url.hostname, path)
}

/** A Sidecar decides what of all hosts is seen, and what becomes of those that are unknown. */
function* sidecar(spec: any, reader: PlaceReader): Places {
  yield everyHost('spec')
  yield* reader.host(spec?.outboundTrafficPolicy?.egressProxy?.host, 'spec.outboundTrafficPolicy.egressProxy.host')
  for (const [listener, path] of items(spec?.egress, 'spec.egress'))
    for (const [text, at] of items(listener?.hosts, `${path}.hosts`))
      if (isText(text)) yield* reader.host(text.slice(text.indexOf('/') + 1), at)
  for (const [listener, path] of items(spec?.ingress, 'spec.ingress'))
    yield* reader.endpoint(listener?.defaultEndpoint, `${path}.defaultEndpoint`)
}

/** What `read` finds in the policies of a DestinationRule, of its subsets and of their ports. */
function* trafficPolicies<T>(spec: any, read: (policy: any, path: string) => Iterable<T>): Generator<T, void, void> {
  const withPorts = function* (policy: any, path: string) {
    yield* read(policy, path)
    for (const [port, at] of items(policy?.portLevelSettings, `${path}.portLevelSettings`)) yield* read(port, at)
  }
  yield* withPorts(spec?.trafficPolicy, 'spec.trafficPolicy')
  for (const [subset, path] of items(spec?.subsets, 'spec.subsets')) yield* withPorts(subset?.trafficPolicy, `${path}.trafficPolicy`)
}

const TLS_FILES = ['caCertificates', 'clientCertificate', 'serverCertificate', 'privateKey', 'caCrl']

function* tlsFiles(policy: any, path: string): Generator<[path: string, file: string]> {
  const tls = policy?.tls
  for (const name of TLS_FILES) if (isText(tls?.[name])) yield [`${path}.tls.${name}`, tls[name]]
  for (const [certificate, at] of items(tls?.tlsCertificates, `${path}.tls.tlsCertificates`))
    for (const name of TLS_FILES) if (isText(certificate?.[name])) yield [`${at}.${name}`, certificate[name]]
}

function* items(list: unknown, path: string): Generator<[item: any, path: string], void, void> {
  if (Array.isArray(list)) for (const [index, item] of list.entries()) yield [item, member(path, index)]
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
