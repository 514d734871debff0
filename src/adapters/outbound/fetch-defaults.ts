/** What fetch adds to the caller's headers, again for each hop of a redirect. */
import { getHeader, hasHeader, removeHeader, setHeader } from '../../base/formats/headers.ts'
import type { Address } from './fetch-url.ts'

/** What of an init has a say in the headers. */
export interface HeaderTerms {
  readonly mode: RequestMode
  readonly cache: RequestCache
  /** Where the request says it comes from: what the policy lets it disclose. */
  readonly referrer: URL | undefined
  readonly referrerPolicy: string
  /** The origin of this process, if it has one. */
  readonly origin: string | undefined
}

/** Those of an init that says nothing about them. */
export const USUAL_TERMS: HeaderTerms = {
  mode: 'cors',
  cache: 'default',
  referrer: undefined,
  referrerPolicy: '',
  origin: undefined,
}

/** The request that the headers are for. */
export interface HeaderTarget {
  readonly method: string
  readonly address: Address
  /** A redirect led to another origin. */
  readonly crossOrigin: boolean
}

const DEFAULTS = [
  'accept',
  '*/*',
  'accept-language',
  '*',
  'sec-fetch-mode',
  'cors',
  'user-agent',
  'node',
  'accept-encoding',
  'gzip, deflate',
]
const CONDITIONS = ['if-modified-since', 'if-none-match', 'if-unmodified-since', 'if-match', 'if-range']

/** The headers of one request: the caller's own and what fetch sends by itself. The transport writes its own. */
export function completeHeaders(own: readonly string[], terms: HeaderTerms, to: HeaderTarget): string[] {
  const { https } = to.address
  if (own.length === 0 && !https && terms === USUAL_TERMS) return DEFAULTS.slice()
  const headers = own.slice()
  removeHeader(headers, 'content-length')
  fill(headers, 'accept', '*/*')
  fill(headers, 'accept-language', '*')
  if (terms.referrer !== undefined) fill(headers, 'referer', terms.referrer.href)
  if (terms.origin !== undefined) addOrigin(headers, terms.origin, terms, to)
  setHeader(headers, 'sec-fetch-mode', terms.mode)
  fill(headers, 'user-agent', 'node')
  addCacheControl(headers, terms.cache)
  if (!hasHeader(headers, 'range')) fill(headers, 'accept-encoding', https ? 'br, gzip, deflate' : 'gzip, deflate')
  else setHeader(headers, 'accept-encoding', [getHeader(headers, 'accept-encoding'), 'identity'].filter(Boolean).join(', '))
  return headers
}

function addOrigin(headers: string[], origin: string, { referrerPolicy }: HeaderTerms, to: HeaderTarget): void {
  if (!to.crossOrigin && (to.method === 'GET' || to.method === 'HEAD')) return
  const hidden =
    !to.crossOrigin &&
    (referrerPolicy === 'no-referrer' ||
      (referrerPolicy === 'same-origin' && origin !== to.address.url.origin) ||
      (!['origin', 'unsafe-url', 'origin-when-cross-origin', 'same-origin'].includes(referrerPolicy) &&
        origin.startsWith('https:') &&
        !to.address.https))
  fill(headers, 'origin', hidden ? 'null' : origin)
}

/** A condition of the caller's own asks for the server's answer, not for that of a cache on the way. */
function addCacheControl(headers: string[], cache: RequestCache): void {
  if (cache === 'no-cache') return fill(headers, 'cache-control', 'max-age=0')
  const own = cache === 'default' && CONDITIONS.some(name => hasHeader(headers, name))
  if (!own && cache !== 'no-store' && cache !== 'reload') return
  fill(headers, 'pragma', 'no-cache')
  fill(headers, 'cache-control', 'no-cache')
}

function fill(headers: string[], name: string, value: string): void {
  if (!hasHeader(headers, name)) headers.push(name, value)
}
