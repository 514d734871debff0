/** The hash that keeps a caller on one host: worked out from the request as the route's policies say, as Envoy's hash_policy does. */
import { getHeader, getHeaderLines } from '../../base/formats/headers.ts'
import { utf8Bytes } from '../../base/formats/http-text.ts'
import { xxhash64 } from '../../base/formats/xxhash64.ts'
import { parseDuration } from '../../base/time/duration.ts'
import type { HashPolicy } from '../../envoy/index.ts'

export interface HashResult {
  readonly hash: bigint | undefined
  /** Cookies made for this caller. */
  readonly setCookies: readonly string[]
}

/** What hashing looks at. */
export interface Hashed {
  readonly method: string
  readonly authority: string
  readonly path: string
  readonly headers: readonly string[]
}

const WIDE = (1n << 64n) - 1n
const NONE: readonly string[] = []

/**
 * `came`: the headers as they came in, where rules may have changed them since: who forwarded the request stands there. `newcomer`: what a
 * cookie is made of for a caller who has none; Envoy takes the address, which in a process is everybody's.
 */
export function hashOf(
  policies: readonly HashPolicy[],
  request: Hashed,
  clientAddress: string,
  came: readonly string[] = request.headers,
  newcomer = clientAddress,
): HashResult {
  let hash: bigint | undefined
  let setCookies = NONE
  for (const policy of policies) {
    let own: bigint | undefined
    if (policy.header !== undefined) own = ofHeader(request, policy.header.headerName.toLowerCase())
    else if (policy.queryParameter !== undefined) own = ofQuery(request.path, policy.queryParameter.name)
    else if (policy.connectionProperties?.sourceIp) own = xxhash64(forwardedFor(came) ?? clientAddress)
    else if (policy.cookie !== undefined) {
      const { name, ttl } = policy.cookie
      const value = cookieOf(request.headers, utf8Bytes(name))
      if (value) own = hashBytes(value)
      else if (ttl !== undefined) {
        const made = xxhash64(newcomer).toString(16)
        own = xxhash64(made)
        setCookies = [...setCookies, setCookieOf(policy.cookie, made)]
      }
    }
    if (own !== undefined) hash = hash === undefined ? own : (((hash << 1n) | (hash >> 63n)) & WIDE) ^ own
    if (policy.terminal && hash !== undefined) break
  }
  return { hash, setCookies }
}

function setCookieOf({ name, ttl, path, attributes }: NonNullable<HashPolicy['cookie']>, value: string): string {
  const age = Math.floor((parseDuration(ttl!) ?? 0) / 1000)
  const parts = [`${name}="${value}"`]
  if (age > 0) parts.push(`Max-Age=${age}`)
  if (path) parts.push(`Path=${path}`)
  for (const attribute of attributes ?? []) parts.push(attribute.value ? `${attribute.name}=${attribute.value}` : attribute.name)
  parts.push('HttpOnly')
  return utf8Bytes(parts.join('; '))
}

/** The hash of what came or goes on the wire, where each character is a byte. */
function hashBytes(bytes: string, seed = 0n): bigint {
  return xxhash64(/^[\0-\x7f]*$/.test(bytes) ? bytes : Uint8Array.from(bytes, c => c.charCodeAt(0)), seed)
}

/** The last address of X-Forwarded-For; what is no address says nothing. */
function forwardedFor(headers: readonly string[]): string | undefined {
  const last = getHeader(headers, 'x-forwarded-for')?.split(',').at(-1)?.trim()
  return last !== undefined && ADDRESS.test(last) ? last : undefined
}

const BYTE = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const ADDRESS = new RegExp(`^(?:${BYTE}(?:\\.${BYTE}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$`)

function ofHeader(request: Hashed, name: string): bigint | undefined {
  if (name === 'host' || name === ':authority') return hashBytes(request.authority)
  if (name === ':path') return hashBytes(request.path)
  if (name === ':method') return xxhash64(request.method)
  const values = getHeaderLines(request.headers, name)
  if (values.length === 0) return undefined
  return values.sort().reduce((seed, value) => hashBytes(value, seed), 0n)
}

function ofQuery(path: string, name: string): bigint | undefined {
  const query = path.indexOf('?')
  if (query < 0) return undefined
  for (const part of path.slice(query + 1).split('&')) {
    const equals = part.indexOf('=')
    if ((equals < 0 ? part : part.slice(0, equals)) === name) return hashBytes(equals < 0 ? '' : part.slice(equals + 1))
  }
  return undefined
}

/** The first cookie of this name, without its quotes. */
function cookieOf(headers: readonly string[], name: string): string | undefined {
  for (const line of getHeaderLines(headers, 'cookie'))
    for (const part of line.split(';')) {
      const equals = part.indexOf('=')
      if (equals >= 0 && part.slice(0, equals).replace(/^ +/, '') === name) return part.slice(equals + 1).replace(/^"(.*)"$/, '$1')
    }
  return undefined
}
