/** An endpoint with several addresses on real sockets: the first one that connects serves (RFC 8305, Envoy's happy_eyeballs_connection_impl). */
import http from 'node:http'
import type net from 'node:net'
import { afterEach, test as any, expect } from 'vitest'
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

const connect = (target: Partial<ConnectTarget>, options: NodeTransportOptions = {}) =>
  new Promise<string>(resolve => {
    const connection = createTransport(options).connect(
      { address: '', protocol: 'http1', connectTimeout: 5000, ...target },
      {
        connected: c => {
          open.push(() => connection.destroy())
          resolve(`connected from ${(c as { localAddress?: string }).localAddress === undefined ? 'nowhere' : 'here'}`)
        },
        failed: (_c, reason, error) => resolve(`${reason} ${(error as { code?: string }).code}`),
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
