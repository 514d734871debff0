/** A connected socket to an endpoint: TCP, Unix or TLS, with a bound on how long connecting may take. */
import net from 'node:net'
import tls from 'node:tls'
import { systemClock } from '../../base/time/clock.ts'
import type { ConnectTarget } from '../../core/transport.ts'
import { remember, tlsOptions } from './node-tls.ts'

/** Begins to connect. `connected` or `failed` is called once, later. */
export function dial(
  address: string,
  target: ConnectTarget,
  connected: () => void,
  failed: (reason: 'connection_failure' | 'connection_timeout', error: Error) => void,
): net.Socket {
  let over = false
  const end = (reason: 'connection_failure' | 'connection_timeout', error: Error) => {
    if (over) return
    over = true
    timer?.cancel()
    socket.destroy()
    failed(reason, error)
  }
  let socket: net.Socket
  try {
    socket = open(address, target)
  } catch (error) {
    // A certificate that cannot be read, an address that is none: told like any other failure to connect.
    socket = new net.Socket()
    queueMicrotask(() => end('connection_failure', error instanceof Error ? error : new Error(String(error))))
  }
  const timer =
    target.connectTimeout === Infinity
      ? undefined
      : systemClock.schedule(
          target.connectTimeout,
          () =>
            end(
              'connection_timeout',
              Object.assign(new Error(`no connection to ${target.address} within ${target.connectTimeout} ms`), { code: 'ETIMEDOUT' }),
            ),
          { keepAlive: target.background !== true },
        )
  if (target.background) socket.unref()
  const onError = (error: Error) => end('connection_failure', error)
  const onClose = () => end('connection_failure', new Error(`the connection to ${target.address} was closed while connecting`))
  socket.on('error', onError)
  socket.on('close', onClose)
  socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
    if (over) return
    over = true
    timer?.cancel()
    if (target.keepAlive !== undefined) socket.setKeepAlive(true, (target.keepAlive.time ?? 0) * 1000)
    if (target.tls !== undefined) socket.setNoDelay(true)
    connected()
    socket.off('error', onError)
    socket.off('close', onClose)
  })
  return socket
}

/** ms that one address has before the next one is tried, as in Envoy. */
const NEXT_AFTER = 300

function open(address: string, target: ConnectTarget): net.Socket {
  // Without a name a certificate is checked for the address itself, of which there must be one.
  const where = among(placeOf(address), target.tls !== undefined && target.tls.sni === undefined ? undefined : target.others)
  if (target.tls === undefined) return net.connect({ ...where, noDelay: true })
  const socket = tls.connect({ ...where, ...tlsOptions(address, target, target.tls) })
  socket.on('session', session => remember(address, target.tls!, session))
  return socket
}

/** Several addresses of one endpoint are tried in their order (RFC 8305); they all have its port. */
function among(first: ReturnType<typeof placeOf>, others: readonly string[] | undefined): net.NetConnectOpts {
  if (others === undefined || others.length === 0 || 'path' in first) return first
  const all = [first, ...others.map(placeOf)].flatMap(place => ('port' in place && place.port === first.port ? [place.host] : []))
  if (!all.every(host => net.isIP(host) !== 0)) return first
  return {
    host: 'endpoint.invalid', // a name, so that the addresses are asked for; it is never looked up
    port: first.port,
    lookup(_name, options, callback) {
      const found = all.map(host => ({ address: host, family: net.isIP(host) }))
      if (options.all) callback(null, found)
      else callback(null, found[0]!.address, found[0]!.family)
    },
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_AFTER,
  }
}

/** Where an address leads: `ip:port`, `[v6]:port`, `name:port`, `/path`, `@abstract`. */
export function placeOf(address: string): { path: string } | { host: string; port: number } {
  if (address.startsWith('/')) return { path: address }
  if (address.startsWith('@')) return { path: `\0${address.slice(1)}` }
  const at = address.lastIndexOf(':')
  const port = Number(address.slice(at + 1))
  if (at <= 0 || !Number.isInteger(port))
    throw new TypeError(`${JSON.stringify(address)} is no address; expected ip:port, [ipv6]:port, name:port or a path`)
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port }
}
