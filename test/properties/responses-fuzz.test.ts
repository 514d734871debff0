/**
 * Responses received: whatever bytes a peer sends, in whatever pieces, and however it leaves, each call settles, its body as well, and
 * nothing is held afterwards. A few hundred here; 10⁵ by `npm run test:fuzz`.
 */
import type net from 'node:net'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMesh, type Mesh, outcomeOf } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/index.ts'
import { gauges, type LoopbackPeer, loopbackPeer, nothingUncaught, turn, until, untilNothingRuns } from './calls.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300)
const seed = Number(process.env['FUZZ_SEED'] ?? 20261201)
/** Responses to the calls of one mesh, which run beside each other. */
const PER_MESH = 20

// ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────

const gzip = zlib.gzipSync('hello hello hello').toString('latin1')
const status = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('200 OK', '204 No Content', '205 Reset', '302 Found', '304 Not Modified', '404 No', '503 No') },
  { weight: 1, arbitrary: fc.constantFrom('100 Continue', '101 Switching Protocols', '103 Hints', '600 Odd', '999', '099 x', '2xx', '') },
)
const GOOD_LINES = [
  'content-type: text/plain',
  'content-encoding: gzip',
  'location: /next',
  'set-cookie: a=1',
  'keep-alive: timeout=1',
  'connection: close',
  'connection: keep-alive',
  'trailer: x',
  'retry-after: 1',
  'x-envoy-overloaded: true',
  'x: \xe4\xb8\xad',
]
const BAD_LINES = [
  'content-encoding: br, gzip',
  'location: http://other.test/',
  'location: \xff',
  'keep-alive: timeout=99999999999',
  'transfer-encoding: chunked',
  'transfer-encoding: gzip',
  'content-length: 3',
  'content-length: 99999999999999999999',
  'content-length: -1',
  'content-length: 3, 3',
  'upgrade: h2c',
  'x : y',
  ' folded',
  'no colon',
  ': empty',
  'x: \0',
]
const headerLine = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...GOOD_LINES) },
  { weight: 2, arbitrary: fc.constantFrom(...BAD_LINES) },
  { weight: 1, arbitrary: fc.string({ maxLength: 20, unit: 'binary-ascii' }) },
)
const version = fc.oneof({ weight: 8, arbitrary: fc.constant('1.1') }, { weight: 1, arbitrary: fc.constantFrom('1.0', '1.9', '2') })
const body = fc.oneof(
  fc.constantFrom('', 'ok', 'hello', gzip, gzip.slice(0, 20), '{"a":1}'),
  fc.nat(70_000).map(n => 'b'.repeat(n)),
)

/** Once in so many times: `fc.nat` prefers small numbers. */
const once = (times: number) => fc.constantFrom(...Array.from({ length: times }, (_, i) => i === 0))

