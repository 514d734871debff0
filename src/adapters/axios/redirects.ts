/** The next hop of a redirected request, as follow-redirects and axios make it. */
import type { Trust } from '../../core/trust.ts'
import type { MeshReply } from '../../traffic/engine/exchange.ts'
import { checkRedirect } from '../outbound/redirect-reach.ts'
import type { Given } from './config.ts'
import { axiosError } from './errors.ts'
import { headersOf } from './request-view.ts'

/** One request on its way. */
export interface Hop {
  readonly method: string
  readonly url: URL
  /** Path and query, as they are sent. */
  readonly path: string
  readonly headers: Record<string, string | string[]>
  readonly hasBody: boolean
  /** What bounds the addresses that it may lead to. */
  readonly trust?: Trust | undefined
}

const MOST = 21
const SECRETS = /^(authorization|proxy-authorization|cookie)$/i

export class Redirects {
  count = 0
  readonly #given: Given
  readonly #most: number
  readonly #sensitive: ReadonlySet<string>
  /** Whether the Authorization header is made of credentials, which beforeRedirect sees as `auth`. */
  readonly #auth: string | undefined

  constructor(given: Given, auth: string | undefined) {
    this.#given = given
    this.#auth = auth
    const most = given.own('maxRedirects')
    this.#most = most === 0 ? 0 : Number(most) || MOST
    this.#sensitive = sensitiveHeaders(given)
  }

  /** What follows a reply; `undefined`: it is the response. Throws an error as follow-redirects words it. */
  next(hop: Hop, { status, headers: lines, trust }: MeshReply, isBodyRepeatable: boolean): Hop | undefined {
    if (this.#most === 0 || status < 300 || status > 399) return undefined
    const reply = headersOf(lines)
    const location = reply['location'] as string | undefined
    if (!location) return undefined
    if (++this.count > this.#most) throw failed('ERR_FR_TOO_MANY_REDIRECTS', 'Maximum number of redirects exceeded')
    try {
      const url = new URL(utf8(location), hop.url)
      if (trust !== undefined) checkRedirect(url, hop.url, trust)
      return { ...this.#follow(hop, status, reply, url, isBodyRepeatable), trust }
    } catch (error: any) {
      const cause = error.cause?.code === 'ERR_TRUST' ? error.cause : error
      throw failed('ERR_FR_REDIRECTION_FAILURE', `Redirected request failed: ${cause.message}`, cause)
    }
  }

  #follow(hop: Hop, status: number, reply: Record<string, string | string[]>, url: URL, isBodyRepeatable: boolean): Hop {
    let { method, hasBody } = hop
    const headers = { ...hop.headers }
    if (((status === 301 || status === 302) && method === 'POST') || (status === 303 && method !== 'GET' && method !== 'HEAD')) {
      method = 'GET'
      hasBody = false
      remove(headers, name => /^content-/i.test(name))
    }
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`Unsupported protocol ${url.protocol}`)
    const isSameOrigin = url.origin === hop.url.origin
    if (!isSameOrigin) remove(headers, name => SECRETS.test(name) || this.#sensitive.has(name.toLowerCase()))
    const next = this.#asked({ method, url, path: url.pathname + url.search, headers, hasBody }, hop, isSameOrigin, {
      headers: reply,
      statusCode: status,
    })
    if (next.hasBody && !isBodyRepeatable)
      throw new Error('the request stream was sent already, and is longer than what is kept of it (limits.retryBufferLimit)')
    return next
  }

  /** What `beforeRedirect` makes of the next hop. */
  #asked(next: Hop, before: Hop, isSameOrigin: boolean, responseDetails: object): Hop {
    const beforeRedirect = this.#given.own('beforeRedirect')
    if (typeof beforeRedirect !== 'function') return next
    const { url, path } = next
    const options: any = {
      protocol: url.protocol,
      hostname: bare(url.hostname),
      port: url.port === '' ? '' : Number(url.port),
      path,
      pathname: url.pathname,
      search: url.search,
      hash: url.hash,
      href: url.href,
      host: url.host,
      method: next.method,
      headers: next.headers,
      auth: isSameOrigin ? this.#auth : undefined,
    }
    const written = { ...options }
    const requestDetails = {
      url: before.url.href,
      method: before.method,
      headers: { Host: before.url.host, ...before.headers },
    }
    beforeRedirect(options, responseDetails, requestDetails)
    const where = ['protocol', 'hostname', 'port', 'path', 'host'].some(name => options[name] !== written[name])
    const headers: Record<string, string | string[]> = {}
    for (const [name, value] of Object.entries<any>(options.headers ?? {}))
      if (value !== undefined && value !== null) headers[name] = Array.isArray(value) ? value.map(String) : String(value)
    return {
      ...next,
      method: String(options.method ?? 'GET').toUpperCase(),
      headers,
      ...(where ? rewritten(options, written) : {}),
    }
  }
}

/** Where options of a request lead that a hook has changed. */
function rewritten(options: any, written: any): Pick<Hop, 'url' | 'path'> {
  const named = options.hostname !== written.hostname || options.host === undefined ? options.hostname : String(options.host)
  const host = named.includes(':') && !/^\[|:\d+$/.test(named) ? `[${named}]` : named
  const port = /:\d+$/.test(host) && !host.endsWith(']') ? '' : options.port
  const url = new URL(`${options.protocol}//${host}${port === '' || port === undefined ? '' : `:${port}`}${options.path}`)
  return { url, path: options.path }
}

const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, '')

function sensitiveHeaders({ own, config }: Given): ReadonlySet<string> {
  const names = own('sensitiveHeaders') ?? []
  if (!Array.isArray(names) || names.some(name => typeof name !== 'string'))
    throw axiosError('sensitiveHeaders must be an array of strings', 'ERR_BAD_OPTION_VALUE', config)
  return new Set(names.map(name => name.toLowerCase()))
}

function remove(headers: Record<string, unknown>, isUnwanted: (name: string) => boolean): void {
  for (const name of Object.keys(headers)) if (isUnwanted(name)) delete headers[name]
}

function failed(code: string, message: string, cause?: unknown): Error {
  const error = Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code })
  error.name = `Error [${code}]`
  return error
}

/** Header text is bytes; those of a Location are UTF-8. */
function utf8(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  return new TextDecoder().decode(Uint8Array.from(text, c => c.charCodeAt(0)))
}
