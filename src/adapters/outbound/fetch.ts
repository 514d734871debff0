/** fetch, in and out: what the caller wrote becomes a request of the mesh, hop by hop, and the reply a Response. */
import { getHeader, removeHeader, setHeader } from '../../base/formats/headers.ts'
import type { WireBody } from '../../core/transport.ts'
import type { Handle, MeshReply, MeshRequest } from '../../traffic/engine/exchange.ts'
import { LazyResponse } from '../../traffic/transport/response.ts'
import { bodyOf } from './request-body.ts'

const MOST_REDIRECTS = 20
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const UPPER = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])
/** Headers that the transport writes itself. */
const OURS = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade'])

/** fetch over a mesh. */
export function makeFetch(handle: Handle): typeof fetch {
  return async function meshFetch(input: any, init: any = {}): Promise<Response> {
    let given = init ?? {}
    let address = input
    if (
      typeof input === 'object' &&
      input !== null &&
      !(input instanceof URL) &&
      typeof input.url === 'string' &&
      typeof input.method === 'string'
    ) {
      const request = input as Request
      if (request.bodyUsed && given.body === undefined)
        throw new TypeError('Cannot construct a Request with a Request object that has already been used.')
      given = {
        method: request.method,
        headers: request.headers,
        body: given.body === undefined && request.body !== null ? await request.arrayBuffer() : undefined,
        redirect: request.redirect,
        signal: request.signal,
        ...init,
      }
      address = request.url
    }
    const url = read(String(address))
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return globalThis.fetch(input, init)
    if (url.username !== '' || url.password !== '')
      throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${url.href}`)
    const method = methodOf(given.method)
    const signal: AbortSignal | undefined = given.signal ?? undefined
    signal?.throwIfAborted()
    const headers = headersOf(given.headers)
    let body: WireBody | undefined
    if (given.body !== undefined && given.body !== null) {
      if (method === 'GET' || method === 'HEAD') throw new TypeError('Request with GET/HEAD method cannot have body.')
      const made = await bodyOf(given.body, given.duplex)
      body = made.body
      if (made.type !== undefined && getHeader(headers, 'content-type') === undefined) headers.push('content-type', made.type)
    }
    defaults(headers)
    return follow(
      handle,
      {
        method,
        scheme: url.protocol === 'https:' ? 'https' : 'http',
        authority: url.host,
        path: pathOf(String(address), url),
        headers,
        body,
        signal,
      },
      url,
      given.redirect ?? 'follow',
    )
  } as typeof fetch
}

async function follow(handle: Handle, first: MeshRequest, start: URL, mode: string): Promise<Response> {
  let request = first
  let url = start
  for (let hops = 0; ; hops++) {
    const reply = await handle(request)
    const to = mode === 'manual' || !isRedirect(reply.status) ? undefined : getHeader(reply.headers, 'location')
    if (to === undefined) return respond(reply, request, url, hops > 0)
    reply.body?.cancel()
    if (mode === 'error') throw failed(new Error('unexpected redirect'))
    if (hops === MOST_REDIRECTS) throw failed(new Error('redirect count exceeded'))
    const next = new URL(to, url)
    if (next.protocol !== 'http:' && next.protocol !== 'https:') throw failed(new Error('URL scheme must be a HTTP(S) scheme'))
    if (next.hash === '') next.hash = url.hash
    const headers = request.headers.slice()
    for (const name of ['x-envoy-attempt-count', 'x-envoy-expected-rq-timeout-ms']) removeHeader(headers, name)
    let { method, body } = request
    if (
      (reply.status === 303 && method !== 'HEAD' && method !== 'GET') ||
      ((reply.status === 301 || reply.status === 302) && method === 'POST')
    ) {
      method = 'GET'
      body = undefined
      for (const name of ['content-encoding', 'content-language', 'content-location', 'content-type']) removeHeader(headers, name)
    } else if (body !== undefined && body.bytes === undefined) throw failed(new Error('the body was a stream and cannot be sent again'))
    if (next.origin !== url.origin)
      for (const name of ['authorization', 'proxy-authorization', 'cookie', 'host']) removeHeader(headers, name)
    request = {
      method,
      scheme: next.protocol === 'https:' ? 'https' : 'http',
      authority: next.host,
      path: next.pathname + next.search,
      headers,
      body,
      signal: request.signal,
    }
    url = next
  }
}

function respond(reply: MeshReply, request: MeshRequest, url: URL, redirected: boolean): Response {
  let { status, statusText } = reply
  if (status < 200 || status > 599) {
    reply.outcome.flags = reply.outcome.flags === '' ? 'UPE' : `${reply.outcome.flags},UPE`
    status = 502
    statusText = 'Bad Gateway'
  }
  const bodiless = request.method === 'HEAD' || status === 204 || status === 205 || status === 304
  return new LazyResponse({
    status,
    statusText,
    headers: reply.headers,
    url: url.hash === '' ? url.href : url.href.slice(0, -url.hash.length),
    redirected,
    outcome: reply.outcome,
    text: reply.text,
    source: reply.body,
    bodiless,
  }) as unknown as Response
}

const isRedirect = (status: number) => status === 301 || status === 302 || status === 303 || status === 307 || status === 308
const failed = (cause: Error) => new TypeError('fetch failed', { cause })

function read(text: string): URL {
  try {
    return new URL(text)
  } catch (error) {
    throw new TypeError(`Failed to parse URL from ${text}`, { cause: error })
  }
}

/** Path and query as the URL parser leaves them; a lone `?` is kept as written. */
function pathOf(_given: string, url: URL): string {
  return url.pathname + url.search
}

function methodOf(given: unknown): string {
  if (given === undefined) return 'GET'
  const method = String(given)
  if (!TOKEN.test(method)) throw new TypeError(`'${method}' is not a valid HTTP method.`)
  const upper = method.toUpperCase()
  if (upper === 'TRACE' || upper === 'CONNECT' || upper === 'TRACK') throw new TypeError(`'${method}' HTTP method is unsupported.`)
  return UPPER.has(upper) ? upper : method
}

/** Names and values in the caller's order; checked as fetch checks them. */
function headersOf(given: unknown): string[] {
  const flat: string[] = []
  if (given === undefined || given === null) return flat
  const add = (name: string, value: string) => {
    if (!TOKEN.test(name)) throw new TypeError(`Headers.append: "${name}" is an invalid header name.`)
    const text = value.trim()
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 255)
        throw new TypeError(
          `Cannot convert argument to a ByteString because the character at index ${i} has a value of ${code} which is greater than 255.`,
        )
      if (code === 0 || code === 10 || code === 13) throw new TypeError(`Headers.append: "${text}" is an invalid header value.`)
    }
    if (!OURS.has(name.toLowerCase())) flat.push(name, text)
  }
  if (typeof (given as any)[Symbol.iterator] === 'function') {
    for (const pair of given as Iterable<[string, string]>) {
      const entry = [...pair]
      if (entry.length !== 2) throw new TypeError('Headers constructor: expected name/value pair to be length 2.')
      add(String(entry[0]), String(entry[1]))
    }
  } else for (const [name, value] of Object.entries(given as object)) if (value !== undefined) add(name, String(value))
  return flat
}

/** What fetch sends by itself. */
function defaults(headers: string[]): void {
  if (getHeader(headers, 'accept') === undefined) headers.push('accept', '*/*')
  if (getHeader(headers, 'accept-language') === undefined) headers.push('accept-language', '*')
  setHeader(headers, 'sec-fetch-mode', 'cors')
  if (getHeader(headers, 'user-agent') === undefined) headers.push('user-agent', 'node')
  if (getHeader(headers, 'accept-encoding') === undefined) headers.push('accept-encoding', 'gzip, deflate')
}
