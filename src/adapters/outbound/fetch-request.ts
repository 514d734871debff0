/** What the caller of fetch wrote, checked as fetch checks it. */
import { getHeader, hasHeader } from '../../base/formats/headers.ts'
import { isToken } from '../../base/formats/http-text.ts'
import { globalOrigin } from '../../base/platform.ts'
import { type ResourceTiming, startTiming } from '../../base/time/resource-timing.ts'
import type { WireBody } from '../../core/transport.ts'
import type { MeshRequest } from '../../traffic/engine/exchange.ts'
import { completeHeaders, type HeaderTerms, USUAL_TERMS } from './fetch-defaults.ts'
import { coded, failed } from './fetch-error.ts'
import { readHeaders } from './fetch-headers.ts'
import { type FetchInit, isRequest, isUsualInit, NO_INIT, RESOLVED_URL, resolveInit } from './fetch-init.ts'
import { DEFAULT_POLICY, disclosedReferrer, referrerOf } from './fetch-referrer.ts'
import { type Address, addressOf, isBlockedPort } from './fetch-url.ts'
import { bodyAtHand, bodyOf, bodyOfRequest, type ReadBody } from './request-body.ts'

/** One call of fetch. */
export interface FetchCall {
  readonly request: MeshRequest
  readonly address: Address
  /** The caller's own headers, from which those of each hop are made. */
  readonly headers: readonly string[]
  readonly terms: HeaderTerms
  readonly redirect: RequestRedirect
  /** Subresource integrity; `''` for none. */
  readonly integrity: string
  readonly timing: ResourceTiming | undefined
}

const STANDARD_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * Reads the arguments of fetch; at once when there is no body to wait for. `undefined`: not HTTP, so not ours. Throws, or rejects, as fetch
 * rejects.
 */
export function readRequest(input: unknown, init: unknown): FetchCall | undefined | Promise<FetchCall | undefined> {
  let given = (init ?? NO_INIT) as FetchInit
  const from = isRequest(input) ? input : undefined
  if (from !== undefined && (given.body ?? undefined) === undefined && (from.bodyUsed || from.body?.locked === true))
    throw new TypeError('Cannot construct a Request with a Request object that has already been used.')
  if (from !== undefined || !isUsualInit(given)) given = resolveInit(input, init)
  const address = addressOf(given[RESOLVED_URL] ?? `${input}`)
  if (address === undefined) return undefined
  if (given.dispatcher !== undefined && given.dispatcher !== null)
    throw new TypeError('mesh.fetch sends through its own connections and takes no dispatcher; give the mesh a transport instead')
  const method = methodOf(given.method)
  const headers = readHeaders(given.headers)
  const body = readBody(given, from, method)
  if (body instanceof Promise) return body.then(read => callOf(given, address, method, headers, read))
  return callOf(given, address, method, headers, body)
}

function callOf(given: FetchInit, address: Address, method: string, headers: string[], read: ReadBody | undefined): FetchCall {
  const body = read && withType(read, headers)
  const signal = given.signal ?? undefined
  if (signal?.aborted === true) {
    body?.close?.()
    throw signal.reason
  }
  if (isBlockedPort(address)) throw failed(new Error('bad port'))
  const terms = given[RESOLVED_URL] === undefined ? USUAL_TERMS : termsOf(given, address)
  return {
    request: {
      method,
      scheme: address.https ? 'https' : 'http',
      authority: address.authority,
      path: address.path,
      headers: completeHeaders(headers, terms, { method, address, crossOrigin: false }),
      body,
      signal,
    },
    address,
    headers,
    terms,
    redirect: given.redirect ?? 'follow',
    integrity: given.integrity ?? '',
    timing: startTiming(address.href),
  }
}

function termsOf(given: FetchInit, address: Address): HeaderTerms {
  const { mode = 'cors', cache = 'default' } = given
  const referrerPolicy = given.referrerPolicy || DEFAULT_POLICY
  const source = referrerOf(given.referrer ?? 'about:client')
  const referrer = source && disclosedReferrer(source, referrerPolicy, address.url)
  return { mode, cache, referrer, referrerPolicy, origin: globalOrigin()?.origin }
}

function readBody(given: FetchInit, from: Request | undefined, method: string): ReadBody | undefined | Promise<ReadBody> {
  const own = given.body
  const isBodiless = method === 'GET' || method === 'HEAD'
  if (own === undefined || own === null) {
    if (from === undefined || from.body === null) return undefined
    if (isBodiless) throw new TypeError('Request with GET/HEAD method cannot have body.')
    return bodyOfRequest(from.body, given.signal ?? undefined).then(body => ({ body, type: undefined }))
  }
  if (isBodiless) throw new TypeError('Request with GET/HEAD method cannot have body.')
  return bodyAtHand(own) ?? bodyOf(own, given)
}

/** The body, its type among the headers. A content-length that the caller states must be that of the body; a stream is sent with it. */
function withType({ body, type }: ReadBody, headers: string[]): WireBody {
  if (type !== undefined && !hasHeader(headers, 'content-type')) headers.push('content-type', type)
  const stated = getHeader(headers, 'content-length')
  if (stated === undefined) return body
  const length = Number.parseInt(stated, 10)
  if (!(length >= 0)) throw failed(coded('UND_ERR_INVALID_ARG', 'invalid content-length header'))
  if (length === body.length) return body
  if (body.length !== undefined)
    throw failed(coded('UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'Request body length does not match content-length header'))
  return { ...body, length }
}

function methodOf(given: unknown): string {
  if (given === undefined || given === 'GET') return 'GET'
  const method = `${given}`
  if (STANDARD_METHODS.has(method)) return method
  if (!isToken(method)) throw new TypeError(`'${method}' is not a valid HTTP method.`)
  const upper = method.toUpperCase()
  if (upper === 'TRACE' || upper === 'CONNECT' || upper === 'TRACK') throw new TypeError(`'${method}' HTTP method is unsupported.`)
  return STANDARD_METHODS.has(upper) && upper !== 'PATCH' ? upper : method
}
