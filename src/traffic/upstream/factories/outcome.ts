/** What a call's end says of the endpoint it went to. */
import type { Call } from '../../../core/call.ts'
import { isMeshlessError, isRejection } from '../../../core/errors.ts'
import type { LocalResult } from '../outlier/detector.ts'

/** An HTTP status, what happened without one, or nothing. `error` is set when the call failed. */
export type CallOutcome = { readonly status: number } | LocalResult | undefined
export type OutcomeOf = (result: unknown, error: unknown, call: Call) => CallOutcome

const TIMEOUTS = new Set(['ETIMEDOUT', 'ESOCKETTIMEDOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ERR_TIME_LIMIT'])
const RESETS = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ERR_STREAM_PREMATURE_CLOSE'])
const FINE = { status: 200 } as const

/** The caller's own abort and what never reached the endpoint say nothing of it. */
export function defaultOutcome(result: unknown, error: unknown, call: Call): CallOutcome {
  if (error === undefined) {
    const status = (result as { status?: unknown } | null | undefined)?.status
    return typeof status === 'number' ? { status } : FINE
  }
  if (isRejection(error) || call.abortedByCaller) return undefined
  for (let cause: any = error; typeof cause === 'object' && cause !== null; cause = cause.cause) {
    if (TIMEOUTS.has(cause.code) || cause.name === 'TimeoutError') return 'timeout'
    if (RESETS.has(cause.code)) return 'reset'
    if (typeof cause.status === 'number' && !isMeshlessError(cause)) return { status: cause.status }
    const { response } = cause
    if (typeof response?.status === 'number') return { status: response.status }
  }
  return 'connect-failure'
}
