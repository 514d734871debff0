/** When an HTTP outcome is worth another try: Envoy's retry_state_impl, decided from the words of `retryOn`. */

import { suggest } from '../../core/schema/read.ts'
import type { ResetReason } from '../../core/transport.ts'
import { RETRY_ON } from '../../core/words.ts'

export interface RetryOn {
  readonly tokens: ReadonlySet<string>
  readonly codes: ReadonlySet<number>
}

/** Envoy's form: words, and the status codes that `retriable-status-codes` means. */
export function parseRetryOn(text: string, codes: readonly number[]): RetryOn {
  return { tokens: new Set(words(text)), codes: new Set(codes) }
}

/** Istio's form: words and status codes in one list. A string instead of the result says what is wrong with it. */
export function readRetryOn(text: string): RetryOn | string {
  const tokens = new Set<string>()
  const codes = new Set<number>()
  for (const word of words(text)) {
    if (/^[1-5]\d\d$/.test(word)) {
      codes.add(Number(word))
      tokens.add('retriable-status-codes')
    } else if (RETRY_ON.includes(word)) tokens.add(word)
    else
      return `${JSON.stringify(word)} is no retry condition (${suggest(word, RETRY_ON) ?? `a status code, or one of ${RETRY_ON.join(', ')}`})`
  }
  if (tokens.size === 0) return `names no retry condition (expected a status code, or one of ${RETRY_ON.join(', ')})`
  return { tokens, codes }
}

function words(text: string): string[] {
  return text
    .split(',')
    .map(word => word.trim())
    .filter(Boolean)
}

const GRPC: Record<string, string> = {
  '1': 'cancelled',
  '4': 'deadline-exceeded',
  '8': 'resource-exhausted',
  '13': 'internal',
  '14': 'unavailable',
}

/** Whether response headers ask for another try. The order is Envoy's; the first rule that holds decides. */
export function shouldRetryResponse(on: RetryOn, status: number, header: (name: string) => string | undefined): boolean {
  const { tokens, codes } = on
  const listed = codes.has(status)
  // Most responses are good: only one header is looked at for them.
  if (status < 400 && !listed && !tokens.has('envoy-ratelimited'))
    return grpcAsks(tokens, header) && header('x-envoy-ratelimited') === undefined
  if (header('x-envoy-ratelimited') !== undefined) return tokens.has('envoy-ratelimited')
  if (tokens.has('5xx') && status >= 500 && status <= 599) return true
  if (tokens.has('gateway-error') && status >= 502 && status <= 504) return true
  if (tokens.has('retriable-4xx') && status === 409) return true
  if (tokens.has('retriable-status-codes') && listed) return true
  return grpcAsks(tokens, header)
}

function grpcAsks(tokens: ReadonlySet<string>, header: (name: string) => string | undefined): boolean {
  const status = header('grpc-status')
  return status !== undefined && Object.hasOwn(GRPC, status) && tokens.has(GRPC[status]!)
}

const UNREACHED: ReadonlySet<string> = new Set<ResetReason>(['connection_failure', 'local_connection_failure', 'connection_timeout'])

/** Whether a try that ended before its answer asks for another one. `sent`: the request had gone out. */
export function shouldRetryReset(on: RetryOn, reason: ResetReason | 'per_try_timeout', sent: boolean): boolean {
  const { tokens } = on
  if (reason === 'overflow') return false
  if (tokens.has('5xx') || tokens.has('gateway-error') || tokens.has('reset')) return true
  if (tokens.has('reset-before-request') && !sent) return true
  if (tokens.has('connect-failure') && UNREACHED.has(reason)) return true
  return tokens.has('refused-stream') && reason === 'remote_refused_stream_reset'
}
