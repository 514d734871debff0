/** From hop to hop: every redirect is a request of its own, governed and checked like the first, and changed as fetch changes it. */
import { getHeader, removeHeader } from '../../base/formats/headers.ts'
import { PlatformURL } from '../../base/platform.ts'
import { type BodyCare, defaultCare, drain } from '../../core/body.ts'
import type { WireBody } from '../../core/transport.ts'
import type { Handle, MeshReply, MeshRequest } from '../../traffic/engine/exchange.ts'
import { completeHeaders, type HeaderTerms } from './fetch-defaults.ts'
import { failed, withCallerStack } from './fetch-error.ts'
import { disclosedReferrer, policyAfter } from './fetch-referrer.ts'
import type { FetchCall } from './fetch-request.ts'
import { respond } from './fetch-response.ts'
import { type Address, fromUrl, isBlockedPort } from './fetch-url.ts'
import { checkRedirect } from './redirect-reach.ts'

const BODY_HEADERS = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']
/** What must not reach another origin. */
const SECRET_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'host']
const MAX_REDIRECTS = 20
const PROXY_AUTHENTICATION_REQUIRED = 407
const MISDIRECTED_REQUEST = 421

/** Sends the request and follows redirects as asked. */
export function follow(handle: Handle, call: FetchCall, care: BodyCare | undefined): Promise<Response> {
  return handle(call.request).then(reply => {
    const { status } = reply
    if (isRedirect(status) || status === PROXY_AUTHENTICATION_REQUIRED || status === MISDIRECTED_REQUEST)
      return new RedirectChain(handle, call, care).proceed(reply).catch(withCallerStack)
    const { address, integrity, timing } = call
    return respond(reply, call.request, { url: address.href, redirected: false, type: 'basic', integrity, care, timing })
  }, withCallerStack)
}

class RedirectChain {
  readonly #handle: Handle
  readonly #call: FetchCall
  readonly #care: BodyCare | undefined
  #request: MeshRequest
  #headers: readonly string[]
  #address: Address
  #terms: HeaderTerms
  #hops = 0
  /** It has left the first origin once. */
  #crossOrigin = false

  constructor(handle: Handle, call: FetchCall, care: BodyCare | undefined) {
    this.#handle = handle
    this.#call = call
    this.#care = care
    this.#request = call.request
    this.#headers = call.headers
    this.#address = call.address
    this.#terms = call.terms
  }

  /** What the caller receives after this reply and all that follow. */
  async proceed(first: MeshReply): Promise<Response> {
    const { redirect } = this.#call
    let reply = await this.#settled(first)
    for (;;) {
      const isFurther = isRedirect(reply.status)
      if (isFurther && redirect === 'error') {
        leave(reply, this.#care)
        throw failed(new Error('unexpected redirect'))
      }
      const location = isFurther && redirect === 'follow' ? getHeader(reply.headers, 'location') : undefined
      if (location === undefined) return this.#respond(reply)
      leave(reply, this.#care)
      this.#prepare(reply, targetOf(location, this.#address.url))
      reply = await this.#settled(await this.#handle(this.#request))
    }
  }

  /** Two statuses that fetch deals with itself: a request sent to the wrong server is sent once more, and it speaks to no proxy. */
  async #settled(reply: MeshReply): Promise<MeshReply> {
    let settled = reply
    if (reply.status === MISDIRECTED_REQUEST && isReplayable(this.#request.body)) {
      reply.body?.cancel() // closes its connection: another one may lead to the right server
      this.#request = { ...this.#request, headers: this.#complete() }
      settled = await this.#handle(this.#request)
    }
    if (settled.status !== PROXY_AUTHENTICATION_REQUIRED) return settled
    leave(settled, this.#care)
    throw failed(new Error())
  }

  #respond(reply: MeshReply): Response | Promise<Response> {
    const { integrity, timing } = this.#call
    const type = !this.#crossOrigin ? 'basic' : this.#terms.mode === 'no-cors' ? 'opaque' : 'cors'
    return respond(reply, this.#request, {
      url: this.#address.href,
      redirected: this.#hops > 0,
      type,
      integrity,
      care: this.#care,
      timing,
    })
  }

  /** Checks where the redirect leads and makes the request for it. */
  #prepare({ status, headers, trust }: MeshReply, url: URL): void {
    this.#check(url)
    if (trust !== undefined) checkRedirect(url, this.#address.url, trust)
    this.#hops++
    let { method, body } = this.#request
    const own = this.#headers.slice()
    if (status !== 303 && !isReplayable(body)) throw failed(new Error())
    if (((status === 301 || status === 302) && method === 'POST') || (status === 303 && method !== 'GET' && method !== 'HEAD')) {
      method = 'GET'
      body = undefined
      for (const name of BODY_HEADERS) removeHeader(own, name)
    }
    if (url.origin !== this.#address.url.origin) for (const name of SECRET_HEADERS) removeHeader(own, name)
    this.#headers = own
    const address = (this.#address = fromUrl(url))
    this.#call.timing?.redirected()
    if (isBlockedPort(address)) throw failed(new Error('bad port'))
    if (url.origin !== this.#call.address.url.origin) this.#crossOrigin = true
    if (this.#crossOrigin && this.#terms.mode === 'same-origin') throw failed(new Error('request mode cannot be "same-origin"'))
    this.#terms = termsAfter(headers, this.#terms, url)
    const { authority, path, https } = address
    const { signal } = this.#request
    this.#request = { method, scheme: https ? 'https' : 'http', authority, path, headers: [], body, signal, trust }
    this.#request.headers = this.#complete()
  }

  #check(url: URL): void {
    const { mode } = this.#terms
    if (this.#hops >= MAX_REDIRECTS) throw failed(new Error('redirect count exceeded'))
    if (url.username === '' && url.password === '') return
    if (mode === 'cors') throw failed(new Error('cross origin not allowed for request mode "cors"'))
    if (this.#crossOrigin && mode !== 'no-cors') throw failed(new Error('URL cannot contain credentials for request mode "cors"'))
  }

  #complete(): string[] {
    const { method } = this.#request
    return completeHeaders(this.#headers, this.#terms, { method, address: this.#address, crossOrigin: this.#crossOrigin })
  }
}

/** A redirect may change the policy, and no hop discloses more than the one before. */
function termsAfter(headers: readonly string[], terms: HeaderTerms, url: URL): HeaderTerms {
  if (terms.referrer === undefined) return terms
  const referrerPolicy = policyAfter(headers, terms.referrerPolicy)
  return { ...terms, referrerPolicy, referrer: disclosedReferrer(terms.referrer, referrerPolicy, url) }
}

function targetOf(location: string, from: URL): URL {
  let next: URL
  try {
    next = new PlatformURL(utf8(location), from)
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

const isReplayable = (body: WireBody | undefined): boolean => body === undefined || body.bytes !== undefined || body.reopens === true

function leave(reply: MeshReply, care: BodyCare = defaultCare): void {
  if (reply.body !== undefined) drain(reply.body, care)
}

const isRedirect = (status: number) => status === 301 || status === 302 || status === 303 || status === 307 || status === 308
