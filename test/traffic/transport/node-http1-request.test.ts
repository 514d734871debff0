/** What of a request goes on the wire, and what does not: requests that HTTP cannot carry, headers that are the connection's own. */
import http from 'node:http'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { InvalidRequestError } from '../../../src/core/sendable.ts'
import type { WireBody, WireRequest } from '../../../src/core/transport.ts'
import { createTransport } from '../../../src/traffic/transport/node.ts'
import { Line, peer, streamed, target, wire } from './peers.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** A connection to a peer that writes down what it gets and answers each head. */
async function recorded(transport = createTransport()) {
  const seen = { text: '' }
  const at = await peer(socket =>
    socket.on('data', chunk => {
      seen.text += chunk.toString('latin1')
      if (seen.text.endsWith('\r\n\r\n') || seen.text.endsWith('body')) socket.write(OK)
    }),
  )
  open.push(at)
  return { seen, at, line: await new Line(transport, target(at.address)).said('connected') }
}
const BODY: WireBody = { bytes: Buffer.from('body'), length: 4 }

describe('a request that HTTP cannot carry', () => {
  test.each<[string, Partial<WireRequest>, string]>([
    ['a header value with \\x01', { headers: ['x', 'a\x01'] }, 'invalid x header'],
    ['a header value with a line end', { headers: ['x', 'a\r\ny: b'] }, 'invalid x header'],
    ['a header value with NUL', { headers: ['x', 'a\0'] }, 'invalid x header'],
    ['a header value that is no bytes', { headers: ['x', '\u2013'] }, 'invalid x header'],
    ['a header name with a blank', { headers: ['a b', '1'] }, 'invalid header name "a b"'],
    ['a header name beyond ASCII', { headers: ['é', '1'] }, 'invalid header name "é"'],
    ['an empty header name', { headers: ['', '1'] }, 'invalid header name ""'],
    ['a pseudo-header', { headers: [':path', '/'] }, 'invalid header name ":path"'],
    ['a Trailer line with a line end', { headers: ['trailer', 'a\n'] }, 'invalid trailer header'],
    ['a path with a blank', { path: '/a b' }, 'invalid path "/a b"'],
    ['a path with a line end', { path: '/ HTTP/1.1\r\nx: y' }, 'invalid path "/ HTTP/1.1\\r\\nx: y"'],
    ['a path that is no bytes', { path: '/中' }, 'invalid path "/中"'],
    ['a method with a blank', { method: 'GE T' }, 'invalid method "GE T"'],
    ['a host with a line end', { authority: 'a\r\nb: c' }, 'invalid host "a\\r\\nb: c"'],
    ['a host with a blank', { authority: 'a b' }, 'invalid host "a b"'],
  ])('%s: reset by us, nothing is written, and the connection serves on', async (_, bad, message) => {
    for (const warm of [false, true]) {
      const { line, at, seen } = await recorded()
      if (warm) {
        const free = line.heard('available')
        await line.ask().over
        await free
        seen.text = ''
      }
      const free = line.heard('available')
      const asked = await line.ask(wire({ method: 'POST', body: BODY, ...bad })).over
      expect([asked.log, asked.error!.message]).toEqual([['reset local_reset'], message])
      expect(asked.error).toBeInstanceOf(InvalidRequestError)
      await free
      expect(seen.text).toBe('')
      expect((await line.ask().over).log).toEqual(['response 200', 'complete', 'end'])
      expect(at.made).toBe(1)
    }
  })

  test('a stream that it would have sent is not read', async () => {
    const { line } = await recorded()
    let read = false
    const chunks = (async function* () {
      read = true
      yield Buffer.from('body')
    })()
    await line.ask(wire({ method: 'POST', headers: ['x', '\0'], body: streamed(chunks) })).over
    expect(read).toBe(false)
  })
})

