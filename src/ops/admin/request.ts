/**
 * Requests of the admin API as plain values: as they arrive, and as handlers see them. A target
 * may be anything that fits on a request line, so it is parsed here, where a failure is a reply.
 */
import { AdminError } from './reply.ts'

/** A request whose head has arrived. Nothing of it has been parsed or checked yet. */
export interface IncomingRequest {
  readonly method: string
  /** The request target as it was sent, e.g. `/rules?patch`. */
  readonly target: string
  /** A header by its lower-case name. */
  header(name: string): string | undefined
  /** Reads the body. Rejects with an `AdminError` for more than `limit` bytes. */
  read(limit: number): Promise<string>
  /** Address of the client, for the audit log. */
  readonly from: string
}

/** A request that has passed every check. */
export interface AdminRequest {
  readonly method: string
  /** Path without query, decoded segment by segment. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
  header(name: string): string | undefined
  readonly body: string
}

export interface Target {
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

/**
 * The authority that a request names: of its target when that is a whole URL, otherwise of its
 * Host header.
 */
export function authorityOf({ target, header }: IncomingRequest): string {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1]
  return (absolute ?? header('host') ?? '').toLowerCase()
}

/** Parses a target in origin form, or a whole http URL. Throws an `AdminError` for others. */
export function parseTarget(target: string): Target {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '')
  if (!local.startsWith('/')) throw malformed(target, 'is not a path')
  const [path = '', query = ''] = splitOnce(local, '?')
  const segments = path.slice(1).split('/')
  // One slash at the end is common and harmless; an empty segment elsewhere is a mistake.
  if (segments.at(-1) === '') segments.pop()
  if (segments.includes('')) throw malformed(target, 'has an empty path segment')
  try {
    return { segments: segments.map(decodeURIComponent), query: new URLSearchParams(query) }
  } catch {
    throw malformed(target, 'has a malformed percent-encoding')
  }
}

function splitOnce(text: string, by: string): [string, string?] {
  const at = text.indexOf(by)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)]
}

const LONGEST_QUOTE = 100

function malformed(target: string, why: string): AdminError {
  const quoted = JSON.stringify(target.slice(0, LONGEST_QUOTE))
  return new AdminError(400, 'malformed-target', `the request target ${quoted} ${why}`, {
    hint: 'e.g. GET /snapshot; GET / lists all endpoints',
  })
}
