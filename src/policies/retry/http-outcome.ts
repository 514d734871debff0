/**
 * HTTP outcomes by their shape, whoever made them: a Response of fetch, a response of axios or undici, an error that carries one, an error
 * of a connection. Nothing here needs a class of the web.
 */
import { withCauses } from '../../core/error-kinds.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { ResetReason } from '../../core/transport.ts'

/** What looks like a response. */
export interface ResponseLike {
  readonly status?: unknown
  readonly statusCode?: unknown
  readonly headers?: unknown
}

/** The response that an outcome is or carries. */
export function responseOf(outcome: unknown): ResponseLike | undefined {
  if (looksLikeResponse(outcome)) return outcome
  const carried = (outcome as { response?: unknown } | null | undefined)?.response
  return looksLikeResponse(carried) ? carried : undefined
}

function looksLikeResponse(value: unknown): value is ResponseLike {
  const headers = (value as ResponseLike | null | undefined)?.headers
  return typeof headers === 'object' && headers !== null && statusOf(value as ResponseLike) !== undefined
}

export function statusOf({ status, statusCode }: ResponseLike): number | undefined {
  return typeof status === 'number' ? status : typeof statusCode === 'number' ? statusCode : undefined
}

/** A header by its lower-case name, from a Headers object, a plain one, or a list of names and values in turn. */
export function headerOf({ headers }: ResponseLike, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  const { get } = headers as { get?: unknown }
  if (typeof get === 'function') return get.call(headers, name) ?? undefined
  const lines: readonly (readonly [unknown, unknown])[] = Array.isArray(headers)
    ? headers.flatMap((text, i) => (i % 2 === 0 ? [[text, headers[i + 1]] as const] : []))
    : Object.entries(headers)
  const value = lines.find(([key]) => String(key).toLowerCase() === name)?.[1] ?? undefined
  return value === undefined ? undefined : String(Array.isArray(value) ? value[0] : value)
}

/** Codes and names of errors, by why there was no answer. */
const REASONS: readonly (readonly [ResetReason | 'per_try_timeout', RegExp])[] = [
  ['connection_failure', /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ConnectionRefused)$/],
  ['connection_timeout', /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|ERR_SOCKET_CONNECTION_TIMEOUT)$/],
  ['per_try_timeout', /^(ERR_TIME_LIMIT|UND_ERR_HEADERS_TIMEOUT|UND_ERR_BODY_TIMEOUT|TimeoutError)$/],
  ['connection_termination', /^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET|ERR_STREAM_PREMATURE_CLOSE|ERR_HTTP2_STREAM_ERROR)$/],
  ['overflow', /^ERR_OVERFLOW$/],
]

/** Why there was no answer, in Envoy's words; `undefined` when the error is of another kind. */
export function resetOf(error: unknown): ResetReason | 'per_try_timeout' | undefined {
  let timedOut = false
  for (const { code, name, message, syscall, errors } of withCauses(error)) {
    if (code === 'ERR_HTTP2_STREAM_ERROR' && /REFUSED_STREAM/.test(message)) return 'remote_refused_stream_reset'
    // How axios says that the connection was lost in the middle of a body.
    if (code === 'ERR_BAD_RESPONSE' && message === 'stream has been aborted') return 'connection_termination'
    const reason = REASONS.find(([, names]) => names.test(code) || names.test(name))?.[0]
    if (reason === undefined) continue
    // Unreachable and timed out are also said of a connection that was there.
    if (isLost(syscall)) return 'connection_termination'
    if (code !== 'ETIMEDOUT' || syscall === 'connect' || Array.isArray(errors)) return reason
    // Clients say ETIMEDOUT of their own time limits too; the system's error, if there is one, is the cause.
    timedOut = true
  }
  return timedOut ? 'per_try_timeout' : undefined
}

const isLost = (syscall: unknown) => syscall === 'read' || syscall === 'write'

/** Set by the doors on an error of a later hop: the first one has reached its server. */
export const REACHED: unique symbol = Symbol.for('meshless.reached') as any
const OUTCOME: unique symbol = Symbol.for('meshless.outcome') as any

/** Whether the request certainly did not reach the server: then even a write may be tried again. */
export function neverSent(outcome: unknown): boolean {
  const reply = (responseOf(outcome) as { [OUTCOME]?: Outcome } | undefined)?.[OUTCOME]
  if (reply !== undefined) return isUnsent(reply)
  if ((outcome as { [REACHED]?: boolean } | null | undefined)?.[REACHED] === true) return false
  const reason = resetOf(outcome)
  return reason === 'connection_failure' || reason === 'connection_timeout' || reason === 'remote_refused_stream_reset'
}

/** What the mesh says of a reply: no endpoint, no place in the pool or no connection, and no attempt before that one. */
function isUnsent({ attempts, details, flags }: Outcome): boolean {
  if (attempts === 0) return details !== 'via_upstream'
  return attempts === 1 && flags.split(',').some(flag => flag === 'UF' || flag === 'UO' || flag === 'UH')
}

/** A response that nobody will read, or that an error carries which nobody will see, must not keep its connection. */
export function cancelBody(outcome: unknown): void {
  const body = (responseOf(outcome) as { body?: { locked?: boolean; cancel?(): PromiseLike<void> } | null } | undefined)?.body
  if (typeof body?.cancel === 'function' && body.locked !== true) body.cancel().then(undefined, () => {})
}
