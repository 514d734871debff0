/** Whether HTTP can carry a request. What every transport checks, and who wrote what cannot be sent. */
import { isAuthority, isHeaderValue, isRequestTarget, isToken } from '../base/formats/http-text.ts'
import type { WireRequest } from './transport.ts'

/** A request that HTTP cannot carry: nothing of it was sent. The code is the one that fetch gives it in Node. */
export class InvalidRequestError extends TypeError {
  override readonly name = 'InvalidRequestError'
  readonly code = 'UND_ERR_INVALID_ARG'
}

/** What of a request HTTP cannot carry; `undefined`: it can be sent. */
export function requestFault(request: Pick<WireRequest, 'method' | 'path' | 'authority' | 'headers'>): string | undefined {
  const { method, path, authority, headers } = request
  if (!isToken(method)) return `invalid method ${JSON.stringify(method)}`
  if (!isRequestTarget(path)) return `invalid path ${JSON.stringify(path)}`
  if (!isAuthority(authority)) return `invalid host ${JSON.stringify(authority)}`
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    if (!isToken(name)) return `invalid header name ${JSON.stringify(name)}`
    if (!isHeaderValue(headers[i + 1]!)) return `invalid ${name} header`
  }
  return undefined
}

/**
 * Whether a header belongs to the connection and to how a message is framed on it (RFC 9110, 7.6.1): these are the transport's own, and a
 * second line of one would make two requests of one. HTTP/2 has none of them.
 */
export function isConnectionHeader(name: string): boolean {
  switch (name.length) {
    case 4:
      return (name.charCodeAt(0) | 32) === 104 && name.toLowerCase() === 'host'
    case 7:
      return (name.charCodeAt(0) | 32) === 117 && name.toLowerCase() === 'upgrade'
    case 10: {
      const first = name.charCodeAt(0) | 32
      return (first === 99 && name.toLowerCase() === 'connection') || (first === 107 && name.toLowerCase() === 'keep-alive')
    }
    case 14: {
      const first = name.charCodeAt(0) | 32
      return (first === 99 && name.toLowerCase() === 'content-length') || (first === 104 && name.toLowerCase() === 'http2-settings')
    }
    case 16:
      return (name.charCodeAt(0) | 32) === 112 && name.toLowerCase() === 'proxy-connection'
    case 17:
      return (name.charCodeAt(0) | 32) === 116 && name.toLowerCase() === 'transfer-encoding'
    default:
      return false
  }
}
