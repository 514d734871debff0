/** How far the rules of a source may reach, and the one decision about an address. */
import { type AddressKind, addressKind, canonicalHost } from '../base/formats/addresses.ts'
import { type Place, show } from './schema/fault.ts'
import { anything, array, boolean, type InputOf, type OptionsOf, string } from './schema/index.ts'
import { readFields } from './schema/read.ts'
import type { Option } from './schema/types.ts'

const hosts = array('The hosts that may be named: exact, or wildcards such as `*.shop.svc.cluster.local`. Default: all.', {
  ...string(''),
  read: readHostPattern,
})

export const trustFields = {
  unixSockets: boolean('Whether endpoints may be Unix sockets. Default: they may.'),
  linkLocal: boolean(
    'Whether endpoints and redirects may lead to link-local addresses (169.254.0.0/16, fe80::/10) and to the metadata services of clouds, which hand out credentials; also by DNS. Default: they may.',
  ),
  tlsDirectory: directory('The directory below which certificates and keys may be named; `false`: none may be named. Default: any.'),
  hosts,
} as const

/** For what others can write to over a network: what is left out is not allowed. */
export const tightTrustFields = {
  unixSockets: boolean('Whether endpoints may be Unix sockets.', { default: false }),
  linkLocal: boolean(
    'Whether endpoints and redirects may lead to link-local addresses (169.254.0.0/16, fe80::/10) and to the metadata services of clouds, which hand out credentials; also by DNS.',
    { default: false },
  ),
  tlsDirectory: closed(directory('The directory below which certificates and keys may be named; `false`: none may be named.')),
  hosts,
} as const

/**
 * How far the rules of a source may reach. What is left out is allowed, as for rules that the
 * program itself gives; sources that others can write to over a network begin with `TIGHT`.
 */
export interface Trust extends InputOf<typeof trustFields> {}

/**
 * Under this name configuration carries the trust of the documents that it was made from: in the
 * metadata of endpoints and clusters, and as an extension of routes.
 */
export const TRUST = 'meshless.dev/trust'

/** Nothing but addresses on the network. */
export const TIGHT: Trust = Object.freeze({ unixSockets: false, linkLocal: false, tlsDirectory: false })

/**
 * Copies and checks the trust of a source. Issues are added to `at`: a misspelt restriction would
 * restrict nothing.
 */
export function readTrust(given: unknown, at: Place): Trust | undefined {
  if (given === undefined) return undefined
  return Object.freeze(readFields(trustFields, given, at) as OptionsOf<typeof trustFields>)
}

/** What forbids an address to rules of this trust; `undefined`: nothing does. */
export function forbiddenKind(trust: Trust | undefined, address: string): Exclude<AddressKind, 'ordinary'> | undefined {
  return trust === undefined ? undefined : forbiddenOf(trust, addressKind(address))
}

/** The same for an address whose kind is known. */
export function forbiddenOf({ unixSockets, linkLocal }: Trust, kind: AddressKind): Exclude<AddressKind, 'ordinary'> | undefined {
  if (kind === 'unix-socket') return unixSockets === false ? kind : undefined
  if (kind === 'link-local') return linkLocal === false ? kind : undefined
  return undefined
}

/** The addresses that both trusts allow; `undefined`: all. Hosts and files are left out. */
export function narrower(a: Trust | undefined, b: Trust | undefined): Trust | undefined {
  if (a === b || b === undefined) return addressesOnly(a)
  if (a === undefined) return addressesOnly(b)
  return addressesOnly({
    unixSockets: a.unixSockets !== false && b.unixSockets,
    linkLocal: a.linkLocal !== false && b.linkLocal,
  })
}

/** The addresses and hosts that both trusts allow; `undefined`: all. Files are left out. */
export function common(a: Trust | undefined, b: Trust | undefined): Trust | undefined {
  const addresses = narrower(a, b)
  const hosts = a?.hosts === undefined ? b?.hosts : b?.hosts === undefined || a.hosts === b.hosts ? a.hosts : commonHosts(a.hosts, b.hosts)
  return hosts === undefined ? addresses : { ...addresses, hosts }
}

function commonHosts(a: readonly string[], b: readonly string[]): readonly string[] {
  const covered = (some: readonly string[], by: readonly string[]) => some.filter(host => by.some(pattern => coversHost(pattern, host)))
  return [...new Set([...covered(a, b), ...covered(b, a)])]
}

/** Whether every name meant by `host` is also meant by `pattern`. `*.foo.com` does not mean `foo.com`. */
export function coversHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*')) return pattern === host
  const suffix = pattern.slice(1)
  return host.startsWith('*') ? host.length >= pattern.length && host.slice(1).endsWith(suffix) : host.endsWith(suffix)
}

/** Whether rules of this trust may name a host, given in full, or a wildcard. */
export function isTrustedWith(trust: Trust | undefined, host: string): boolean {
  if (trust?.hosts === undefined) return true
  const name = canonicalHost(host)
  return trust.hosts.some(pattern => coversHost(pattern.toLowerCase(), name))
}

/** The part of a trust that concerns addresses, always the same object for the same part. */
function addressesOnly(trust: Trust | undefined): Trust | undefined {
  if (trust === undefined) return undefined
  if (trust.unixSockets === false) return trust.linkLocal === false ? NEITHER : NO_UNIX_SOCKETS
  return trust.linkLocal === false ? NO_LINK_LOCAL : undefined
}

const NO_UNIX_SOCKETS: Trust = Object.freeze({ unixSockets: false })
const NO_LINK_LOCAL: Trust = Object.freeze({ linkLocal: false })
const NEITHER: Trust = Object.freeze({ unixSockets: false, linkLocal: false })

/** Functions, so that the built declarations name the type of these options. */
function directory(text: string): Option<string | false, string | false | undefined> {
  return { ...anything<string | false>(text), read: readDirectory }
}

function closed<In>(option: Option<In, any>): Option<In, In> {
  return { ...option, default: false as In }
}

function readDirectory(value: unknown, at: Place): string | false | undefined {
  if (value === false || (typeof value === 'string' && value.trim() !== '')) return value
  return at.wrong(value, 'a directory or false', 'e.g. "/etc/certs"')
}

function readHostPattern(value: unknown, at: Place): string | undefined {
  const expected = 'e.g. "api.example.com" or "*.shop.svc.cluster.local"'
  if (typeof value !== 'string') return at.wrong(value, 'a host or a wildcard', expected)
  if (value === '*') return value
  const wildcard = value.startsWith('*.')
  const written = wildcard ? value.slice(2) : value
  const host = canonicalHost(written)
  const isName = /^[^\s:/?#@*%[\]\\]+$/.test(written) && host !== ''
  const isIPv6 = /^\[?[0-9a-f:.]+\]?$/i.test(written) && host.startsWith('[')
  if (!isName && !isIPv6) return at.fault('value', `${show(value)} is not a host or a wildcard`, expected)
  return wildcard ? `*.${host}` : host
}
