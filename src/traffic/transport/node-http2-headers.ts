/** The headers of a request as HTTP/2 writes them, checked before node:http2 sees them: one bad name would end the whole connection there. */
import type http2 from 'node:http2'
import { getHeader } from '../../base/formats/headers.ts'
import { isAuthority, isHeaderValue, isRequestTarget, isToken } from '../../base/formats/http-text.ts'
import { InvalidRequestError, isConnectionHeader } from '../../core/sendable.ts'
import type { WireRequest } from '../../core/transport.ts'

/** Pseudo headers, then names in lower case; lines of one name stay apart. Throws an `InvalidRequestError` for what HTTP/2 cannot carry. */
export function http2Headers(wire: WireRequest): http2.OutgoingHttpHeaders {
  const { headers: given, body } = wire
  const headers: http2.OutgoingHttpHeaders = Object.create(null)
  headers[':method'] = wire.method
  if (!isRequestTarget(wire.path)) throw refused('the path', wire.path)
  headers[':path'] = wire.path
  if (!isAuthority(wire.authority)) throw refused('the host', wire.authority)
  headers[':authority'] = wire.authority
  headers[':scheme'] = wire.scheme
  const options = getHeader(given, 'connection')
    ?.toLowerCase()
    .split(/\s*,\s*/)
  for (let i = 0; i < given.length; i += 2) {
    const name = given[i]!.toLowerCase()
    let value = given[i + 1]!
    if (!isToken(name)) throw refused('a header named', given[i]!)
    if (!isHeaderValue(value)) throw refused(`the value of header ${name}:`, value)
    // Envoy drops them as well on the way to an HTTP/2 upstream.
    if (isConnectionHeader(name)) continue
    if (name === 'te') {
      if (!/(?:^|,)\s*trailers\s*(?:$|[,;])/i.test(value)) continue
      value = 'trailers'
    }
    if (options?.includes(name) === true && name !== 'te') continue
    const before = headers[name]
    headers[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [String(before), value]
  }
  if (body?.length !== undefined) headers['content-length'] = String(body.length)
  return headers
}

const refused = (what: string, text: string) => new InvalidRequestError(`HTTP/2 cannot carry ${what} ${JSON.stringify(text)}`)

/** The same with one line for each name, for names of which node:http2 writes no second line. */
export function joined(headers: http2.OutgoingHttpHeaders): http2.OutgoingHttpHeaders {
  const copy: http2.OutgoingHttpHeaders = Object.create(null)
  for (const name in headers) {
    const value = headers[name]
    copy[name] = Array.isArray(value) && name !== 'cookie' ? value.join(', ') : value
  }
  return copy
}
