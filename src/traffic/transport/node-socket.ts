/** A connected socket to an endpoint: TCP, Unix or TLS, with a bound on how long connecting may take, whatever number of addresses it has. */

import net from 'node:net'
import tls from 'node:tls'
import { systemClock } from '../../base/time/clock.ts'
import { runInMicrotask } from '../../base/time/event-loop.ts'
import { errorOf } from '../../core/error-kinds.ts'
import type { ConnectTarget } from '../../core/transport.ts'
import { interleaved, race } from './happy-eyeballs.ts'
import { remember, tlsOptions } from './node-tls.ts'

/** Who wants the socket. `connected` or `failed` is called once, later. */
export interface Dialled {
  connected(socket: net.Socket): void
  failed(reason: 'connection_failure' | 'connection_timeout', error: Error): void
  /** A further address is tried. */
  another(): void
}

/**
 * Begins to connect. Returns what gives it up; then nothing is called any more. `address`: or why there is none, which is a failure to
 * connect like any other.
 */
export function dial(address: string | Error, target: ConnectTarget, by: Dialled): () => void {
  const { connectTimeout, others = [] } = target
  const addresses = address instanceof Error || others.length === 0 ? [address] : interleaved([address, ...others])
  const options = { keepAlive: target.background !== true }
  const end = () => {
    timer?.cancel()
    stop()
  }
  const stop = race<net.Socket>(
    addresses.length,
    {
      begin(nth, connected, failed) {
        if (nth > 0) by.another()
        return attempt(addresses[nth]!, target, connected, failed)
      },
      drop: socket => socket.destroy(),
      won(socket) {
        end()
        if (target.keepAlive !== undefined) socket.setKeepAlive(true, (target.keepAlive.time ?? 0) * 1000)
        if (target.tls !== undefined) socket.setNoDelay(true)
        by.connected(socket)
      },
      lost(error) {
        end()
        by.failed('connection_failure', error)
      },
    },
    systemClock,
    options,
  )
  const timedOut = () => {
    end()
    const text = `no connection to ${target.address} within ${connectTimeout} ms`
    by.failed('connection_timeout', Object.assign(new Error(text), { code: 'ETIMEDOUT' }))
  }
  const timer = connectTimeout === Infinity ? undefined : systemClock.schedule(connectTimeout, timedOut, options)
  return end
}

/** One address. Exactly one of the two is called, later, unless the socket is destroyed before. */
function attempt(address: string | Error, target: ConnectTarget, connected: () => void, failed: (error: Error) => void): net.Socket {
  let over = false
  const fail = (error: Error) => {
    if (over) return
    over = true
    socket.destroy()
    failed(error)
  }
  let socket: net.Socket
  try {
    if (address instanceof Error) throw address
    socket = open(address, target)
  } catch (error) {
    // A certificate that cannot be read, an address that is none: told like any other failure to connect.
    socket = new net.Socket()
    runInMicrotask(() => fail(errorOf(error)))
  }
  if (target.background) socket.unref()
  const onClose = () => fail(new Error(`the connection to ${target.address} was closed while connecting`))
  socket.on('error', fail)
  socket.on('close', onClose)
  socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
    if (over) return
    over = true
    connected()
    socket.off('error', fail)
    socket.off('close', onClose)
  })
  return socket
}

function open(address: string, target: ConnectTarget): net.Socket {
  const where = placeOf(address)
  if (target.tls === undefined) return net.connect({ ...where, noDelay: true })
  const socket = tls.connect({ ...where, ...tlsOptions(address, target, target.tls) })
  socket.on('session', session => remember(address, target.tls!, session))
  return socket
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
