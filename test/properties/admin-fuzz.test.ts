/**
 * Malformed requests to the admin API, half of them cut off somewhere: whatever arrives is
 * answered or closed, and the process lives on. A few hundred here; 10⁵ by `npm run test:fuzz`.
 */
import net from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMesh, type Mesh } from '../../src/index.ts'
import type { AdminServer } from '../../src/mesh/admin-options.ts'
import { all, destination, service, virtual } from '../mesh/documents.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 400)
const seed = Number(process.env['FUZZ_SEED'] ?? 20260824)
const AT_ONCE = 40
const TOKEN = 'a token for the fuzz'

const PATHS = [
  '/',
  '/rules',
  '/rules/VirtualService',
  '/rules/VirtualService/default/a',
  '/plan',
  '/explain',
  '/snapshot',
  '/config',
  '/diagnostics',
  '/history',
  '/rollback',
  '/events',
  '/control/breaker',
  '/control/eject',
  '/control/uneject',
  '/control/weight',
  '/audit',
]
const PIECES = [
  '//',
  '/',
  '%',
  '%00',
  '%ff',
  '%2e%2e',
  '..',
  '*',
  '[',
  ']',
  '\\',
  '?',
  '#',
  '@',
  ':',
  ';',
  '\t',
  '\u0000',
  'é',
  '😀',
  'http://',
  'http://[',
  'http://localhost:99999',
  '__proto__',
  'constructor',
  'x'.repeat(5000),
]
const BODIES = [
  '',
  '{',
  '[',
  '{}',
  'null',
  '"',
  '[]',
  '1',
  '---',
  '- '.repeat(2000),
  '['.repeat(2000),
  '{"a":'.repeat(2000),
  '? '.repeat(500),
  '*a',
  '&a [*a]',
  '%',
  '\u0000',
  '{"url":1}',
  '{"url":"http://a.test/","headers":{"a b":"\\n"}}',
  '{"url":"//"}',
  '{"url":"http://[/","method":"\\u0000"}',
  '{"version":-1}',
  '{"version":1e999}',
  '{"cluster":{},"action":[]}',
  '{"cluster":"__proto__","action":"open","for":"-1s"}',
  '{"virtualService":"a","weights":{"__proto__":1}}',
  '{"$delete":true}',
  'kind: List\nitems: 1',
  virtual('a'),
  service('b'),
]

const text = fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 8 }), fc.string({ maxLength: 8, unit: 'binary' }))
const target = fc.oneof(
  fc.constantFrom(...PATHS),
  fc.array(text, { maxLength: 4 }).map(parts => `/${parts.join('')}`),
  fc.tuple(fc.constantFrom(...PATHS), text).map(parts => parts.join('')),
  fc.tuple(fc.constantFrom(...PATHS), text).map(([path, query]) => `${path}?${query}`),
  text,
)
const method = fc.constantFrom(
  'GET',
  'GET',
  'POST',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'get',
  'PRI',
  '',
  'M-SEARCH',
)
const header = fc.oneof(
  fc.constantFrom(
    `authorization: Bearer ${TOKEN}`,
    'authorization: Bearer',
    'content-type: application/json',
    'content-type: text/plain',
    'content-type: \u0001',
    'origin: null',
    'origin: http://[',
    'host: [',
    'host: localhost:99999',
    'host: a, b',
    'transfer-encoding: chunked',
    'transfer-encoding: gzip, chunked',
    'content-length: 5',
    'content-length: -1',
    'content-length: 99999999999',
    'expect: 100-continue',
    'expect: x',
    'upgrade: websocket\r\nconnection: upgrade',
    'connection: close',
    'if-match: "',
    'if-match: "v99999999999999999999"',
    'if-none-match: *',
    `x: ${'y'.repeat(20_000)}`,
    'content-encoding: gzip',
    'sec-fetch-site: cross-site',
    ':authority: x',
    'a b: c',
    'no colon',
  ),
  fc.tuple(text, text).map(parts => parts.join(': ')),
)
/** The bytes of a request, mostly well-formed as HTTP; `cut` leaves the rest away. */
const request = fc
  .record({
    method,
    target,
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9', ''),
    host: fc.constantFrom('localhost', '127.0.0.1', '127.0.0.1', 'evil.example', undefined),
    headers: fc.array(header, { maxLength: 4 }),
    body: fc.oneof(fc.constantFrom(...BODIES), fc.string({ maxLength: 200, unit: 'binary' })),
    length: fc.constantFrom('right', 'right', 'none', 'wrong'),
    end: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r'),
    cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 3 }),
    /** What the client does once it has sent all. */
    then: fc.constantFrom('wait', 'wait', 'reset', 'half-close', 'close'),
  })
  .map(({ method, target, version, host, headers, body, length, end, cut, then }) => {
    const size = Buffer.byteLength(body)
    const lines = [
      `${method} ${target} ${version}`,
      ...(host === undefined ? [] : [`host: ${host}`]),
      ...(length === 'none' ? [] : [`content-length: ${length === 'right' ? size : size + 7}`]),
      ...headers,
    ]
    const bytes = Buffer.from(`${lines.join(end)}${end}${end}${body}`, 'utf8')
    return { bytes: cut === null ? bytes : bytes.subarray(0, Math.floor(cut * bytes.length)), then }
  })

interface Sent {
  bytes: Buffer
  then: string
}

/** Sends one request; resolves when it was answered, or when the client has given up on it. */
function send(port: number, { bytes, then }: Sent): Promise<void> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.on('data', () => socket.resetAndDestroy())
    socket.on('connect', () => {
      socket.write(bytes, () => {
        if (then === 'reset') socket.resetAndDestroy()
        else if (then === 'close') socket.destroy()
        else if (then === 'half-close') socket.end()
        // Half a request gets no answer before a timeout; nobody waits for that here.
        else setTimeout(() => socket.destroy(), 20)
      })
    })
  })
}

let mesh: Mesh
let admin: AdminServer
const faults: unknown[] = []
const caught = (error: unknown) => void faults.push(error)

beforeAll(async () => {
  process.on('uncaughtException', caught)
  process.on('unhandledRejection', caught)
  process.on('warning', caught)
  mesh = createMesh({ rules: all(service('a'), destination('a'), virtual('a')) })
  admin = await mesh.admin({ token: TOKEN })
})
afterAll(async () => {
  await mesh.close()
  process.off('uncaughtException', caught)
  process.off('unhandledRejection', caught)
  process.off('warning', caught)
})

describe('the admin server', () => {
  it('survives whatever is sent to it', async () => {
    for (let sent = 0; sent < RUNS; sent += AT_ONCE) {
      const some = fc.sample(request, { numRuns: Math.min(AT_ONCE, RUNS - sent), seed: seed + sent })
      await Promise.all(some.map(one => send(admin.port, one)))
      if (sent % 4000 === 0) expect((await fetch(`${admin.url}/history`)).status).toBe(200)
    }
    expect((await fetch(`${admin.url}/history`)).status).toBe(200)
    expect(faults).toEqual([])
  }, 3_600_000)

  it('keeps no client of events that has gone', async () => {
    const open = async (): Promise<number> => ((await (await fetch(admin.url)).json()) as any).events.open
    while ((await open()) > 0) await new Promise(resolve => setImmediate(resolve))
    expect(faults).toEqual([])
  })
})
