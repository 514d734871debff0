/** An HTTP/2 connection: many streams, the peer's limits, and every way a stream or the connection may end. */
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { createTransport } from '../../../src/traffic/transport/node.ts'
import { answering, Line, peer, streamed, target, wire } from './peers.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
const transport = createTransport()

type Serve = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, session: http2.ServerHttp2Session) => void
async function to(serve: Serve, settings: http2.Settings = {}, more = {}) {
  const sessions = new Set<http2.ServerHttp2Session>()
  const sockets = new Set<Socket>()
  const server = http2.createServer({ settings })
  server.on('connection', socket => void sockets.add(socket))
  server.on('session', session => {
    sessions.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    serve(stream, headers, stream.session as http2.ServerHttp2Session)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push({
    close: () => {
      for (const session of sessions) session.destroy()
      return new Promise(resolve => server.close(resolve))
    },
  })
  const line = await new Line(
    transport,
    target(`127.0.0.1:${(server.address() as AddressInfo).port}`, { protocol: 'http2', ...more }),
  ).said('connected')
  return { line, sessions, sockets }
}

describe('streams', () => {
  test('run side by side on one connection, with their own headers', async () => {
    const { line, sessions } = await to((stream, headers) => {
      stream.respond({ ':status': 201, 'x-path': headers[':path'], 'set-cookie': ['a', 'b'] })
      stream.end(`${headers[':authority']} ${headers['x-a']}`)
    })
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => line.ask(wire({ path: `/${i}`, headers: ['X-A', '1', 'x-a', '2'] })).over),
    )
    expect(all.map(a => a.body)).toEqual(Array(20).fill('x.test 1, 2'))
    expect(all[7]!.answer!.headers.slice(0, 6)).toEqual(['x-path', '/7', 'set-cookie', 'a', 'set-cookie', 'b'])
    expect([sessions.size, all[0]!.answer!.status]).toEqual([1, 201])
  })

  test('bytes and streams go up', async () => {
    const { line } = await to((stream, headers) => {
      let body = ''
      stream.on('data', chunk => void (body += chunk))
      stream.on('end', () => {
        stream.respond()
        stream.end(`${headers['content-length']} ${body}`)
      })
    })
    expect((await line.ask(wire({ method: 'POST', body: { bytes: Buffer.from('one'), length: 3 } })).over).body).toBe('3 one')
    const chunks = (async function* () { yield Buffer.from('a'); yield Buffer.from('b') })() // biome-ignore format: short
    expect((await line.ask(wire({ method: 'POST', body: streamed(chunks) })).over).body).toBe('undefined ab')
  })

  test('no more at once than we allow ourselves, or the peer says', async () => {
    const ours = await to(stream => stream.end(), {}, { maxConcurrentStreams: 3 })
    expect(ours.line.connection.concurrency).toBe(3)
    const theirs = await to(stream => stream.end(), { maxConcurrentStreams: 2 })
    await theirs.line.said('available')
    expect(theirs.line.connection.concurrency).toBe(2)
  })

  test('HEAD and empty answers', async () => {
    const { line } = await to(stream => {
      stream.respond({ ':status': 204 }, { endStream: true })
    })
    expect((await line.ask(wire({ method: 'HEAD' })).over).log).toEqual(['response 204', 'complete', 'end'])
  })

  test('giving one up leaves the others alone', async () => {
    let reset = 0
    const { line } = await to((stream, headers) => {
      stream.on('close', () => void (reset += stream.rstCode === http2.constants.NGHTTP2_CANCEL ? 1 : 0))
      if (headers[':path'] === '/wait') return
      stream.respond()
      stream.end('fine')
    })
    const waiting = line.ask(wire({ path: '/wait' }))
    await line.ask().over
    const free = line.heard('available')
    waiting.stream.cancel()
    await free
    expect((await line.ask().over).body).toBe('fine')
    await expect.poll(() => reset).toBe(1)
    expect(waiting.log).toEqual([])
  })
})

