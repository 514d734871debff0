/** Request headers as axios' own adapter completes and cleans them, on the headers object of the config. */

import { axiosError } from './errors.ts'
import { ownOf } from './own.ts'

/** What is used of AxiosHeaders: names without case. `rewrite` false keeps what is there. */
export interface RequestHeaders {
  set(name: string, value: unknown, rewrite?: boolean): unknown
  get(name: string): any
  delete(name: string): unknown
  toJSON(): Record<string, unknown>
}

const ENCODINGS = 'gzip, compress, deflate, br'

export function requestHeaders(config: any, version: string | undefined): RequestHeaders {
  const given = config.headers
  const headers: RequestHeaders = typeof given?.normalize === 'function' ? given.normalize() : new PlainHeaders(given ?? {})
  headers.set('User-Agent', version === undefined ? 'axios' : `axios/${version}`, false)
  const zstd = ownOf(config.transitional, 'advertiseZstdAcceptEncoding') === true && canZstd()
  headers.set('Accept-Encoding', zstd ? `${ENCODINGS}, zstd` : ENCODINGS, false)
  return headers
}

const canZstd = () => typeof (globalThis.process?.getBuiltinModule?.('node:zlib') as any)?.createZstdDecompress === 'function'

/** `user:password` of a config, else of a URL; `undefined` for none. It replaces an Authorization header. */
export function credentials(auth: any, url: URL): string | undefined {
  const own = auth ? `${ownOf(auth, 'username') || ''}:${ownOf(auth, 'password') || ''}` : undefined
  if (own !== undefined) return own
  return url.username === '' && url.password === '' ? undefined : `${decoded(url.username)}:${decoded(url.password)}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** As Node writes them: UTF-8. */
export const basic = (pair: string) => `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}`

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** They belong to the connection, or follow from the body; the host is that of the URL, or of the rules. */
const OURS = new Set(['host', 'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'content-length'])
const IMPOSSIBLE = new Set(['upgrade', 'expect', 'trailer', 'http2-settings'])

/** The headers as they are sent: names that HTTP knows, values of bytes. */
export function sendable(headers: RequestHeaders, config: any): Record<string, string | string[]> {
  const clean: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers.toJSON())) {
    if (value === undefined || value === null || value === false) continue
    const lower = name.toLowerCase()
    if (OURS.has(lower)) continue
    if (IMPOSSIBLE.has(lower))
      throw axiosError(`the header ${name} cannot be honoured: the connection is the mesh's`, 'ERR_NOT_SUPPORT', config)
    if (!TOKEN.test(name))
      throw Object.assign(new TypeError(`Header name must be a valid HTTP token ["${name}"]`), { code: 'ERR_INVALID_HTTP_TOKEN' })
    clean[name] = Array.isArray(value) ? value.map(cleaned) : cleaned(value)
  }
  return clean
}

const cleaned = (value: unknown) => trimmed(String(value).replace(/[^\t\x20-\x7e\x80-\xff]+/g, ''))

/** Without blanks round it; in linear time, whatever the text is. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length]
  const blank = (at: number) => text[at] === ' ' || text[at] === '\t'
  while (start < end && blank(start)) start++
  while (end > start && blank(end - 1)) end--
  return text.slice(start, end)
}

/** Headers of a config that did not come through axios 1. */
class PlainHeaders implements RequestHeaders {
  readonly #entries = new Map<string, [name: string, value: unknown]>()
  constructor(given: Record<string, unknown>) {
    for (const [name, value] of Object.entries(given)) this.set(name, value)
  }
  set(name: string, value: unknown, rewrite = true): void {
    const lower = name.toLowerCase()
    if (rewrite || this.#entries.get(lower)?.[1] === undefined) this.#entries.set(lower, [name, value])
  }
  get(name: string): unknown {
    return this.#entries.get(name.toLowerCase())?.[1]
  }
  delete(name: string): void {
    this.#entries.delete(name.toLowerCase())
  }
  toJSON(): Record<string, unknown> {
    return Object.fromEntries(this.#entries.values())
  }
}
