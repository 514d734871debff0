/** What axios shows of a request: `response.request`, and `error.request` when there is no response. */
import type { MeshReply } from '../../traffic/engine/exchange.ts'

export class RequestView {
  readonly method: string
  readonly protocol: string
  readonly host: string
  readonly path: string
  readonly agent: { readonly protocol: string }
  /** Where it went in the end. */
  responseURL: string
  res: object | undefined
  /** Redirects so far, as follow-redirects counts them. */
  _redirectCount = 0
  readonly #headers: Record<string, string | string[]>

  constructor(method: string, url: URL, path: string, headers: Record<string, string | string[]>) {
    this.method = method
    this.protocol = url.protocol
    this.host = url.hostname
    this.path = path
    this.agent = { protocol: url.protocol }
    this.responseURL = `${url.protocol}//${url.host}${path}${url.hash}`
    this.#headers = headers
  }

  /** As a ClientRequest that was redirected has it. */
  get _redirectable(): { _redirectCount: number; _currentUrl: string } {
    return { _redirectCount: this._redirectCount, _currentUrl: this.responseURL }
  }

  getHeader(name: string): string | string[] | undefined {
    return Object.entries(this.#headers).find(([own]) => own.toLowerCase() === name.toLowerCase())?.[1]
  }

  getHeaders(): Record<string, string | string[]> {
    return Object.fromEntries(Object.entries(this.#headers).map(([name, value]) => [name.toLowerCase(), value]))
  }

  answered({ status, statusText, headers }: MeshReply): void {
    const { responseURL } = this
    this.res = {
      responseUrl: responseURL,
      statusCode: status,
      statusMessage: statusText,
      headers: headersOf(headers),
      rawHeaders: headers,
    }
  }
}

/** Headers of which Node keeps the first line only. */
const SINGLE = new Set(
  'age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since last-modified location max-forwards proxy-authorization referer retry-after server user-agent'.split(
    ' ',
  ),
)

/** Lines of a response as Node joins them. */
export function headersOf(lines: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i]!.toLowerCase()
    const value = lines[i + 1]!
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined
    if (name === 'set-cookie') headers[name] = [...((before as string[] | undefined) ?? []), value]
    else if (before === undefined) Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true })
    else if (!SINGLE.has(name)) headers[name] = `${before}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  return headers
}
