/** The answers that are made here, as Envoy words them, and our own for what Envoy lacks. */
import { hasHeader, removeHeader } from '../../base/formats/headers.ts'
import {
  BulkheadFullError,
  CircuitOpenError,
  type MeshlessError,
  RateLimitedError,
  SheddedError,
  TimeLimitError,
} from '../../core/errors.ts'
import type { ResetReason } from '../../core/transport.ts'
import { grpcMessage, grpcStatusOf } from './grpc.ts'

export interface LocalReply {
  readonly status: number
  readonly headers: readonly string[]
  /** Headers that are put on after the rules of the answer. */
  readonly after?: readonly string[] | undefined
  readonly body: string
  /** Response flag, `''` for none. */
  readonly flag: string
  readonly details: string
  /** The status a gRPC caller gets; otherwise it follows from the HTTP status. */
  readonly grpcStatus?: number | undefined
}

const CONTENT_TYPE = 'content-type'
export const TEXT = [CONTENT_TYPE, 'text/plain']
const make = (status: number, body: string, flag: string, details: string, headers: readonly string[] = []): LocalReply => ({
  status,
  headers: body === '' ? headers : [...headers, ...TEXT],
  body,
  flag,
  details,
})

/** Replies whose words never change. */
export const REPLIES = {
  route_not_found: make(404, '', 'NR', 'route_not_found'),
  cluster_not_found: make(503, '', 'NC', 'cluster_not_found'),
  no_healthy_upstream: make(503, 'no healthy upstream', 'UH', 'no_healthy_upstream'),
  response_timeout: make(504, 'upstream request timeout', 'UT', 'response_timeout'),
  upstream_per_try_timeout: make(504, 'upstream request timeout', 'UT', 'upstream_per_try_timeout'),
  path_normalization_failed: make(400, '', '', 'path_normalization_failed'),
  /** The caller wants what is kept or nothing (RFC 9111, 5.2.1.7). */
  not_kept: make(504, '', '', 'meshless_not_cached'),
  blocked: make(502, '', '', 'direct_response'),
} as const

/** The reply of an injected abort. A gRPC status makes it a gRPC answer: HTTP 200 with the status in headers. */
export function faultReply(httpStatus: number | undefined, grpcStatus: number | undefined): LocalReply {
  const body = 'fault filter abort'
  if (httpStatus === undefined && grpcStatus !== undefined) return { ...make(200, body, 'FI', 'fault_filter_abort'), grpcStatus }
  return make(httpStatus ?? 503, body, 'FI', 'fault_filter_abort')
}

const FLAGS: Record<ResetReason, string> = {
  connection_failure: 'UF',
  local_connection_failure: 'UF',
  connection_timeout: 'UF',
  connection_termination: 'UC',
  remote_reset: 'UR',
  remote_refused_stream_reset: 'UR',
  remote_error_with_CONNECT_request: 'UR',
  protocol_error: 'UPE',
  local_reset: 'LR',
  overflow: 'UO',
}

export const flagOf = (reason: ResetReason): string => FLAGS[reason]

const SYSTEM: Record<string, string> = {
  ECONNREFUSED: 'Connection refused',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
  ECONNRESET: 'Connection reset by peer',
}

/** The reply for a try that ended before its answer and is not tried again. */
export function resetReply(reason: ResetReason, error: Error, retried: boolean): LocalReply {
  const name = reason === 'connection_failure' ? 'remote_connection_failure' : reason
  const words = name.replaceAll('_', ' ')
  const code = (error as { code?: string }).code
  const transport = reason === 'connection_failure' ? `delayed connect error: ${SYSTEM[code ?? ''] ?? code ?? error.message}` : ''
  const body = `upstream connect error or disconnect/reset before headers. ${retried ? 'retried and the latest ' : ''}reset reason: ${words}${transport === '' ? '' : `, transport failure reason: ${transport}`}`
  const details = `upstream_reset_before_response_started{${name}${transport === '' ? '' : `|${transport.replaceAll(' ', '_')}`}}`
  const reply = make(reason === 'protocol_error' ? 502 : 503, body, FLAGS[reason], details)
  return reason === 'overflow' ? { ...reply, after: ['x-envoy-overloaded', 'true'] } : reply
}

/** The reply for a refusal of one of our policies. */
export function policyReply(error: unknown): LocalReply {
  const wait = (error as MeshlessError | undefined)?.retryAfter
  const after = wait === undefined ? [] : ['retry-after', String(Math.max(1, Math.ceil(wait / 1000)))]
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof CircuitOpenError) return make(503, message, '', 'meshless_circuit_open', after)
  if (error instanceof BulkheadFullError) return make(503, message, 'UO', 'meshless_bulkhead_full')
  if (error instanceof RateLimitedError) return make(429, message, 'RL', 'meshless_rate_limited', after)
  if (error instanceof TimeLimitError) return make(504, message, 'UT', 'meshless_time_limit')
  if (error instanceof SheddedError) return make(503, message, 'UO', 'meshless_shedded')
  return make(503, message, 'LR', 'meshless_policy')
}

/** The answers that a route gives itself. */
export const redirectReply = ({ status, location }: { status: number; location: string }): LocalReply => ({
  status,
  headers: ['location', location],
  body: '',
  flag: '',
  details: 'direct_response',
})
export const directReply = ({ status, body }: { status: number; body: string }): LocalReply => make(status, body, '', 'direct_response')

/** What the route's rules meet: an answer without content type, as in Envoy. What they add is kept, what they remove comes back. */
export const bareHeaders = (reply: LocalReply): string[] => reply.headers.filter((_, i) => reply.headers[i - (i % 2)] !== CONTENT_TYPE)

/** The headers of a reply with its content type, when rules did not give another one. */
export function asText(reply: LocalReply, headers: string[]): string[] {
  if (reply.body === '') removeHeader(headers, CONTENT_TYPE)
  else if (!hasHeader(headers, CONTENT_TYPE)) headers.push(...TEXT)
  return headers
}

/** The headers of the same reply for a gRPC request, which gets HTTP 200 with status and text in headers. */
export function asGrpc(reply: LocalReply, headers: string[]): string[] {
  removeHeader(headers, CONTENT_TYPE)
  headers.push(CONTENT_TYPE, 'application/grpc')
  if (!hasHeader(headers, 'grpc-status')) headers.push('grpc-status', String(reply.grpcStatus ?? grpcStatusOf(reply.status)))
  if (reply.body !== '') headers.push('grpc-message', grpcMessage(reply.body))
  return headers
}

const TEXTS: Record<number, string> = {
  200: 'OK',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

export const statusText = (status: number): string => TEXTS[status] ?? ''
