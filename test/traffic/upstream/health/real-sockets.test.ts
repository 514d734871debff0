/** Active health checks over real sockets, HTTP/1.1 and HTTP/2: time is virtual, the wire is not. */
import http from 'node:http'
import http2 from 'node:http2'
import type net from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/time/random.ts'
import { virtualClock } from '../../../../src/base/time/virtual-clock.ts'
import type { Transport } from '../../../../src/core/transport.ts'
import type { Cluster } from '../../../../src/envoy/index.ts'
import { ClusterRuntime } from '../../../../src/traffic/engine/cluster-runtime.ts'
import { createTransport } from '../../../../src/traffic/transport/node.ts'

type Answer = (response: http.ServerResponse | http2.Http2ServerResponse) => void
const status =
  (code: number): Answer =>
  response => {
    response.writeHead(code)
    response.end()
  }
const HANG: Answer = () => {}

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

/** An upstream that answers its checks as told, and who asked. */
async function upstream(protocol: 'http1' | 'http2') {
  const at = { answer: status(200), asked: [] as string[], connections: 0, port: 0, stop: () => {} }
  const handler = (request: http.IncomingMessage | http2.Http2ServerRequest, response: http.ServerResponse | http2.Http2ServerResponse) => {
    at.asked.push(`${request.method} ${request.headers.host ?? request.headers[':authority']}${request.url}`)
    at.answer(response)
  }
  const server = protocol === 'http2' ? http2.createServer(handler) : http.createServer(handler)
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => {
    at.connections++
    sockets.add(socket)
    socket.on('error', () => {})
  })
  at.stop = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  at.port = (server.address() as net.AddressInfo).port
  open.push(at.stop)
  return at
}

/** The real transport; says whether its connection has finished what it was asked. */
function watchedTransport() {
  const real = createTransport()
  let running = 0
  const at = {
    idle: false as boolean,
    connect(target, listener) {
      const connection = real.connect(target, {
        connected: c => listener.connected(c),
        failed: (c, reason, error) => listener.failed(c, reason, error),
        available(c) {
          listener.available(c)
          at.idle = running === 0
        },
        closed: c => listener.closed(c),
      })
      const send = connection.send.bind(connection)
      connection.send = (request, stream) => {
        at.idle = false
        running++
        const done = (tell: () => void) => {
          running--
          tell()
        }
        return send(request, {
          response: r => stream.response(r),
          reset: (reason, error) => done(() => stream.reset(reason, error)),
          complete: () => done(() => stream.complete()),
        })
      }
      return connection
    },
  } satisfies Transport & { idle: boolean }
  return at
}

const H2 = { explicitHttpConfig: { http2ProtocolOptions: {} } }
const HTTP = { httpHealthCheck: { path: '/healthz' } }

async function watched(protocol: 'http1' | 'http2', how: object = HTTP) {
  const at = await upstream(protocol)
  const clock = virtualClock()
  const config: Cluster = {
    name: 'outbound|80||a.test',
    type: 'STATIC',
    lbPolicy: 'ROUND_ROBIN',
    connectTimeout: '1s',
    healthChecks: [{ interval: '10s', timeout: '1s', unhealthyThreshold: 1, healthyThreshold: 1, ...how }],
    ...(protocol === 'http2' ? { typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': H2 } } : {}),
  }
  const transport = watchedTransport()
  const runtime = new ClusterRuntime(config, {
    clock,
    random: seededRandom(1),
    transport,
    resolver: { resolve: async () => [] },
    ejected: () => {},
  })
  open.push(() => runtime.close())
  runtime.assign({
    clusterName: config.name,
    endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: at.port } } } }] }],
  })
  await runtime.warming
  const health = () => runtime.hosts()[0]!.health
  const answered = () => expect.poll(() => transport.idle, { timeout: 5000 }).toBe(true)
  if ('httpHealthCheck' in how) await answered()
  /** The next check, and what came of it. */
  const next = async (expected: string, ms = 10_000) => {
    clock.advance(ms)
    await expect.poll(health, { timeout: 5000 }).toBe(expected)
  }
  return { at, health, next, answered, clock, runtime }
}

describe.each(['http1', 'http2'] as const)('over %s', protocol => {
  test('a status that is not 200 takes a host out, the next 200 brings it back; one connection serves all checks', async () => {
    const { at, health, next, answered } = await watched(protocol)
    expect([health(), at.asked]).toEqual(['healthy', ['GET a.test/healthz']])
    at.answer = status(503)
    await next('unhealthy')
    await answered()
    at.answer = status(200)
    await next('healthy')
    expect([at.asked.length, at.connections]).toEqual([3, 1])
  })
  test('no answer in time takes it out, and the next check has a connection of its own', async () => {
    const { at, health, next, clock } = await watched(protocol)
    at.answer = HANG
    clock.advance(10_000)
    await expect.poll(() => at.asked.length).toBe(2)
    expect(health()).toBe('healthy')
    await next('unhealthy', 1000)
    at.answer = status(200)
    await next('healthy')
    expect(at.connections).toBe(2)
  })
  test('so does a process that is gone', async () => {
    const { at, next } = await watched(protocol)
    at.stop()
    await next('unhealthy')
  })
  test('a check counts for nothing that requests count for', async () => {
    const { runtime, next } = await watched(protocol)
    await next('healthy')
    expect(runtime.allStats()).toMatchObject({ upstream_rq_total: 0, upstream_cx_total: 0, upstream_cx_active: 0 })
  })
})

test('for a check of TCP a connection is enough, and none is not', async () => {
  const { at, health, next } = await watched('http1', { tcpHealthCheck: {} })
  expect([health(), at.asked]).toEqual(['healthy', []])
  at.stop()
  await next('unhealthy')
})
