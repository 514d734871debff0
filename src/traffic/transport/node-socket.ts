/** A connected socket to an endpoint: TCP, Unix or TLS, with a bound on how long connecting may take. */
import { readFileSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import { systemClock } from '../../base/time/clock.ts'
import type { ConnectTarget } from '../../core/transport.ts'

/** Last TLS session per endpoint and name: resuming one spares most of a handshake. */
const sessions = new Map<string, Buffer>()
const MOST_SESSIONS = 500

/** Begins to connect. `connected` or `failed` is called once, later. */
export function dial(
  address: string,
  target: ConnectTarget,
  connected: (socket: net.Socket) => void,
  failed: (reason: 'connection_failure' | 'connection_timeout', error: Error) => void,
): net.Socket {
  const where = placeOf(address)
  const security = target.tls
  const key = `${address}|${security?.sni ?? ''}`
  const socket =
    security === undefined
      ? net.connect({ ...where, noDelay: true })
      : tls.connect({
          ...where,
          ...(security.sni !== undefined && net.isIP(security.sni) === 0 ? { servername: security.sni } : {}),
          ALPNProtocols: [...(security.alpn ?? (target.protocol === 'http2' ? ['h2'] : ['http/1.1']))],
          ...(security.ca === undefined ? {} : { ca: readFileSync(security.ca) }),
          ...(security.cert === undefined ? {} : { cert: readFileSync(security.cert) }),
          ...(security.key === undefined ? {} : { key: readFileSync(security.key) }),
          rejectUnauthorized: security.insecureSkipVerify !== true,
          ...(security.subjectAltNames?.length
            ? { checkServerIdentity: (_: string, certificate: tls.PeerCertificate) => checkNames(security.subjectAltNames!, certificate) }
            : {}),
          ...(sessions.has(key) ? { session: sessions.get(key)! } : {}),
        })
  let over = false
  const timer =
    target.connectTimeout === Infinity
      ? undefined
      : systemClock.schedule(
          target.connectTimeout,
          () => end('connection_timeout', new Error(`no connection to ${target.address} within ${target.connectTimeout} ms`)),
          { keepAlive: true },
        )
  const end = (reason: 'connection_failure' | 'connection_timeout', error: Error) => {
    if (over) return
    over = true
    timer?.cancel()
    socket.destroy()
    failed(reason, error)
  }
  socket.once('error', error => end('connection_failure', error))
  socket.once('close', () => end('connection_failure', new Error(`the connection to ${target.address} was closed while connecting`)))
  socket.once(security === undefined ? 'connect' : 'secureConnect', () => {
    if (over) return
    over = true
    timer?.cancel()
    if (target.keepAlive !== undefined) socket.setKeepAlive(true, (target.keepAlive.time ?? 0) * 1000)
    if (security !== undefined) socket.setNoDelay(true)
    connected(socket)
  })
  if (security !== undefined)
    socket.on('session', (session: Buffer) => {
      if (sessions.size >= MOST_SESSIONS) sessions.delete(sessions.keys().next().value!)
      sessions.set(key, session)
    })
  return socket
}

function placeOf(address: string): { path: string } | { host: string; port: number } {
  if (address.startsWith('/')) return { path: address }
  if (address.startsWith('@')) return { path: `\0${address.slice(1)}` }
  const at = address.lastIndexOf(':')
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) }
}

function checkNames(wanted: readonly string[], certificate: tls.PeerCertificate): Error | undefined {
  const has = (certificate.subjectaltname ?? '').split(', ').map(name => name.replace(/^\w+( Address)?:/, ''))
  return wanted.some(name => has.includes(name))
    ? undefined
    : new Error(`the certificate names ${has.join(', ') || 'nobody'}, expected one of ${wanted.join(', ')}`)
}
