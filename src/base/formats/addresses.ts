/**
 * What an address is, however it is spelled. Text is read as the platform reads it before it
 * dials: numbers in hex or octal, short forms, a final dot and full-width digits are the same
 * IPv4 address to URL parsers and to getaddrinfo, and IPv6 carries IPv4 addresses in many ways.
 */

import { PlatformURL } from '../platform.ts'

export type IPv4 = readonly [number, number, number, number]
/** Eight groups of 16 bits. */
export type IPv6 = readonly number[]

/** Metadata services of clouds that have no link-local address. */
const METADATA_V4: ReadonlySet<string> = new Set([
  '100.100.100.200', // Alibaba Cloud
  '168.63.129.16', // Azure's wire server
  '192.0.0.192', // Oracle Cloud Classic
])
const METADATA_V6: ReadonlySet<string> = new Set([
  '[fd20:ce::254]', // Google Cloud
  '[fd00:42::42]', // Scaleway
])

/**
 * Whether an address can be reached on this machine's own link only, or is a metadata service:
 * that is where clouds hand out credentials. IPv4 addresses inside IPv6 are seen through.
 * `address`: an IP address or a host in any spelling, with or without brackets and port.
 */
export function isLinkLocal(address: string): boolean {
  const host = canonicalHost(address)
  const v4 = parseIPv4(host)
  if (v4 !== undefined) return isLinkLocalV4(v4)
  const v6 = parseIPv6(host)
  if (v6 === undefined) return false
  if ((v6[0]! & 0xffc0) === 0xfe80) return true
  if (v6[0] === 0xfd00 && v6[1] === 0x0ec2) return true // services of Amazon's instances
  return METADATA_V6.has(host) || embeddedIPv4(v6).some(isLinkLocalV4)
}

function isLinkLocalV4(address: IPv4): boolean {
  return (address[0] === 169 && address[1] === 254) || METADATA_V4.has(address.join('.'))
}

/** What kind of address it is, as far as rules may be kept from it. */
export type AddressKind = 'unix-socket' | 'link-local' | 'ordinary'

export function addressKind(address: string): AddressKind {
  if (isUnixSocket(address)) return 'unix-socket'
  return isLinkLocal(address) ? 'link-local' : 'ordinary'
}

/** Whether an address is a Unix socket: `unix:…`, a path, or `@name` (abstract). */
export function isUnixSocket(address: string): boolean {
  return /^[\s\0]*(?:unix:|[/@\\]|\0)/i.test(address)
}

/** Whether a host is an IP address in some spelling. */
export function isIPAddress(host: string): boolean {
  const canonical = canonicalHost(host)
  return canonical.startsWith('[') || parseIPv4(canonical) !== undefined
}

/**
 * The host of an address as a URL parser writes it: IPv4 as four numbers, IPv6 in brackets and
 * compressed, names in lower case. User, port, zone and a final dot fall away. What no URL can
 * hold stays as it is, in lower case.
 */
export function canonicalHost(address: string): string {
  if (PLAIN.test(address)) return address
  const text = address.trim()
  const bare = text.replace(/^\[|\](?::\d*)?$/g, '').replace(/%.*$/s, '')
  const host = hostInUrl(text) ?? (bare.includes(':') ? hostInUrl(`[${bare}]`) : undefined)
  return (host ?? text.toLowerCase()).replace(/\.$/, '')
}

/** Hosts that a URL parser leaves as they are: IPv4 addresses, and names that do not end in a number. */
const PLAIN = /^(?:(?:[a-z0-9_-]+\.)*[a-z][a-z0-9_-]*|(?:(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])\.){3}(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5]))$/

function hostInUrl(text: string): string | undefined {
  try {
    const { hostname } = new PlatformURL(`http://${text}/`)
    return hostname.includes('%') ? undefined : hostname // Chromium escapes what it should refuse or keep
  } catch {
    return undefined
  }
}

/** Of a canonical host. */
function parseIPv4(host: string): IPv4 | undefined {
  if (!/^(?:\d{1,3}\.){3}\d{1,3}$/.test(host)) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = host.split('.').map(Number)
  return Math.max(a, b, c, d) > 255 ? undefined : [a, b, c, d]
}

/** Of a canonical host, which has brackets and no dots. */
function parseIPv6(host: string): IPv6 | undefined {
  if (!/^\[[0-9a-f:]+\]$/.test(host)) return undefined
  const [head = '', tail] = host.slice(1, -1).split('::')
  const first = groupsOf(head)
  if (tail === undefined) return first
  const last = groupsOf(tail)
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last]
}

const groupsOf = (text: string): number[] => (text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16)))

/** The IPv4 addresses that packets to an IPv6 address may end at. */
function embeddedIPv4(v6: IPv6): IPv4[] {
  const [a, b, c, d, e, f, g, h] = v6 as [number, number, number, number, number, number, number, number]
  const last = quad(g, h)
  const empty = (a | b | c | d) === 0
  const found: IPv4[] = []
  // Mapped (::ffff:0:0/96), translated (::ffff:0:0:0/96) and compatible (::/96).
  if (empty && e === 0 && (f === 0xffff || f === 0)) found.push(last)
  if (empty && e === 0xffff && f === 0) found.push(last)
  if (a === 0x0064 && b === 0xff9b) {
    // NAT64 (RFC 6052); below 64:ff9b:1::/48 (RFC 8215) the prefix may be of any length.
    found.push(last)
    if (c === 1) found.push(quad(d, ((e & 0xff) << 8) | (f >> 8)))
    if (c === 1) found.push(quad(((d & 0xff) << 8) | (e & 0xff), f))
    if (c === 1) found.push(quad(((e & 0xff) << 8) | (f >> 8), ((f & 0xff) << 8) | (g >> 8)))
  }
  if (a === 0x2002) found.push(quad(b, c)) // 6to4
  if (a === 0x2001 && b === 0) found.push(quad(c, d), quad(g ^ 0xffff, h ^ 0xffff)) // Teredo
  if ((e & 0xfdff) === 0 && f === 0x5efe) found.push(last) // ISATAP
  return found
}

const quad = (high: number, low: number): IPv4 => [high >> 8, high & 0xff, low >> 8, low & 0xff]
