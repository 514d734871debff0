/** When a try is worth another one: Envoy's retry_state_impl, decided from the words of `retryOn`. */
import type { ResetReason } from '../../core/transport.ts'

export interface RetryOn {
  readonly tokens: ReadonlySet<string>
  readonly codes: ReadonlySet<number>
}

export function parseRetryOn(text: string, codes: readonly number[]): RetryOn {
  return {
    tokens: new Set(
      text
        .split(',')
        .map(t => t.trim())
        .filter(Boolean),
    ),
    codes: new Set(codes),
  }
}

const GRPC: Record<string, string> = {
  '1': 'cancelled',
  '4': 'deadline-exceeded',
  '13': 'internal',
  '8': 'resource-exhausted',
  '14': 'unavailable',
}

/** Whether response headers ask for another try. The order is Envoy's; the first rule that holds decides. */
export function shouldRetryResponse(on: RetryOn, status: number, header: (name: string) => string | undefined): boolean {
  const { tokens, codes } = on
  if (status < 400 && !codes.has(status)) {
    const grpc = header('grpc-status')
    return grpc !== undefined && grpc in GRPC && tokens.has(GRPC[grpc]!)
  }
  if (header('x-envoy-ratelimited') !== undefined) return tokens.has('envoy-ratelimited')
  if (tokens.has('5xx') && status >= 500 && status <= 599) return true
  if (tokens.has('gateway-error') && status >= 502 && status <= 504) return true
  if (tokens.has('retriable-4xx') && status === 409) return true
  if (tokens.has('retriable-status-codes') && codes.has(status)) return true
  const grpc = header('grpc-status')
  return grpc !== undefined && grpc in GRPC && tokens.has(GRPC[grpc]!)
}

/** Whether a try that ended before its answer asks for another one. `sent`: the request had gone out. */
export function shouldRetryReset(on: RetryOn, reason: ResetReason | 'per_try_timeout', sent: boolean): boolean {
  const { tokens } = on
  if (reason === 'overflow') return false
  if (tokens.has('5xx') || tokens.has('gateway-error') || tokens.has('reset')) return true
  if (tokens.has('reset-before-request') && !sent) return true
  if (tokens.has('connect-failure') && (reason === 'connection_failure' || reason === 'connection_timeout')) return true
  return tokens.has('refused-stream') && reason === 'remote_refused_stream_reset'
}

/** The widest wait before retry number `retry` (1 for the first), ms: doubles from `base` until `max`. */
export function backoffInterval(retry: number, base: number, max: number): number {
  let interval = base
  for (let i = 1; i < retry && interval < max; i++) interval = interval <= max / 2 ? interval * 2 : max
  return Math.min(interval, max)
}
