/**
 * HTTP outcomes by their shape, whoever made them: a Response of fetch, a response of axios or undici, an error that carries one, an error
 * of a connection. Nothing here needs a class of the web.
 */
import { isMeshlessError } from '../../core/errors.ts'
import type { ResetReason } from '../../core/transport.ts'

/** What looks like a response. */
export interface ResponseLike {
  readonly status?: unknown
  readonly statusCode?: unknown
  readonly headers?: unknown
}

/** The response that an outcome is or carries. */
export function responseOf(outcome: unknown): ResponseLike | undefined {
  if (typeof outcome !== 'object' || outcome === null) return undefined
  if (looksLikeResponse(outcome)) return outcome
  const carried = (outcome as { response?: unknown }).response
  return typeof carried === 'object' && carried !== null && looksLikeResponse(carried) ? carried : undefined
}

function looksLikeResponse(value: object): boolean {
  const { headers } = value as ResponseLike
  return typeof headers === 'object' && headers !== null && statusOf(value) !== undefined
}

export function statusOf({ status, statusCode }: ResponseLike): number | undefined {
  return typeof status === 'number' ? status : typeof statusCode === 'number' ? statusCode : undefined
}

/** A header by its lower-case name, from a Headers object, a plain one, or a list of names and values in turn. */
export function headerOf({ headers }: ResponseLike, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  if (Array.isArray(headers)) {
    const at = headers.findIndex((text, i) => i % 2 === 0 && String(text).toLowerCase() === name)
    return at < 0 ? undefined : String(headers[at + 1])
  }
  const { get } = headers as { get?: unknown }
  if (typeof get === 'function') return get.call(headers, name) ?? undefined
  let value: unknown = (headers as Record<string, unknown>)[name]
  if (value === undefined) for (const [key, other] of Object.entries(headers)) if (key.toLowerCase() === name) value = other
  return value === undefined || value === null ? undefined : String(Array.isArray(value) ? value[0] : value)
}

const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ConnectionRefused',
])
const NOT_CONNECTED_IN_TIME = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ERR_SOCKET_CONNECTION_TIMEOUT'])
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_HTTP2_STREAM_ERROR'])
const LATE = new Set(['ERR_TIME_LIMIT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'TimeoutError'])

/** Why there was no answer, in Envoy's words; `undefined` when the error is of another kind. fetch hides the system's code in a cause. */
export function resetOf(error: unknown): ResetReason | 'per_try_timeout' | undefined {
  for (let e: any = error, depth = 0; typeof e === 'object' && e !== null && depth < 4; e = e.cause, depth++) {
    const code = e.code ?? e.name
    if (NOT_CONNECTED.has(code)) return 'connection_failure'
    if (NOT_CONNECTED_IN_TIME.has(code)) return e.syscall === 'read' ? 'connection_termination' : 'connection_timeout'
    if (LATE.has(code) || e.name === 'TimeoutError') return 'per_try_timeout'
    if (code === 'ERR_HTTP2_STREAM_ERROR' && /REFUSED_STREAM/.test(String(e.message))) return 'remote_refused_stream_reset'
    if (BROKEN.has(code)) return 'connection_termination'
    if (isMeshlessError(e) && e.code === 'ERR_OVERFLOW') return 'overflow'
  }
  return undefined
}

/** Whether the request certainly never left: then even what is not idempotent may be tried again. */
export function neverSent(error: unknown): boolean {
  const reason = resetOf(error)
  return reason === 'connection_failure' || reason === 'connection_timeout' || reason === 'remote_refused_stream_reset'
}

/** A response that nobody will read, or that an error carries which nobody will see, must not keep its connection. */
export function cancelBody(outcome: unknown): void {
  const body = (responseOf(outcome) as { body?: { locked?: boolean; cancel?(): PromiseLike<void> } | null } | undefined)?.body
  if (typeof body?.cancel === 'function' && body.locked !== true) body.cancel().then(undefined, () => {})
}
