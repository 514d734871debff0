/** A mesh over the runtime's fetch: requests are governed, and what cannot be done is said. */
import type http from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMesh, fetchTransport, outcomeOf } from '../../../src/index.ts'
import { loopback } from '../../adapters/outbound/loopback.ts'
import { oneService } from '../../one-service.ts'

let servers: Awaited<ReturnType<typeof loopback>>[]
beforeAll(async () => {
  const more = { '/flaky': ((q, r) => r.writeHead(q.headers['x-envoy-attempt-count'] === '1' ? 503 : 200).end('ok')) as http.RequestListener, '/hang': () => {}, '/cut': ((_q, r) => r.writeHead(200, { 'content-length': 9 }).write('half', () => r.destroy())) as http.RequestListener } // biome-ignore format: short
  servers = [await loopback(more), await loopback(more)]
})
afterAll(async () => {
  for (const server of servers) await server.close()
})

const rules = (http = '', policy = '', ports = servers.map(s => s.port)) =>
  oneService({ endpoints: ports.map(port => `127.0.0.1:${port}`), http, policy: `{ loadBalancer: { simple: ROUND_ROBIN }${policy} }` })
const meshOf = (text: string) => createMesh({ rules: text, transport: fetchTransport() })

describe('requests', () => {
  test('are balanced, retried, timed out and answered as over sockets', async () => {
    const mesh = meshOf(rules('retries: { attempts: 1, retryOn: 5xx, backoff: 1ms }, timeout: 300ms'))
    const seen = new Set<string>()
    for (let i = 0; i < 4; i++) {
      const response = await mesh.fetch('http://s.test/json')
      expect(await response.json()).toEqual({ a: [1, 2, { b: null }] })
      seen.add(outcomeOf(response)!.endpoint)
    }
    expect(seen.size).toBe(2)
    const retried = await mesh.fetch('http://s.test/flaky')
    expect([await retried.text(), outcomeOf(retried)!.attempts]).toEqual(['ok', 2])
    const hung = await mesh.fetch('http://s.test/hang')
    expect([hung.status, outcomeOf(hung)!.flags]).toEqual([504, 'UT'])
    expect(mesh.snapshot().clusters['outbound|80||s.test']!.stats).toMatchObject({ upstream_rq_active: 0, upstream_rq_pending_active: 0 })
    await mesh.close()
  })

  test.each(['bytes', 'a stream'])('a body of %s', async kind => {
    const mesh = meshOf(rules())
    for (const server of servers) server.seen.length = 0
    const body = kind === 'bytes' ? 'hällo' : new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('hällo')); c.close() } }) // biome-ignore format: short
    await (await mesh.fetch('http://s.test/echo', { method: 'POST', body, duplex: 'half' } as RequestInit)).text()
    const [seen] = servers.flatMap(s => s.seen)
    expect(Buffer.from(seen!.body, 'latin1').toString()).toBe('hällo')
    await mesh.close()
  })

  test.each(['/gzip', '/br', '/large', '/chunked', '/204', '/404', '/302'])('%s reads as over sockets', async path => {
    const mesh = meshOf(rules())
    const over = createMesh({ rules: rules() })
    const view = async (response: Response) => [response.status, await response.text(), response.redirected]
    expect(await view(await mesh.fetch(`http://s.test${path}`))).toEqual(await view(await over.fetch(`http://s.test${path}`)))
    await mesh.close()
    await over.close()
  })

  test('a dead endpoint is UF, a body that is cut UPE', async () => {
    const gone = await loopback()
    await gone.close()
    const dead = meshOf(rules('retries: { attempts: 0 }', '', [gone.port]))
    const refused = await dead.fetch('http://s.test/')
    expect([refused.status, outcomeOf(refused)!.flags, outcomeOf(refused)!.details]).toEqual([
      503,
      'UF',
      'upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}',
    ])
    await dead.close()
    const mesh = meshOf(rules())
    const cut = await mesh.fetch('http://s.test/cut')
    await expect(cut.text()).rejects.toThrow('terminated')
    expect(outcomeOf(cut)!.flags).toBe('UPE')
    await mesh.close()
  })

  test('an abort reaches the server', async () => {
    const mesh = meshOf(rules())
    const reason = new Error('enough')
    const controller = new AbortController()
    const asked = mesh.fetch('http://s.test/hang', { signal: controller.signal })
    setTimeout(() => controller.abort(reason), 30)
    await expect(asked).rejects.toBe(reason)
    expect(mesh.snapshot().clusters['outbound|80||s.test']!.stats).toMatchObject({ upstream_rq_active: 0 })
    await mesh.close()
  })

  test('limits on connections limit requests', async () => {
    const mesh = meshOf(
      rules('retries: { attempts: 0 }', ', connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } }', [
        servers[0]!.port,
      ]),
    )
    const answers = await Promise.all(Array.from({ length: 5 }, () => mesh.fetch('http://s.test/echo')))
    expect(answers.filter(a => a.status === 503).map(a => outcomeOf(a)!.flags)).toEqual(['UO', 'UO', 'UO', 'UO'])
    await mesh.close()
  })
})

describe('what cannot be honoured', () => {
  test('is said field by field', () => {
    const mesh = meshOf(
      rules(
        '',
        `, connectionPool: { tcp: { connectTimeout: 1s, tcpKeepalive: { time: 60s } }, http: { idleTimeout: 5s, maxRequestsPerConnection: 10, h2UpgradePolicy: UPGRADE } }, tls: { mode: SIMPLE, sni: s.test }`,
      ),
    )
    const said = mesh.diagnostics.filter(d => d.code === 'transport-cannot').map(d => /honour (\S+):/.exec(d.message)![1])
    expect(said.sort()).toEqual([
      'connectionPool.http.h2UpgradePolicy',
      'connectionPool.http.idleTimeout',
      'connectionPool.http.maxRequestsPerConnection',
      'connectionPool.tcp.connectTimeout',
      'connectionPool.tcp.tcpKeepalive',
      'endpoints',
      'tls',
    ])
  })

  test('names what always differs, and nothing with the transport of Node', () => {
    const codes = (mesh: ReturnType<typeof createMesh>) => mesh.diagnostics.filter(d => d.code === 'transport-cannot').map(d => d.message)
    expect(codes(meshOf(rules()))).toEqual([
      'this transport cannot honour host: a server called without TLS sees the address of the endpoint as its Host (outbound|80||s.test)',
    ])
    expect(codes(createMesh({ rules: rules() }))).toEqual([])
  })
})
