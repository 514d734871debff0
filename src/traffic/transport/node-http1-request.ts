/** The requests of one HTTP/1.1 connection, as node:http writes them. */
import http from 'node:http'
import type net from 'node:net'
import { isAuthority } from '../../base/formats/http-text.ts'
import { InvalidRequestError, isConnectionHeader, requestFault } from '../../core/sendable.ts'
import type { WireRequest } from '../../core/transport.ts'

/**
 * The class itself: tracers replace `http.request` and spread the headers that it is given into an object, which makes numbered
 * headers of our list. They leave the class alone, and what replaces it later (mocks) does not reach us.
 */
const { ClientRequest } = http

/** Response headers up to this size, as Envoy takes them. */
const MAX_HEADERS = 61_440

export class RequestWriter {
  /** Made once; only what differs is written again. node:http copies it twice per request, so it is kept short. */
  readonly #options: http.RequestOptions
  #authority = ''

  constructor(socket: net.Socket) {
    this.#options = { agent: handoff(socket), method: 'GET', path: '/', host: '', headers: [], maxHeaderSize: MAX_HEADERS }
  }

  /** Begins to write a request on the socket. Throws an `InvalidRequestError`, with nothing written, for one that HTTP cannot carry. */
  open(wire: WireRequest): http.ClientRequest {
    if (wire.authority !== this.#authority) this.#addressTo(wire.authority)
    const options = this.#options
    options.method = wire.method
    options.path = wire.path
    const headers = headersOf(wire)
    const trailer = takeTrailer(headers)
    options.headers = headers as unknown as http.OutgoingHttpHeaders
    let request: http.ClientRequest
    try {
      request = new ClientRequest(options)
    } catch (cause) {
      throw new InvalidRequestError(requestFault(wire) ?? (cause as Error).message, { cause })
    }
    if (trailer !== undefined) announceTrailer(request, trailer)
    return request
  }

  /** `host` is for those who observe node:http's requests; the header is written by us. */
  #addressTo(authority: string): void {
    if (!isAuthority(authority)) throw new InvalidRequestError(`invalid host ${JSON.stringify(authority)}`)
    this.#options.host = authority.replace(/:\d*$/, '')
    this.#authority = authority
  }
}

/**
 * The part of an agent that node:http asks: it hands over the one socket that it was made with. It does not call the socket reused: Deno
 * would send the request again by itself, whatever its method, when such a connection closes, and asks the agent for more to do so.
 */
function handoff(socket: net.Socket): http.Agent {
  return {
    protocol: undefined,
    defaultPort: 80,
    keepAlive: true,
    maxSockets: Infinity,
    options: {},
    addRequest(request: http.ClientRequest) {
      request.onSocket(socket)
    },
  } as unknown as http.Agent
}

/** Everything between the request line and the body, in the order in which fetch sends it. */
function headersOf(wire: WireRequest): string[] {
  const { body, headers: given } = wire
  const headers = ['host', wire.authority, 'connection', 'keep-alive']
  if (hasConnectionHeader(given)) {
    for (let i = 0; i < given.length; i += 2) if (!isConnectionHeader(given[i]!)) headers.push(given[i]!, given[i + 1]!)
  } else headers.push(...given)
  if (body !== undefined) {
    if (body.length === undefined) headers.push('transfer-encoding', 'chunked')
    else headers.push('content-length', String(body.length))
  } else if (!BODILESS.has(wire.method)) headers.push('content-length', '0')
  return headers
}

function hasConnectionHeader(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) if (isConnectionHeader(headers[i]!)) return true
  return false
}

/** Methods of which nobody expects a body, so that its absence needs no word. */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

/** Takes the Trailer lines off: node:http refuses them on a message of known length, where HTTP and fetch allow them. */
function takeTrailer(headers: string[]): string | undefined {
  let lines: string | undefined
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const name = headers[i]!
    if (name.length !== 7 || name.toLowerCase() !== 'trailer') continue
    const [, value] = headers.splice(i, 2)
    const fault = requestFault({ method: 'GET', path: '/', authority: '', headers: [name, value!] })
    if (fault !== undefined) throw new InvalidRequestError(fault)
    lines = `${name}: ${value}\r\n${lines ?? ''}`
  }
  return lines
}

/** Puts them behind the other headers. A runtime that keeps its head elsewhere sends none: nothing of the body depends on them. */
function announceTrailer(request: http.ClientRequest, lines: string): void {
  const written = request as unknown as { _header?: unknown }
  if (typeof written._header === 'string') written._header = `${written._header.slice(0, -2)}${lines}\r\n`
}