describe('headers of the connection', () => {
  test.each([
    ['content-length', '9'],
    ['Content-Length', '0'],
    ['transfer-encoding', 'chunked'],
    ['Transfer-Encoding', 'gzip'],
    ['connection', 'close'],
    ['Connection', 'x-foo'],
    ['keep-alive', 'timeout=5'],
    ['proxy-connection', 'keep-alive'],
    ['upgrade', 'h2c'],
    ['host', 'evil.test'],
    ['Host', 'evil.test'],
  ])('%s: %s is left out, whatever wrote it', async (name, value) => {
    for (const body of [undefined, BODY]) {
      const { line, seen } = await recorded()
      await line.ask(wire({ method: 'POST', headers: ['x-a', '1', name, value, 'x-b', '2', name.toUpperCase(), value], body })).over
      const length = body === undefined ? '0\r\n\r\n' : '4\r\n\r\nbody'
      const head = 'POST / HTTP/1.1\r\nhost: x.test\r\nconnection: keep-alive\r\nx-a: 1\r\nx-b: 2\r\n'
      expect(seen.text).toBe(`${head}content-length: ${length}`)
    }
  })
  test('names of the same length stay', async () => {
    const { line, seen } = await recorded()
    const headers = ['hose', 'upgrades', 'connective', 'user-agent', 'content-lengty', 'te'].flatMap(name => [name, '1'])
    await line.ask(wire({ headers })).over
    expect(seen.text.split('\r\n').slice(3, -2)).toEqual([
      'hose: 1',
      'upgrades: 1',
      'connective: 1',
      'user-agent: 1',
      'content-lengty: 1',
      'te: 1',
    ])
  })
})

test.each([
  ['a body', 'POST', BODY, 'content-length: 4\r\ntrailer: x\r\nTrailer: y\r\n\r\nbody'],
  ['none', 'GET', undefined, 'trailer: x\r\nTrailer: y\r\n\r\n'],
])('Trailer lines go out as with fetch, with %s', async (_, method, body, end) => {
  const { line, seen } = await recorded()
  for (let i = 0; i < 2; i++) {
    seen.text = ''
    const free = line.heard('available')
    const asked = await line.ask(wire({ method, headers: ['trailer', 'x', 'x-a', '1', 'Trailer', 'y'], body })).over
    await free
    expect([asked.log[0], seen.text]).toEqual(['response 200', expect.stringContaining('x-a: 1\r\n')])
    expect(seen.text.endsWith(end)).toBe(true)
  }
})

test('bytes beyond ASCII go out as they are', async () => {
  const { line, seen } = await recorded()
  await line.ask(wire({ path: '/\xe4\xb8\xad', headers: ['x-team', 'Z\xc3\xbcrich \xe2\x80\x93 Ops'] })).over
  expect(seen.text).toContain('GET /\xe4\xb8\xad HTTP/1.1\r\n')
  expect(seen.text).toContain('x-team: Z\xc3\xbcrich \xe2\x80\x93 Ops\r\n')
})

describe('beside an instrumentation of node:http that was there first', () => {
  test('headers arrive: it spreads them into an object', async () => {
    const { request, get } = http
    const spread = ((options: any, ...rest: any[]) =>
      request({ ...options, headers: { ...options.headers, traceparent: '00' } }, ...rest)) as typeof http.request
    http.request = spread
    http.get = spread as typeof http.get
    try {
      vi.resetModules()
      const { createTransport: instrumented } = await import('../../../src/traffic/transport/node.ts')
      const { line, seen } = await recorded(instrumented())
      const asked = await line.ask(wire({ headers: ['authorization', 'Bearer t', 'x-user', 'jason'] })).over
      const head = 'GET / HTTP/1.1\r\nhost: x.test\r\nconnection: keep-alive\r\nauthorization: Bearer t\r\nx-user: jason\r\n\r\n'
      expect([asked.log, seen.text]).toEqual([['response 200', 'complete', 'end'], head])
    } finally {
      Object.assign(http, { request, get })
    }
  })

  test('observers of node:http see the host that is asked', async () => {
    const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
    const hosts: string[] = []
    const listener = (message: any) => hosts.push(message.request.host)
    subscribe('http.client.request.start', listener)
    try {
      const { line } = await recorded()
      await line.ask(wire({ authority: 'a.test:8080' })).over
    } finally {
      unsubscribe('http.client.request.start', listener)
    }
    expect(hosts).toEqual(['a.test'])
  })
})
