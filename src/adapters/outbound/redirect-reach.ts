/** Rules lead no further by a redirect than they may lead themselves: by a redirect of theirs, or of an endpoint that they declare. */
import { forbiddenKind, isTrustedWith, type Trust } from '../../core/trust.ts'
import { coded, failed } from './fetch-error.ts'

/** Throws for a redirect beyond the trust. Names are looked up, and judged once more, when they are dialed. */
export function checkRedirect(to: URL, from: URL, trust: Trust): void {
  const { hostname } = to
  const kind = forbiddenKind(trust, hostname)
  if (kind === undefined && (hostname === from.hostname || isTrustedWith(trust, hostname))) return
  const what = kind === undefined ? 'host' : `${kind} address`
  const why = 'the source of the rules that led to this redirect is not trusted with it'
  throw failed(coded('ERR_TRUST', `redirect to the ${what} ${hostname}: ${why}`))
}
