/** From hop to hop: every redirect is a request of its own, governed like the first, and changed as fetch changes it. */
import { getHeader, removeHeader } from '../../base/formats/headers.ts'
import { type BodyCare, defaultCare, drain } from '../../core/body.ts'
import type { Handle, MeshReply, MeshRequest } from '../../traffic/engine/exchange.ts'
import { coded, failed } from './fetch-error.ts'
import type { Asked } from './fetch-request.ts'
import { respond } from './fetch-response.ts'
import { type Address, fromUrl } from './fetch-url.ts'
import { checkRedirect } from './redirect-reach.ts'

const OF_THE_BODY = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']
/** What must not reach another origin. */
const SECRETS = ['authorization', 'proxy-authorization', 'cookie', 'host']

/** Sends the request and follows redirects as asked. */
export function follow(handle: Handle, asked: Asked, care: BodyCare | undefined): Promise<Response> {
  return handle(asked.request).then(reply => {
    if (isRedirect(reply.status)) return further(handle, asked, reply, care)
    return respond(reply, asked.request, { url: asked.address.href, redirected: false, type: 'basic', integrity: asked.integrity, care })
  })
}

/** The first reply is a redirect. */
async function further(handle: Handle, asked: Asked, first: MeshReply, care: BodyCare | undefined): Promise<Response> {
  const { origin } = asked.address.url
  let { request, address } = asked
  let reply = first
  let crossed = false
  for (let hops = 0; ; hops++) {
    const redirects = isRedirect(reply.status)
    if (redirects && asked.redirect === 'error') {
      leave(reply, care)
      throw failed(new Error('unexpected redirect'))
    }
    const to = redirects && asked.redirect === 'follow' ? getHeader(reply.headers, 'location') : undefined
    if (to === undefined) {
      const type = crossed ? 'cors' : 'basic'
      return respond(reply, request, { url: address.href, redirected: hops > 0, type, integrity: asked.integrity, care })
    }
    leave(reply, care)
    const url = target(to, address.url)
    if (hops >= asked.maxRedirects)
      throw failed(asked.maxRedirects === 20 ? new Error('redirect count exceeded') : coded('ERR_REDIRECTS', 'redirect count exceeded'))
    const secret = url.username !== '' || url.password !== ''
    if (secret && url.origin !== origin) throw failed(new Error('cross origin not allowed for request mode "cors"'))
    if (secret && crossed) throw failed(new Error('URL cannot contain credentials for request mode "cors"'))
    const { trust } = reply
    if (trust !== undefined) checkRedirect(url, address.url, trust)
    const next = fromUrl(url)
    request = hop(request, reply.status, url.origin === address.url.origin, next)
    if (trust !== undefined) request.trust = trust
    if (url.origin !== origin) crossed = true
    address = next
    reply = await handle(request)
  }
}

/** The request of the next hop. */
function hop(request: MeshRequest, status: number, sameOrigin: boolean, to: Address): MeshRequest {
  let { method, body } = request
  const headers = request.headers.slice()
  // What the engine wrote for the hop before.
  for (const name of ['x-envoy-attempt-count', 'x-envoy-expected-rq-timeout-ms']) removeHeader(headers, name)
  if (status !== 303 && body !== undefined && body.bytes === undefined && body.reopens !== true) throw failed(new Error())
  if (((status === 301 || status === 302) && method === 'POST') || (status === 303 && method !== 'GET' && method !== 'HEAD')) {
    method = 'GET'
    body = undefined
    for (const name of OF_THE_BODY) removeHeader(headers, name)
  }
  if (!sameOrigin) for (const name of SECRETS) removeHeader(headers, name)
  return {
    method,
    scheme: to.https ? 'https' : 'http',
    authority: to.authority,
    path: to.path,
    headers,
    body,
    signal: request.signal,
  }
}

function target(location: string, from: URL): URL {
  let next: URL
  try {
    next = new URL(utf8(location), from)
  } catch (error) {
    throw failed(error)
  }
  if (next.protocol !== 'http:' && next.protocol !== 'https:') throw failed(new Error('URL scheme must be a HTTP(S) scheme'))
  if (next.hash === '') next.hash = from.hash
  return next
}

/** Header text is bytes; those of a Location are UTF-8. */
function utf8(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  return new TextDecoder().decode(Uint8Array.from(text, c => c.charCodeAt(0)))
}

function leave(reply: MeshReply, care: BodyCare = defaultCare): void {
  if (reply.body !== undefined) drain(reply.body, care)
}

const isRedirect = (status: number) => status === 301 || status === 302 || status === 303 || status === 307 || status === 308
