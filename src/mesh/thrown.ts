/** `localReplies: 'throw'`: what the mesh would answer itself becomes an error with a code. */
import { getHeader } from '../base/formats/headers.ts'
import { FaultInjectedError, MeshlessError, NoHealthyEndpointError, OverflowError, reject, TimeLimitError } from '../core/errors.ts'
import type { MeshReply } from '../traffic/engine/exchange.ts'

/** The reply, or the error it stands for. An upstream's own answer is never an error, nor is one that a rule gives instead. */
export function thrown(reply: MeshReply): MeshReply {
  const { outcome, status, text } = reply
  if (text === undefined || !isFailure(reply) || outcome.details === 'meshless_fallback') return reply
  const cause = outcome.error
  if (cause instanceof MeshlessError) throw cause
  const message = `${status} ${outcome.details}${text === '' ? '' : `: ${text}`}`
  const flags = outcome.flags.split(',')
  if (flags.includes('FI')) throw new FaultInjectedError(message, { status })
  if (flags.includes('UO')) throw reject(OverflowError, message)
  if (flags.includes('UH')) throw reject(NoHealthyEndpointError, message, { cause })
  if (flags.includes('UT')) throw new TimeLimitError(message, { cause })
  throw Object.assign(new Error(message, { cause }), { status, flags: outcome.flags, details: outcome.details })
}

/** Whether the reply says that something went wrong; to gRPC it does so in a header. */
const isFailure = ({ status, headers }: MeshReply): boolean => status >= 400 || (getHeader(headers, 'grpc-status') ?? '0') !== '0'
