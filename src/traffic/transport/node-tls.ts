/** How TLS is spoken to an endpoint: certificates from files (read again when they change), the name that is asked for, and whom we accept. */
import { readFileSync, statSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import { systemClock } from '../../base/time/clock.ts'
import type { ConnectTarget, TlsSettings } from '../../core/transport.ts'

/** Last TLS session per endpoint and settings: resuming one spares most of a handshake. */
const sessions = new Map<string, Buffer>()
const MOST_SESSIONS = 500

/** ms after which the files of a context are looked at again. */
const LOOK_AGAIN = 5_000

interface Context {
  readonly context: tls.SecureContext
  readonly stamp: string
  lookedAt: number
}
const contexts = new Map<string, Context>()

/** The options of `tls.connect` for this endpoint. Throws when a file cannot be read or holds no certificate. */
export function tlsOptions(address: string, target: ConnectTarget, security: TlsSettings): tls.ConnectionOptions {
  const { sni, subjectAltNames: wanted } = security
  const session = sessions.get(keyOf(address, security))
  return {
    secureContext: contextOf(security),
    ALPNProtocols: [...(security.alpn ?? (target.protocol === 'http2' ? ['h2'] : ['http/1.1']))],
    rejectUnauthorized: security.insecureSkipVerify !== true,
    // An IP address may not be sent as a server name, but it is checked as one.
    ...(sni !== undefined && net.isIP(sni) === 0 ? { servername: sni } : {}),
    checkServerIdentity: (host, certificate) =>
      wanted !== undefined && wanted.length > 0 ? checkNames(wanted, certificate) : tls.checkServerIdentity(sni ?? host, certificate),
    ...(session === undefined ? {} : { session }),
  }
}

export function remember(address: string, security: TlsSettings, session: Buffer): void {
  const key = keyOf(address, security)
  sessions.delete(key)
  if (sessions.size >= MOST_SESSIONS) sessions.delete(sessions.keys().next().value!)
  sessions.set(key, session)
}

const filesOf = ({ ca, cert, key }: TlsSettings) => [ca, cert, key].filter(file => file !== undefined)
const keyOf = (address: string, security: TlsSettings) =>
  [address, security.sni, ...(security.subjectAltNames ?? []), security.insecureSkipVerify, ...filesOf(security)].join('|')

function contextOf(security: TlsSettings): tls.SecureContext {
  const { ca, cert, key } = security
  const name = `${ca ?? ''}|${cert ?? ''}|${key ?? ''}`
  const known = contexts.get(name)
  const now = systemClock.now()
  if (known !== undefined && now - known.lookedAt < LOOK_AGAIN) return known.context
  const stamp = filesOf(security)
    .map(file => statSync(file).mtimeMs)
    .join('|')
  if (known !== undefined && known.stamp === stamp) {
    known.lookedAt = now
    return known.context
  }
  const context = tls.createSecureContext({
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
  })
  contexts.set(name, { context, stamp, lookedAt: now })
  return context
}

function checkNames(wanted: readonly string[], certificate: tls.PeerCertificate): Error | undefined {
  const has = alternativeNames(certificate.subjectaltname ?? '')
  if (wanted.some(name => has.includes(name))) return undefined
  return Object.assign(new Error(`the certificate names ${has.join(', ') || 'nobody'}, expected one of ${wanted.join(', ')}`), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
}

/** The names in Node's text of a certificate. One with special characters stands in quotes, so that it cannot pose as several. */
export function alternativeNames(text: string): string[] {
  const names: string[] = []
  for (const [, quoted, bare] of text.matchAll(/(?:^|, )[A-Za-z ]+:(?:("(?:[^"\\]|\\.)*")|([^",]*))(?=, |$)/g))
    names.push(quoted === undefined ? bare! : JSON.parse(quoted))
  return names
}
