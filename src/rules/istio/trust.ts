/**
 * A source's rules reach no further than the source is trusted: which hosts they may speak of, and whether they may lead to Unix sockets,
 * to link-local addresses or to files. What leads further is an error with its place.
 */
import { isLinkLocal } from '../../base/formats/addresses.ts'
import type { Trust } from '../../core/source.ts'
import { type Diagnostic, diagnose } from './diagnostic.ts'
import { member, type RuleDocument } from './document.ts'
import { covers } from './hosts.ts'
import { type Caller, hostIn } from './select-documents.ts'

type Told = (code: string, path: string, message: string, hint: string) => void

/** Where a document says more than its source is trusted with. */
export function trustFaults(document: RuleDocument, trust: Trust, caller: Caller): Diagnostic[] {
  const found: Diagnostic[] = []
  const told: Told = (code, path, message, hint) => found.push(diagnose(document, 'error', code, path, message, hint))
  const { hosts } = trust
  if (hosts !== undefined)
    for (const [path, written] of hostsOf(document)) {
      const host = hostIn(document, written, caller).toLowerCase()
      if (!hosts.some(pattern => covers(pattern.toLowerCase(), host)))
        told('trust-host', path, `the source may not speak of ${host}`, `trusted: ${hosts.join(', ') || 'no host'}`)
    }
  for (const [path, address] of addressesOf(document)) {
    if (trust.unixSockets === false && /^(?:unix:|[/@])/.test(address))
      told('trust-unix-socket', path, `the source may not lead to the Unix socket ${address}`, 'trust: { unixSockets: true } allows it')
    if (trust.linkLocal === false && isLinkLocal(address))
      told('trust-link-local', path, `the source may not lead to the link-local address ${address}`, 'trust: { linkLocal: true } allows it')
  }
  const { tlsDirectory } = trust
  if (tlsDirectory !== undefined)
    for (const [path, file] of filesOf(document))
      if (tlsDirectory === false)
        told('trust-tls-file', path, `the source may not name the file ${file}`, 'trust: { tlsDirectory } allows one')
      else if (!isBelow(file, tlsDirectory))
        told('trust-tls-file', path, `the source may not name the file ${file}`, `files below ${tlsDirectory} are trusted`)
  return found
}

type Found = Generator<[path: string, text: string], void, void>

/** Every host a document speaks of. */
function* hostsOf({ kind, spec }: RuleDocument): Found {
  switch (kind) {
    case 'ServiceEntry':
      return yield* textsOf(spec?.hosts, 'spec.hosts')
    case 'DestinationRule':
      return yield* textOf(spec?.host, 'spec.host')
    case 'VirtualService':
      yield* textsOf(spec?.hosts, 'spec.hosts')
      for (const [http, path] of items(spec?.http, 'spec.http')) {
        for (const [route, at] of items(http?.route, `${path}.route`)) yield* textOf(route?.destination?.host, `${at}.destination.host`)
        yield* textOf(http?.mirror?.host, `${path}.mirror.host`)
        for (const [mirror, at] of items(http?.mirrors, `${path}.mirrors`))
          yield* textOf(mirror?.destination?.host, `${at}.destination.host`)
      }
      return
    case 'ResiliencePolicy':
      for (const [target, path] of items(spec?.targets, 'spec.targets'))
        if (target === '*') yield [path, '*']
        else yield* textOf(target?.host, `${path}.host`)
      yield* textOf(spec?.fallback?.destination?.host, 'spec.fallback.destination.host')
  }
}

/** Every address a document leads to. */
function* addressesOf({ kind, spec }: RuleDocument): Found {
  if (kind === 'WorkloadEntry') yield* textOf(spec?.address, 'spec.address')
  if (kind === 'ServiceEntry') {
    for (const [endpoint, path] of items(spec?.endpoints, 'spec.endpoints')) yield* textOf(endpoint?.address, `${path}.address`)
    // A DNS or NONE service without endpoints is reached under its own name.
    if (!spec?.endpoints?.length) yield* textsOf(spec?.hosts, 'spec.hosts')
  }
  if (kind !== 'VirtualService') return
  yield* textsOf(spec?.hosts, 'spec.hosts')
  for (const [http, path] of items(spec?.http, 'spec.http')) {
    yield* textOf(http?.redirect?.authority?.replace?.(/:\d+$/, ''), `${path}.redirect.authority`)
    for (const [route, at] of items(http?.route, `${path}.route`)) yield* textOf(route?.destination?.host, `${at}.destination.host`)
  }
}

/** Every certificate and key a document names. */
function* filesOf({ kind, spec }: RuleDocument): Found {
  if (kind !== 'DestinationRule') return
  yield* tlsOf(spec?.trafficPolicy, 'spec.trafficPolicy')
  for (const [subset, path] of items(spec?.subsets, 'spec.subsets')) yield* tlsOf(subset?.trafficPolicy, `${path}.trafficPolicy`)
}

function* tlsOf(policy: any, path: string): Found {
  for (const name of ['caCertificates', 'clientCertificate', 'privateKey', 'caCrl'])
    yield* textOf(policy?.tls?.[name], `${path}.tls.${name}`)
  for (const [port, at] of items(policy?.portLevelSettings, `${path}.portLevelSettings`)) yield* tlsOf(port, at)
}

function* items(list: unknown, path: string): Generator<[item: any, path: string], void, void> {
  if (Array.isArray(list)) for (const [index, item] of list.entries()) yield [item, member(path, index)]
}

function* textsOf(list: unknown, path: string): Found {
  for (const [item, at] of items(list, path)) yield* textOf(item, at)
}

function* textOf(value: unknown, path: string): Found {
  if (typeof value === 'string' && value !== '') yield [path, value]
}

/** Whether a path stays below a directory, read as text: what `..` leads out of is not below. */
function isBelow(file: string, directory: string): boolean {
  const steps: string[] = []
  for (const step of file.split(/[\\/]/))
    if (step === '..') steps.pop()
    else if (step !== '' && step !== '.') steps.push(step)
  const root = directory.split(/[\\/]/).filter(step => step !== '' && step !== '.')
  return file.startsWith('/') === directory.startsWith('/') && steps.length > root.length && root.every((step, at) => steps[at] === step)
}
