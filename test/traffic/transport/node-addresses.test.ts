/** An endpoint with several addresses on real sockets: the first one that connects serves (RFC 8305, Envoy's multi_connection_base_impl). */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterEach, test as any, describe, expect } from 'vitest'
import type { ConnectTarget } from '../../../src/core/transport.ts'
import { createTransport, type NodeTransportOptions } from '../../../src/traffic/transport/node.ts'

/** Elsewhere the loopback net has one address only. */
const test = any.skipIf(process.platform !== 'linux')

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

/** A server on one address of the loopback net; its port is free on the others. */
async function server(host: string): Promise<number> {
  const at = http.createServer((_, response) => response.end(host))
  await new Promise<void>(resolve => at.listen(0, host, resolve))
  open.push(() => at.close())
  return (at.address() as net.AddressInfo).port
}

const connect = (target: Partial<ConnectTarget>, options: NodeTransportOptions = {}, another = () => {}) =>
  new Promise<string>(resolve => {
    const connection = createTransport(options).connect(
      { address: '', protocol: 'http1', connectTimeout: 5000, ...target },
      {
        connected: c => {
          open.push(() => connection.destroy())
          resolve(`connected from ${(c as { localAddress?: string }).localAddress === undefined ? 'nowhere' : 'here'}`)
        },
        failed: (_c, reason, error) => resolve(`${reason} ${(error as { code?: string }).code}`),
        another,
        available() {},
        closed() {},
      },
    )
  })

test('the second one serves when nobody is at the first', async () => {
  const port = await server('127.0.0.2')
  expect(await connect({ address: `127.0.0.1:${port}` })).toBe('connection_failure ECONNREFUSED')
  expect(await connect({ address: `127.0.0.1:${port}`, others: [`127.0.0.3:${port}`, `127.0.0.2:${port}`] })).toBe('connected from here')
})
test('when nobody is anywhere, it fails as one does', async () => {
  const port = await server('127.0.0.2')
  expect(await connect({ address: `127.0.0.1:${port}`, others: [`127.0.0.3:${port}`] })).toBe('connection_failure ECONNREFUSED')
})
test('others are mapped as the first one is', async () => {
  const port = await server('127.0.0.2')
  const connectTo = { '10.0.0.1:80': `127.0.0.1:${port}`, '10.0.0.2:80': `127.0.0.2:${port}` }
  expect(await connect({ address: '10.0.0.1:80', others: ['10.0.0.2:80'] }, { connectTo })).toBe('connected from here')
})

describe('one that is slow', () => {
  const cert = (name: string) => fileURLToPath(new URL(`certs/${name}`, import.meta.url))
  const secure = { sni: 'server.test', ca: cert('ca.pem') }
  const keys = { key: readFileSync(cert('server.key')), cert: readFileSync(cert('server.pem')) }

  /** Takes TCP connections on this address and does not begin to speak TLS until `go`. */
  async function slow(host: string, port = 0) {
    const sockets: net.Socket[] = []
    const secured = tls.createServer(keys)
    const closed = { told: () => {} }
    const gone = new Promise<void>(resolve => {
      closed.told = resolve
    })
    const come = { told: () => {} }
    const reached = new Promise<void>(resolve => {
      come.told = resolve
    })
    const server = net.createServer({ pauseOnConnect: true }, socket => {
      sockets.push(socket)
      socket.on('error', () => {}).on('close', closed.told)
      come.told()
    })
    await new Promise<void>(resolve => server.listen(port, host, resolve))
    open.push(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    return {
      port: (server.address() as net.AddressInfo).port,
      reached,
      gone,
      go: () => secured.emit('connection', sockets[0]!),
      listen: () => sockets[0]!.resume(),
    }
  }

  test('gets company, and loses its connection when the other one is there', async () => {
    const first = await slow('127.0.0.1')
    const second = await slow('127.0.0.2', first.port)
    const connected = connect({ address: `127.0.0.1:${first.port}`, others: [`127.0.0.2:${first.port}`], tls: secure })
    await second.reached
    second.go()
    expect(await connected).toBe('connected from here')
    first.listen()
    await first.gone
  })
  test('may still win', async () => {
    const first = await slow('127.0.0.1')
    const second = await slow('127.0.0.2', first.port)
    const connected = connect({ address: `127.0.0.1:${first.port}`, others: [`127.0.0.2:${first.port}`], tls: secure })
    await second.reached
    first.go()
    expect(await connected).toBe('connected from here')
    second.listen()
    await second.gone
  })
  test('the bound on connecting is one for all', async () => {
    const first = await slow('127.0.0.1')
    const second = await slow('127.0.0.2', first.port)
    const target = { address: `127.0.0.1:${first.port}`, others: [`127.0.0.2:${first.port}`], tls: secure, connectTimeout: 400 }
    expect(await connect(target)).toBe('connection_timeout ETIMEDOUT')
    for (const one of [first, second]) {
      await one.reached
      one.listen()
      await one.gone
    }
  })
})
test('each further address is told: Envoy counts every attempt', async () => {
  const port = await server('127.0.0.4')
  let more = 0
  await connect({ address: `127.0.0.1:${port}`, others: [`127.0.0.2:${port}`, `127.0.0.4:${port}`, `127.0.0.5:${port}`] }, {}, () => more++)
  expect(more).toBe(2)
})
