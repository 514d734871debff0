/** The hash that keeps a caller on one host: worked out from the request as the route's policies say, as Envoy's hash_policy does. */
import { xxhash64 } from '../../base/formats/xxhash64.ts'
import { parseDuration } from '../../base/time/duration.ts'
import type { HashPolicy } from '../../envoy/index.ts'

export interface HashResult {
  readonly hash: bigint | undefined
  /** A cookie made for this caller. */
  readonly setCookie: string | undefined
}

/** What hashing looks at. */
export interface Hashed {
  readonly path: string
  readonly headers: readonly string[]
  header(name: string): string | undefined
}

const WIDE = (1n << 64n) - 1n

export function hashOf(policies: readonly HashPolicy[], request: Hashed, clientAddress: string): HashResult {
  let hash: bigint | undefined
  let setCookie: string | undefined
  for (const policy of policies) {
    let own: bigint | undefined
    if (policy.header !== undefined) own = ofHeader(request, policy.header.headerName.toLowerCase())
    else if (policy.queryParameter !== undefined) own = ofQuery(request.path, policy.queryParameter.name)
    else if (policy.connectionProperties?.sourceIp) {
      const forwarded = request.header('x-forwarded-for')?.split(',').at(-1)?.trim()
      own = xxhash64(forwarded || clientAddress)
    } else if (policy.cookie !== undefined) {
      const { name, ttl, path, attributes } = policy.cookie
      const value = cookieOf(request, name)
      if (value !== undefined) own = xxhash64(value)
      else if (ttl !== undefined) {
        const made = xxhash64(clientAddress).toString(16)
        own = xxhash64(made)
        const age = Math.floor((parseDuration(ttl) ?? 0) / 1000)
        setCookie = [
          `${name}="${made}"`,
          age > 0 ? `Max-Age=${age}` : '',
          path ? `Path=${path}` : '',
          ...(attributes ?? []).map(a => (a.value ? `${a.name}=${a.value}` : a.name)),
          'HttpOnly',
        ]
          .filter(Boolean)
          .join('; ')
      }
    }
    if (own !== undefined) hash = hash === undefined ? own : (((hash << 1n) | (hash >> 63n)) & WIDE) ^ own
    if (policy.terminal && hash !== undefined) break
  }
  return { hash, setCookie }
}

function ofHeader(request: Hashed, name: string): bigint | undefined {
  const values: string[] = []
  for (let i = 0; i < request.headers.length; i += 2) if (request.headers[i]!.toLowerCase() === name) values.push(request.headers[i + 1]!)
  if (values.length === 0) return undefined
  return values.sort().reduce((seed, value) => xxhash64(value, seed), 0n)
}

function ofQuery(path: string, name: string): bigint | undefined {
  const query = path.indexOf('?')
  if (query < 0) return undefined
  for (const part of path.slice(query + 1).split('&')) {
    const equals = part.indexOf('=')
    if ((equals < 0 ? part : part.slice(0, equals)) === name) return xxhash64(equals < 0 ? '' : part.slice(equals + 1))
  }
  return undefined
}

function cookieOf(request: Hashed, name: string): string | undefined {
  for (const part of request.header('cookie')?.split(/[;,]/) ?? []) {
    const equals = part.indexOf('=')
    if (equals >= 0 && part.slice(0, equals).trim() === name)
      return part
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1')
  }
  return undefined
}
