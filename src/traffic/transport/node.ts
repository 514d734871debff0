/** The transport of Node: our own sockets, HTTP/1.1 by node:http and HTTP/2 by node:http2 on top of them. */
import type { Connection, ConnectionListener, ConnectTarget, Transport } from '../../core/transport.ts'
import { type ConnectTo, dialedAddresses } from './dialed-address.ts'
import { KeptConnections } from './kept-connections.ts'
import { Http1Connection } from './node-http1.ts'
import { Http2Connection } from './node-http2.ts'

export interface NodeTransportOptions {
  /** Where an endpoint is really dialled, by its own `ip:port`: a map or a function. For tests and port-forwards; rules, hashes and snapshots keep the endpoint's own address. */
  connectTo?: ConnectTo | undefined
}

/**
 * Makes the transport.
 *
 * @example
 * const mesh = createMesh({ rules, transport: nodeTransport({ connectTo: { '10.0.0.1:9080': '127.0.0.1:8080' } }) })
 * await mesh.close()
 */
export function createTransport(options: NodeTransportOptions = {}): Transport {
  const dialed = dialedAddresses(options.connectTo)
  const kept = new KeptConnections()
  return {
    connect(target: ConnectTarget, listener: ConnectionListener): Connection {
      const address = dialed(target.address)
      const mapped = target.others?.length ? { ...target, others: target.others.map(dialed).filter(isAddress) } : target
      return target.protocol === 'http2'
        ? new Http2Connection(address, mapped, listener)
        : new Http1Connection(address, mapped, listener, kept)
    },
  }
}

const isAddress = (dialed: string | Error): dialed is string => typeof dialed === 'string'
