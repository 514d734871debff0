/** TLS to an endpoint: whom we accept, how we show ourselves, and that a session is used again. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TlsSettings } from '../../../src/core/transport.ts'
import { createTransport } from '../../../src/traffic/transport/node.ts'
import { alternativeNames } from '../../../src/traffic/transport/node-tls.ts'
import { Line, target } from './peers.ts'

const cert = (name: string) => fileURLToPath(new URL(`certs/${name}`, import.meta.url))
const read = (name: string) => readFileSync(cert(name))

interface Seen {
  servername: string | false | null
  client: string | undefined
  reused: boolean
}
const seen: Seen[] = []
let server: tls.Server
let mutual: tls.Server
const addressOf = (s: tls.Server) => `127.0.0.1:${(s.address() as AddressInfo).port}`
beforeAll(async () => {
  const serve = (socket: tls.TLSSocket) => {
    socket.on('error', () => {})
    seen.push({
      servername: socket.servername as any,
      client: socket.getPeerCertificate()?.subject?.CN as string | undefined,
      reused: socket.isSessionReused(),
    })
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret'))
  }
  server = tls.createServer({ key: read('server.key'), cert: read('server.pem') }, serve)
  mutual = tls.createServer(
    { key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), requestCert: true, rejectUnauthorized: true },
    serve,
  )
  for (const s of [server, mutual]) {
    s.on('tlsClientError', () => {})
    await new Promise<void>(resolve => s.listen(0, '127.0.0.1', resolve))
  }
})
afterAll(() => {
  server.close()
  mutual.close()
})

const transport = createTransport()
async function ask(at: tls.Server, settings: TlsSettings): Promise<string> {
  seen.length = 0
  const line = new Line(transport, target(addressOf(at), { tls: settings }))
  await Promise.race([line.said('connected'), line.said('failed')])
  if (line.log[0] !== 'connected') return line.log[0]!
  const asked = await line.ask().over
  line.connection.destroy()
  return asked.log.includes('complete') ? asked.body : asked.log.join(', ')
}
const ca = cert('ca.pem')

describe('SIMPLE', () => {
  test('the certificate must come from the CA and be for the name', async () => {
    expect(await ask(server, { sni: 'server.test', ca })).toBe('secret')
    expect(seen[0]!.servername).toBe('server.test')
    expect(await ask(server, { sni: 'server.test' })).toMatch(
      /^failed connection_failure UNABLE_TO_VERIFY|^failed connection_failure SELF_SIGNED/,
    )
    expect(await ask(server, { sni: 'other.test', ca })).toBe('failed connection_failure ERR_TLS_CERT_ALTNAME_INVALID')
  })
  test('an IP address is checked as one and never sent as a name', async () => {
    expect(await ask(server, { sni: '127.0.0.1', ca })).toBe('secret')
    expect(seen[0]!.servername || null).toBe(null)
    expect(await ask(server, { sni: '10.0.0.1', ca })).toBe('failed connection_failure ERR_TLS_CERT_ALTNAME_INVALID')
  })
  test('subjectAltNames take the place of the name', async () => {
    expect(
      await ask(server, { sni: 'other.test', ca, subjectAltNames: ['nobody.test', 'spiffe://cluster.local/ns/default/sa/server'] }),
    ).toBe('secret')
    expect(await ask(server, { sni: 'server.test', ca, subjectAltNames: ['nobody.test'] })).toBe(
      'failed connection_failure ERR_TLS_CERT_ALTNAME_INVALID',
    )
  })
  test('insecureSkipVerify accepts anybody', async () => {
    expect(await ask(server, { sni: 'whoever.test', insecureSkipVerify: true })).toBe('secret')
  })
  test('the second connection resumes the session of the first', async () => {
    await ask(server, { sni: 'server.test', ca })
    await ask(server, { sni: 'server.test', ca })
    expect(seen[0]!.reused).toBe(true)
    await ask(server, { sni: 'server.test', ca, subjectAltNames: ['server.test'] })
    expect(seen[0]!.reused).toBe(false)
  })
  test('a file that is not there is a failure to connect, told with its name', async () => {
    expect(await ask(server, { ca: '/no/such/ca.pem' })).toBe('failed connection_failure ENOENT')
  })
})

describe('MUTUAL', () => {
  test('we show our certificate', async () => {
    expect(await ask(mutual, { sni: 'server.test', ca, cert: cert('client.pem'), key: cert('client.key') })).toBe('secret')
    expect(seen[0]!.client).toBe('client')
  })
  test('without one the server closes', async () => {
    expect(await ask(mutual, { sni: 'server.test', ca })).toMatch(/connection_termination|connection_failure|protocol_error/)
  })
  test('a certificate that has not changed is read once', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'meshless-'))
    const files = { cert: path.join(folder, 'c.pem'), key: path.join(folder, 'k.pem') }
    copyFileSync(cert('client.pem'), files.cert)
    copyFileSync(cert('client.key'), files.key)
    const settings = { sni: 'server.test', ca, ...files }
    expect(await ask(mutual, settings)).toBe('secret')
    writeFileSync(files.cert, 'not looked at again within seconds')
    expect(await ask(mutual, settings)).toBe('secret')
    rmSync(folder, { recursive: true })
  })
})

test.each([
  ['DNS:a.test, DNS:b.test', ['a.test', 'b.test']],
  ['URI:spiffe://x/ns/y, IP Address:127.0.0.1', ['spiffe://x/ns/y', '127.0.0.1']],
  ['DNS:"evil, DNS:good.test, DNS:x", DNS:b', ['evil, DNS:good.test, DNS:x', 'b']],
  ['', []],
])('names in %j', (text, names) => expect(alternativeNames(text)).toEqual(names))