describe('what goes wrong', () => {
  const { NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL, NGHTTP2_CONNECT_ERROR } = http2.constants
  test.each([
    ['REFUSED_STREAM', (s: http2.ServerHttp2Stream) => s.close(NGHTTP2_REFUSED_STREAM), ['reset remote_refused_stream_reset']],
    ['INTERNAL_ERROR', (s: http2.ServerHttp2Stream) => s.close(NGHTTP2_INTERNAL_ERROR), ['reset remote_reset']],
    ['NO_ERROR', (s: http2.ServerHttp2Stream) => s.close(NGHTTP2_NO_ERROR), ['reset remote_reset']],
    // http2/codec_impl.cc gives CONNECT_ERROR a reason of its own, whatever the method was.
    ['CONNECT_ERROR', (s: http2.ServerHttp2Stream) => s.close(NGHTTP2_CONNECT_ERROR), ['reset remote_error_with_CONNECT_request']],
    ['CANCEL', (s: http2.ServerHttp2Stream) => s.close(NGHTTP2_CANCEL), ['reset remote_reset']],
  ])('%s', async (_name, how, log) => {
    const { line } = await to(how)
    expect((await line.ask().over).log).toEqual(log)
  })

  test('the connection breaks', async () => {
    const broken = await to(() => {
      for (const socket of broken.sockets) socket.destroy()
    })
    expect((await broken.line.ask().over).log).toEqual(['reset connection_termination'])
    await broken.line.said('closed')
  })

  // Envoy's http2/codec_impl.cc, onStreamClose: whatever the code, a stream that did not end was reset.
  test('a reset with NO_ERROR in the body', async () => {
    const { line } = await to(stream => {
      stream.respond({ 'content-length': '8' })
      stream.write('half', () => stream.close(NGHTTP2_NO_ERROR))
    })
    const asked = await line.ask().over
    // A server on Node 22 or later ends the stream before, with fewer bytes than it announced.
    const reset = expect.stringMatching(/^reset (remote_reset|protocol_error)$/)
    expect(asked.log.filter(l => l !== 'data').slice(0, 2)).toEqual(['response 200', reset])
  })

  test('a reset in the body', async () => {
    const { line } = await to(stream => {
      stream.respond()
      stream.write('half', () => setTimeout(() => stream.destroy(new Error('broke')), 10))
    })
    const asked = await line.ask().over
    expect(asked.log.slice(0, 2)).toEqual(['response 200', 'reset remote_reset'])
  })

  test('GOAWAY: what runs may end, what comes goes elsewhere', async () => {
    const { line } = await to((stream, _h, session) => {
      session.goaway(0)
      setTimeout(() => {
        stream.respond()
        stream.end('last')
      }, 20)
    })
    const asked = line.ask()
    expect((await asked.over).body).toBe('last')
    await line.said('closed')
    expect(line.connection.concurrency).toBe(0)
  })

  test('a peer that speaks HTTP/1', async () => {
    const at = await peer(answering('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'))
    open.push(at)
    const line = await new Line(transport, target(at.address, { protocol: 'http2' })).said('connected')
    expect((await line.ask().over).log).toEqual(['reset protocol_error'])
    await line.said('closed')
  })

  test('an idle connection that ends', async () => {
    const { line, sessions } = await to(stream => {
      stream.respond()
      stream.end()
    })
    await line.ask().over
    for (const session of sessions) session.destroy()
    await line.said('closed')
    expect((await line.ask().over).log).toEqual(['reset connection_termination'])
  })

  test('a connection closed here, and it is said why', async () => {
    const { line } = await to((stream, headers) => {
      if (headers[':path'] !== '/mute') stream.respond()
      if (headers[':path'] !== '/mute') stream.write('half')
    })
    const [mute, reading] = [line.ask(wire({ path: '/mute' })), line.ask()]
    while (reading.body !== 'half') await new Promise(resolve => setImmediate(resolve))
    line.connection.destroy(new Error('enough'))
    expect([(await reading.over).log, reading.error!.message]).toEqual([['response 200', 'reset local_reset', 'error enough'], 'enough'])
    expect([(await mute.over).log, mute.error!.message]).toEqual([['reset local_reset'], 'enough'])
    await line.said('closed')
  })

  test('an upload that breaks', async () => {
    const { line } = await to(() => {})
    const chunks = (async function* () { yield Buffer.from('x'); throw new Error('disk') })() // biome-ignore format: short
    const asked = await line.ask(wire({ method: 'POST', body: streamed(chunks) })).over
    expect([asked.log, asked.error!.message]).toEqual([['reset local_reset'], 'disk'])
  })
})

describe('over TLS', () => {
  const read = (name: string) => readFileSync(fileURLToPath(new URL(`certs/${name}`, import.meta.url)))
  const identity = { key: read('server.key'), cert: read('server.pem') }
  const settings = { sni: 'server.test', ca: fileURLToPath(new URL('certs/ca.pem', import.meta.url)), alpn: ['h2', 'http/1.1'] }
  const lineTo = async (server: tls.Server) => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    open.push({ close: () => void server.close() })
    return new Line(transport, target(`127.0.0.1:${(server.address() as AddressInfo).port}`, { protocol: 'http2', tls: settings }))
  }

  test('it speaks HTTP/2 with a peer that agrees', async () => {
    const server = http2.createSecureServer(identity)
    server.on('session', session => session.on('error', () => {}))
    server.on('stream', stream => {
      stream.respond()
      stream.end('secure')
    })
    const line = await (await lineTo(server)).said('connected')
    expect((await line.ask().over).body).toBe('secure')
    line.connection.destroy()
  })

  test('a peer that only has HTTP/1.1 is a failure to connect', async () => {
    const line = await lineTo(tls.createServer({ ...identity, ALPNProtocols: ['http/1.1'] }, socket => socket.on('error', () => {})))
    expect((await line.said('failed')).log[0]).toMatch(/^failed connection_failure .* does not speak HTTP\/2/)
  })
})
