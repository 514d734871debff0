/** What the caller of fetch wrote, checked as fetch checks it. Whatever is unusual is put before the platform's own Request first. */
import { getHeader, hasHeader } from '../../base/formats/headers.ts'
import type { WireBody } from '../../core/transport.ts'
import type { MeshRequest } from '../../traffic/engine/exchange.ts'
import { coded, failed } from './fetch-error.ts'
import { defaultHeaders, readHeaders } from './fetch-headers.ts'
import { type Address, addressOf } from './fetch-url.ts'
import { bodyAtHand, bodyOf, bodyOfRequest, type ReadBody } from './request-body.ts'

/** One call of fetch. */
export interface Asked {
  readonly request: MeshRequest
  readonly address: Address
  readonly redirect: RequestRedirect
  /** Subresource integrity; `''` for none. */
  readonly integrity: string
  readonly maxRedirects: number
}

/** In an init, for our own ways in: what fetch itself cannot say. */
export const BEYOND_FETCH: unique symbol = Symbol('meshless.beyond-fetch')
export interface BeyondFetch {
  /** Redirects that are followed. Default 20. */
  readonly maxRedirects?: number
  /** A GET or HEAD may have a body. */
  readonly bodyOnGet?: boolean
}

/** What fast code writes; everything else is checked by `new Request`. */
const USUAL = new Set(['method', 'headers', 'body', 'redirect', 'signal', 'duplex'])
const UPPER = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** Ports that fetch refuses to call (https://fetch.spec.whatwg.org/#port-blocking). */
const BAD_PORTS = new Set(
  '1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080'.split(
    ' ',
  ),
)

/**
 * Reads the arguments of fetch; at once when there is no body to wait for. `undefined`: not HTTP, so not ours. Throws, or rejects, as fetch
 * rejects.
 */
export function readRequest(input: any, init: any): Asked | undefined | Promise<Asked | undefined> {
  let given = init ?? NOTHING
  let from: Request | undefined
  if (isRequest(input)) {
    from = input
    if (from.bodyUsed && (given.body === undefined || given.body === null))
      throw new TypeError('Cannot construct a Request with a Request object that has already been used.')
    if (hasOwn(given)) check(from.url, { ...given, method: given.method ?? from.method })
    given = {
      method: from.method,
      headers: from.headers,
      redirect: from.redirect,
      signal: from.signal,
      integrity: from.integrity,
      mode: from.mode,
      cache: from.cache,
      ...defined(given),
    }
  } else if (init !== undefined && init !== null && isUnusual(init)) check(input, init)

  const address = addressOf(from === undefined ? String(input) : from.url)
  if (address === undefined) return undefined
  if (given.dispatcher !== undefined && given.dispatcher !== null)
    throw new TypeError('mesh.fetch sends through its own connections and takes no dispatcher; give the mesh a transport instead')
  const method = methodOf(given.method)
  const headers = readHeaders(given.headers)
  const body = readBody(given, from, method)
  if (body === undefined) return asked(given, address, method, headers, undefined)
  if (body instanceof Promise) return body.then(read => asked(given, address, method, headers, read))
  return asked(given, address, method, headers, body)
}

const NOTHING = {} as any

function asked(given: any, address: Address, method: string, headers: string[], read: ReadBody | undefined): Asked {
  const body = read && stated(read, headers)
  const signal: AbortSignal | undefined = given.signal ?? undefined
  if (signal?.aborted === true) throw signal.reason
  const { https, authority, path } = address
  if (address.port !== '' && BAD_PORTS.has(address.port)) throw failed(new Error('bad port'))
  defaultHeaders(headers, https, given)
  return {
    request: { method, scheme: https ? 'https' : 'http', authority, path, headers, body, signal },
    address,
    redirect: given.redirect ?? 'follow',
    integrity: given.integrity ?? '',
    maxRedirects: (given[BEYOND_FETCH] as BeyondFetch | undefined)?.maxRedirects ?? 20,
  }
}

function readBody(given: any, from: Request | undefined, method: string): ReadBody | undefined | Promise<ReadBody> {
  const own = given.body
  if (own === undefined || own === null) {
    if (from === undefined || from.body === null) return undefined
    if (method === 'GET' || method === 'HEAD') throw new TypeError('Request with GET/HEAD method cannot have body.')
    return bodyOfRequest(from.body).then(body => ({ body, type: undefined }))
  }
  if ((method === 'GET' || method === 'HEAD') && (given[BEYOND_FETCH] as BeyondFetch | undefined)?.bodyOnGet !== true)
    throw new TypeError('Request with GET/HEAD method cannot have body.')
  return bodyAtHand(own) ?? bodyOf(own, given.duplex)
}

/** The body with its type told. A content-length that the caller states must be that of the body; a stream is sent with it. */
function stated({ body, type }: ReadBody, headers: string[]): WireBody {
  if (type !== undefined && !hasHeader(headers, 'content-type')) headers.push('content-type', type)
  const said = getHeader(headers, 'content-length')
  if (said === undefined || Number(said) === body.length) return body
  if (!/^\d+$/.test(said)) throw failed(coded('UND_ERR_INVALID_ARG', 'invalid content-length header'))
  if (body.length !== undefined)
    throw failed(coded('UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'Request body length does not match content-length header'))
  return { ...body, length: Number(said) }
}

function methodOf(given: unknown): string {
  if (given === undefined || given === 'GET') return 'GET'
  const method = String(given)
  if (UPPER.has(method)) return method
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method)) throw new TypeError(`'${method}' is not a valid HTTP method.`)
  const upper = method.toUpperCase()
  if (upper === 'TRACE' || upper === 'CONNECT' || upper === 'TRACK') throw new TypeError(`'${method}' HTTP method is unsupported.`)
  return UPPER.has(upper) && upper !== 'PATCH' ? upper : method
}

function isRequest(input: any): input is Request {
  if (typeof input !== 'object' || input === null) return false
  return input instanceof Request || (input[Symbol.toStringTag] === 'Request' && typeof input.url === 'string')
}

function isUnusual(init: any): boolean {
  for (const key in init) if (!USUAL.has(key) && init[key] !== undefined) return true
  const { redirect, signal } = init
  return (
    (redirect !== undefined && redirect !== 'follow' && redirect !== 'manual' && redirect !== 'error') ||
    (signal !== undefined && signal !== null && !(signal instanceof AbortSignal))
  )
}

/** Lets the platform say what is wrong with an init; the body stays untouched. */
function check(input: unknown, init: any): void {
  const { body: _body, duplex: _duplex, headers: _headers, signal, dispatcher: _dispatcher, ...rest } = init
  const withSignal = signal === undefined || signal === null || signal instanceof AbortSignal ? rest : { ...rest, signal }
  new Request(input as string, withSignal)
}

const hasOwn = (init: object) => Object.keys(init).length > 0

function defined(init: any): any {
  return Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined))
}