/** A response that is one, mostly; mutated afterwards or not. */
const message = fc
  .record({ version, status, lines: fc.array(headerLine, { maxLength: 3 }), body, framing: fc.constantFrom('length', 'length', 'chunked', 'none', 'wrong length') }) // biome-ignore format: one line
  .map(({ version, status, lines, body, framing }) => {
    const length = framing === 'wrong length' ? body.length + 7 : body.length
    const own = framing === 'none' ? [] : [framing === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${length}`]
    const text = framing === 'chunked' ? `${body.length.toString(16)}\r\n${body}\r\n${body === '' ? '' : '0\r\n\r\n'}` : body
    return `HTTP/${version} ${status}\r\n${[...own, ...lines].map(line => `${line}\r\n`).join('')}\r\n${text}`
  })
const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  ':',
  '\r\n\r\n',
  '0\r\n\r\n',
  'zz\r\n',
  'ffffffffffffffff\r\n',
  'HTTP/1.1 200 OK\r\n\r\n',
  '\xff\xfe',
  '{',
]
const change = fc.tuple(fc.nat(), fc.nat(8), fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 4, unit: 'binary-ascii' })))
const mutated = (texts: fc.Arbitrary<string[]>) =>
  fc.tuple(texts, fc.array(change, { maxLength: 3 }), once(4)).map(([parts, changes, mutate]) => {
    let text = parts.join('')
    if (mutate)
      for (const [where, length, by] of changes) {
        const at = where % (text.length + 1)
        text = text.slice(0, at) + by + text.slice(at + length)
      }
    return text
  })

/** A frame of HTTP/2, as latin1 text. */
function frame(type: number, flags: number, stream: number, payload: string): string {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return head.toString('latin1') + payload
}
const [DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 5, 6, 7, 8] as const
const [END_STREAM, END_HEADERS] = [1, 4] as const
const stream = fc.constantFrom(1, 1, 1, 3, 5, 0, 2)
/** `:status: 200`, 404, 103; indexed names with literal values; what no table has. */
const block = fc.constantFrom('\x88', '\x88', '\x88', '\x8d', '\x08\x03103', '\x88\x5c\x015', '\xff\xff\xff', '')
const anyFrame = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(stream, block, fc.constantFrom(END_HEADERS, END_HEADERS | END_STREAM)).map(([id, fields, flags]) => frame(HEADERS, flags, id, fields)) },
  { weight: 3, arbitrary: fc.tuple(stream, fc.constantFrom('', 'hello'), fc.constantFrom(0, END_STREAM)).map(([id, text, flags]) => frame(DATA, flags, id, text)) },
  { weight: 1, arbitrary: fc.tuple(stream, fc.constantFrom(0, 1, 7, 8, 10)).map(([id, code]) => frame(RST_STREAM, 0, id, `\0\0\0${String.fromCharCode(code)}`)) },
  { weight: 1, arbitrary: fc.constantFrom(frame(GOAWAY, 0, 0, '\0\0\0\0\0\0\0\0'), frame(GOAWAY, 0, 0, '\x7f\xff\xff\xff\0\0\0\0'), frame(GOAWAY, 0, 0, '\0\0\0\x01\0\0\0\x0b'), frame(PING, 0, 0, 'pingpong'), frame(WINDOW_UPDATE, 0, 0, '\0\0\0\0'), frame(SETTINGS, 0, 0, '\0\x03\0\0\0\0'), frame(PUSH_PROMISE, END_HEADERS, 1, '\0\0\0\x02\x82')) },
) // biome-ignore format: rows
const bytes = mutated(fc.array(message, { minLength: 1, maxLength: 2 }))
/** What a peer says first, and whatever follows. */
const frames = mutated(fc.array(anyFrame, { maxLength: 4 }).map(all => [frame(SETTINGS, 0, 0, ''), frame(SETTINGS, 1, 0, ''), ...all]))

const answer = fc.record({
  bytes,
  /** The same over HTTP/2. */
  frames,
  /** Where it is cut into writes, each a turn of the event loop after the other. */
  cuts: fc.array(fc.nat(), { maxLength: 3 }),
  /** How many of its bytes are sent. */
  share: fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, { weight: 2, arbitrary: fc.constantFrom(0.5, 0.9, 0) }),
  end: fc.constantFrom('stay', 'stay', 'stay', 'fin', 'fin', 'reset', 'half'),
  /** Whether it waits for the request. */
  early: once(16),
})
type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never

// ── calls ────────────────────────────────────────────────────────────────────────────────────────────────

const USES = ['text', 'text', 'json', 'bytes', 'blob', 'stream', 'one chunk', 'cancel', 'not', 'clone', 'headers'] as const
const call = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'POST of a stream'),
  use: fc.constantFrom(...USES),
  redirect: fc.constantFrom<RequestRedirect>('follow', 'follow', 'manual', 'error'),
  /** After how many turns of the event loop; 0: never. */
  abort: fc.constantFrom(...Array.from({ length: 100 }, (_, turns) => (turns > 12 ? 0 : turns))),
})
type Called = typeof call extends fc.Arbitrary<infer T> ? T : never

async function use(response: Response, how: Called['use']): Promise<void> {
  if (outcomeOf(response)!.details === 'via_upstream') received++
  if (how === 'headers') for (const [name, value] of response.headers) expect([typeof name, typeof value]).toEqual(['string', 'string'])
  if (how === 'text' || how === 'json' || how === 'bytes' || how === 'blob') await (response as any)[how]()
  if (how === 'stream') for await (const chunk of response.body ?? []) expect(chunk.byteLength).toBeGreaterThan(0)
  if (how === 'one chunk') await response.body?.getReader().read()
  if (how === 'cancel') await response.body?.cancel()
  if (how === 'clone') await Promise.allSettled([response.clone().text(), response.text()])
}

async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await turn()
}

async function perform(mesh: Mesh, called: Called): Promise<void> {
  const { method, redirect, abort } = called
  const controller = new AbortController()
  if (abort > 0) void turns(abort).then(() => controller.abort(new Error('enough')))
  const init: RequestInit = { method: method.split(' ')[0]!, redirect, signal: controller.signal }
  if (method === 'POST') init.body = 'x'.repeat(100)
  if (method === 'POST of a stream')
    Object.assign(init, { duplex: 'half', body: new ReadableStream({ pull: c => (c.enqueue(Buffer.alloc(1000)), c.close()) }) })
  try {
    await use(await mesh.fetch('http://s.test/', init), called.use)
  } catch (error) {
    // As fetch: network errors are TypeErrors, an abort gives its reason, text that is no JSON a SyntaxError.
    if (error instanceof TypeError || error instanceof SyntaxError) return
    if (!/^(TimeLimitError|AbortError)$/.test((error as Error).name)) expect((error as Error).message).toBe('enough')
  }
}

// ── the test ─────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Nothing more will come by itself after so many turns of the event loop, and so many ms, without an event: a connection that is used a
 * second time is looked at for a few ms, and a busy machine may take as long for one turn.
 */
const QUIET = { turns: 100, ms: 5 }

let server: LoopbackPeer
let answers: Answer[] = []
let speaksHttp2 = false
let served = 0
/** Counts what happens, so that it shows when nothing does any more. */
let events = 0
/** Responses that came through. */
let received = 0

async function send(socket: net.Socket, { bytes, frames, cuts, share, end }: Answer): Promise<void> {
  const text = speaksHttp2 ? frames : bytes
  const whole = Buffer.from(text, 'latin1').subarray(0, Math.ceil(text.length * share))
  const places = [...cuts.map(cut => cut % (whole.length + 1)), whole.length].sort((a, b) => a - b)
  let from = 0
  for (const to of places) {
    if (to > from) socket.write(whole.subarray(from, to))
    events++
    from = to
    await turn()
  }
  if (end === 'fin') socket.end()
  if (end === 'reset') socket.resetAndDestroy()
  if (end === 'half') socket.end(() => socket.resume())
}

function serve(socket: net.Socket): void {
  const next = () => answers[served++ % answers.length]!
  let first: Answer | undefined = next()
  if (first.early) {
    void send(socket, first)
    first = undefined
  }
  socket.on('data', () => {
    events++
    const one = first ?? next()
    first = undefined
    void send(socket, one)
  })
  socket.on('end', () => socket.end())
}

beforeAll(async () => {
  server = await loopbackPeer(serve)
})
afterAll(() => server.close())

const POLICIES = [
  { retries: { attempts: 0 } },
  { retries: { attempts: 2, retryOn: '5xx,reset,connect-failure,retriable-4xx' } },
  { retries: { attempts: 1, retryOn: '5xx', perTryTimeout: '2s' } },
]
const settings = fc.record({
  policy: fc.constantFrom(...POLICIES),
  mirror: once(5),
  http2: once(6),
})
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never

function meshWith({ policy, mirror, http2 }: Settings, clock: VirtualClock): Mesh {
  const common = { apiVersion: 'networking.istio.io/v1', metadata: { name: 's' } }
  const endpoints = [{ address: '127.0.0.1', ports: { http: server.port } }]
  const ports = [{ number: 80, name: 'http', protocol: http2 ? 'HTTP2' : 'HTTP' }]
  const to = { destination: { host: 's.test' } }
  const http = { ...policy, timeout: '5s', route: [to], ...(mirror ? { mirror: to.destination } : {}) }
  const rules = [
    { ...common, kind: 'ServiceEntry', spec: { hosts: ['s.test'], ports, resolution: 'STATIC', endpoints } },
    { ...common, kind: 'VirtualService', spec: { hosts: ['s.test'], http: [http] } },
  ]
  // What a redirect leads to besides is answered here.
  return createMesh({ rules: rules as any, clock, meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } } })
}

async function quiet(over: () => boolean): Promise<void> {
  for (let turns = 0, since = performance.now(); !over() && (turns < QUIET.turns || performance.now() - since < QUIET.ms); turns++) {
    const before = events
    await turn()
    if (events === before) continue
    turns = 0
    since = performance.now()
  }
}

async function run(settings: Settings, given: readonly Answer[], calls: readonly Called[]): Promise<void> {
  answers = [...given]
  speaksHttp2 = settings.http2
  served = 0
  const clock = virtualClock()
  const mesh = meshWith(settings, clock)
  await nothingUncaught(async () => {
    let open = calls.length
    const settled = () => {
      open--
      events++
    }
    const performed = calls.map(called => perform(mesh, called).finally(settled))
    const all = Promise.all(performed)
    all.catch(() => {})
    for (let retries = 0; open > 0 && retries < 3; retries++) {
      await quiet(() => open === 0)
      clock.advance(250) // what waits to be tried again
    }
    await quiet(() => open === 0)
    // Whatever hangs now has no more to come: the route's time, then that of bodies that nobody reads.
    await until(() => (clock.advance(5000), open === 0), () => `${open} of ${calls.length} calls`) // biome-ignore format: short
    await all
    await until(() => (clock.advance(31_000), Object.values(gauges(mesh)).slice(0, 3).every(n => n === 0)), () => JSON.stringify(gauges(mesh))) // biome-ignore format: short
    await untilNothingRuns(mesh)
    await mesh.close()
    await until(() => gauges(mesh).connections === 0, () => 'the end of every connection') // biome-ignore format: short
  })
}

describe('whatever is received', () => {
  it('each call settles, and nothing is held', async () => {
    const many = { minLength: PER_MESH, maxLength: PER_MESH }
    await fc.assert(fc.asyncProperty(settings, fc.array(answer, many), fc.array(call, many), run), {
      numRuns: Math.ceil(RUNS / PER_MESH),
      seed,
      endOnFailure: true,
    })
    expect(received).toBeGreaterThan(RUNS / 4)
  }, 3_600_000)
})
