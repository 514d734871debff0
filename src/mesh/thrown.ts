/** `localReplies: 'throw'`: what the mesh would answer itself becomes an error with a code. */
import { FaultInjectedError, MeshlessError, NoHealthyEndpointError, OverflowError, reject, TimeLimitError } from '../core/errors.ts'
import type { MeshReply } from '../traffic/engine/exchange.ts'

/** The reply, or the error it stands for. An upstream's own answer is never an error, nor is one that a rule gives instead. */
export function thrown(reply: MeshReply): MeshReply {
  const { outcome, status, text } = reply
  if (text === undefined || status < 400 || outcome.details === 'meshless_fallback') return reply
  const cause = outcome.error
  if (cause instanceof MeshlessError) throw cause
  const message = `${status} ${outcome.details}${text === '' ? '' : `: ${text}`}`
  const flags = outcome.flags.split(',')
  if (flags.includes('FI')) throw new FaultInjectedError(message, { status })
  if (flags.includes('UO')) throw reject(OverflowError, message)
  if (flags.includes('UH')) throw reject(NoHealthyEndpointError, message)
  if (flags.includes('UT')) throw new TimeLimitError(message, { cause })
  throw Object.assign(new Error(message, { cause }), { status, flags: outcome.flags })
}
