/**
 * Requests to send: whatever callers ask for and rules make of it, each call settles, what goes on the wire is exactly one request each,
 * and nothing is held afterwards. A few hundred here; 10⁵ by `npm run test:fuzz`.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { gauges, type LoopbackPeer, loopbackPeer, nothingUncaught, until, untilNothingRuns } from './calls.ts'
import { Http1Reader, type ReadRequest, valuesOf } from './http1-reader.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300)
const seed = Number(process.env['FUZZ_SEED'] ?? 20261201)
/** Requests under one set of rules. */
const PER_MESH = 12

const FRAMING = [
  'content-length',
  'transfer-encoding',
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'te',
  'trailer',
  'expect',
]
const odd = fc.constantFrom(
  '\0',
  '\r\nx: y',
  '\n',
  '\x01',
  '\x7f',
  ' ',
  '\t',
  'é',
  '中',
  '😀',
  '\ud800',
  '%',
  ':',
  '"',
  '\\',
  '#',
  '?',
  '/../',
)
const plain = fc.constantFrom(
  '',
  'a',
  'value',
  '1',
  'close',
  'chunked',
  'gzip, chunked',
  'keep-alive',
  'trailers',
  '100-continue',
  'x-a',
  '\xfc',
)
/** `good`: how many of these for each that is perhaps nothing that can be sent. */
const text = (good: number) =>
  fc.oneof(
    { weight: 2 * good, arbitrary: plain },
    { weight: 1, arbitrary: fc.array(fc.oneof(plain, odd), { maxLength: 4 }).map(parts => parts.join('')) },
    { weight: 1, arbitrary: fc.string({ maxLength: 8, unit: 'binary' }) },
  )
const headerName = (good: number) =>
  fc.oneof(
    {
      weight: 2 * good,
      arbitrary: fc.constantFrom('x-a', 'X-B', 'x-c', 'accept', 'cookie', 'authorization', 'x-envoy-retry-on', 'x-forwarded-for'),
    },
    { weight: 1, arbitrary: fc.constantFrom(...FRAMING) },
    { weight: 1, arbitrary: text(2) },
  )

// ── rules ────────────────────────────────────────────────────────────────────────────────────────────────

const FORMATS = ['%REQ(x-a)%', '%REQ(:PATH)%', '%PROTOCOL%', '%ROUTE_NAME%', 'Zürich – %UPSTREAM_HOST%', '%%']
const formatted = fc.oneof(text(20), fc.constantFrom(...FORMATS))
const values = fc.dictionary(headerName(20), formatted, { maxKeys: 3 })
const operations = fc.record({ set: values, add: values, remove: fc.array(headerName(20), { maxLength: 2 }) }, { requiredKeys: [] })
const headers = fc.record({ request: operations, response: operations }, { requiredKeys: [] })
const path = (good: number) =>
  fc.oneof(
    { weight: good, arbitrary: fc.constantFrom('/', '/a', '/b?c=d', '/中', '/\xfc') },
    { weight: 1, arbitrary: text(2).map(t => `/${t}`) },
  )
const authority = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('other.test', 's.test:80', 'é.test') },
  { weight: 1, arbitrary: text(1) },
)
const substitution = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('/x', '\\0', '/a b', '/é', '') },
  { weight: 1, arbitrary: fc.oneof(fc.constantFrom('\\1', '\\2'), text(2)) },
)
const rewrite = fc.oneof(
  fc.record({ uri: path(8), authority }, { requiredKeys: [] }),
  fc.record({
    uriRegexRewrite: fc.record({ match: fc.constantFrom('^/', 'a', '.*', '(a)(b)?'), rewrite: substitution }),
  }),
)
const http = fc.record(
  {
    name: text(10),
    headers,
    rewrite,
    retries: fc.constantFrom({ attempts: 0 }, { attempts: 1, retryOn: '5xx,reset', backoff: '1ms' }),
    mirror: fc.constant({ host: 'm.test' }),
    corsPolicy: fc.record({
      allowOrigins: fc.constant([{ exact: 'http://o.test' }]),
      exposeHeaders: fc.array(headerName(10), { maxLength: 1 }),
    }),
    route: fc.constantFrom(
      [{ destination: { host: 's.test' } }],
      [
        { destination: { host: 's.test' }, weight: 50 },
        { destination: { host: 'm.test' }, weight: 50 },
      ],
    ),
    redirect: fc.record(
      { uri: path(8), authority: fc.constantFrom('s.test', 'm.test:80'), redirectCode: fc.constantFrom(301, 303, 307) },
      { requiredKeys: ['uri'] },
    ),
  },
  { requiredKeys: ['route'] },
)
type Http = Record<string, unknown> & { route?: unknown }
/** Mostly to an upstream: a redirect is no request to send. */
const rule: fc.Arbitrary<Http> = fc.tuple(http, headers, fc.constantFrom(...Array(10).keys())).map(([made, own, kind]) => {
  const { redirect, rewrite: changed, mirror, retries, ...rest } = made as any
  if (kind === 0 && redirect !== undefined) return { name: rest.name, headers: rest.headers, redirect }
  const route = (rest.route as object[]).map((to, i) => (i === 0 ? { ...to, headers: own } : to))
  return { ...rest, rewrite: changed, mirror, retries: retries ?? { attempts: 0 }, route }
})

const entry = (host: string, port: number) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: host },
  spec: {
    hosts: [host],
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    resolution: 'STATIC',
    endpoints: [{ address: '127.0.0.1', ports: { http: port } }],
  },
})
const defined = (value: any): any =>
  Array.isArray(value)
    ? value.map(defined)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (v === undefined ? [] : [[k, defined(v)]])))
      : value

// ── requests ─────────────────────────────────────────────────────────────────────────────────────────────

const method = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS') },
  { weight: 1, arbitrary: fc.oneof(fc.constantFrom('post', 'PURGE', 'X!#$', 'CONNECT', 'TRACE', 'G T', ''), text(2)) },
)
type Body = 'none' | 'text' | 'stream' | 'broken stream' | 'iterator that throws'
const request = fc.record({
  method,
  path: fc.oneof(
    path(4),
    fc.webPath().map(made => `/${made}`),
  ),
  headers: fc.array(fc.tuple(headerName(12), text(12)), { maxLength: 4 }),
  body: fc.constantFrom<Body>('none', 'none', 'text', 'text', 'stream', 'broken stream', 'iterator that throws'),
  size: fc.constantFrom(0, 1, 10, 3000, 40_000),
  abort: fc.constantFrom('never', 'never', 'never', 'never', 'at once', 'soon'),
  read: fc.constantFrom('text', 'text', 'cancel', 'not'),
})
type Asked = typeof request extends fc.Arbitrary<infer T> ? T : never

function bodyOf({ body, size }: Asked, id: string): unknown {
  const whole = id + 'b'.repeat(size)
  if (body === 'none') return undefined
  if (body === 'text') return whole
  if (body === 'iterator that throws')
    return { [Symbol.asyncIterator]: () => ({ next: () => { throw new Error('own') }, return: () => { throw new Error('own') } }) } // biome-ignore format: short
  return (async function* () {
    yield Buffer.from(whole.slice(0, 20))
    await Promise.resolve()
    if (body === 'broken stream') throw new Error('disk')
    yield Buffer.from(whole.slice(20))
  })()
}

// ── the test ─────────────────────────────────────────────────────────────────────────────────────────────

let server: LoopbackPeer
const seen: ReadRequest[] = []
let wrong: unknown

beforeAll(async () => {
  server = await loopbackPeer(socket => {
    const reader = new Http1Reader()
    socket.on('data', chunk => {
      try {
        for (const read of reader.read(chunk.toString('latin1'))) {
          seen.push(read)
          const length = read.method === 'HEAD' ? 0 : 2
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${length === 0 ? '' : 'ok'}`)
        }
      } catch (error) {
        wrong ??= error
        socket.destroy()
      }
    })
    socket.on('end', () => socket.end())
  })
})
afterAll(() => server.close())

let ids = 0

/** One call; what it may come to. */
async function call(mesh: ReturnType<typeof createMesh>, asked: Asked, id: string): Promise<void> {
  const controller = new AbortController()
  if (asked.abort === 'soon') setImmediate(() => controller.abort(new Error('enough')))
  if (asked.abort === 'at once') queueMicrotask(() => controller.abort(new Error('enough')))
  let response: Response
  try {
    const init = { method: asked.method, headers: asked.headers, body: bodyOf(asked, id), duplex: 'half', signal: controller.signal }
    response = await mesh.fetch(`http://s.test${asked.path}`, init as any)
  } catch (error) {
    if (!(error instanceof TypeError) && (error as Error).message !== 'enough') throw error
    return
  }
  // Rules of the response, whatever they are, leave one that can be looked at.
  expect([...response.headers].length).toBeGreaterThanOrEqual(0)
  expect(outcomeOf(response)).toBeDefined()
  if (asked.read === 'text') await response.text().catch(error => expect((error as Error).message).toMatch(/enough|terminated/))
  if (asked.read === 'cancel') await response.body?.cancel().catch(() => {})
}

/** Every request on the wire has its whole body: the one of the call that its body names. */
function checkBodies(sent: ReadonlyMap<string, Asked>): void {
  for (const { body } of seen.splice(0)) {
    if (body === '') continue
    const id = body.slice(0, 12)
    const asked = sent.get(id)
    expect({ id, length: body.length }).toEqual({ id, length: asked === undefined ? -1 : 12 + asked.size })
  }
}

async function run(http: Http, requests: readonly Asked[]): Promise<'refused' | 'sent'> {
  const route = { kind: 'VirtualService', metadata: { name: 's' }, spec: { hosts: ['s.test'], http: [defined(http)] } }
  const rules = [entry('s.test', server.port), entry('m.test', server.port), { apiVersion: 'networking.istio.io/v1', ...route }]
  let mesh: ReturnType<typeof createMesh>
  try {
    mesh = createMesh({
      rules: rules as any,
      discovery: { resolver: { resolve: () => Promise.reject(new Error('no name is looked up')) } },
    })
  } catch (error) {
    expect((error as Error).name).toBe('RuleError')
    return 'refused'
  }
  const sent = new Map(requests.map(asked => [`id${String(ids++).padStart(9, '0')} `, asked]))
  await nothingUncaught(async () => {
    let open = sent.size
    const calls = [...sent].map(([id, asked]) => call(mesh, asked, id).finally(() => open--))
    const all = Promise.all(calls)
    all.catch(() => {})
    await until(() => open === 0, () => `${open} of ${sent.size} calls: ${JSON.stringify([...sent.values()])}`) // biome-ignore format: short
    await all
    await untilNothingRuns(mesh)
    await mesh.close()
    await until(() => gauges(mesh).connections === 0, () => 'the end of every connection') // biome-ignore format: short
  })
  if (wrong !== undefined) throw wrong
  checkBodies(sent)
  return 'sent'
}

describe('whatever is to be sent', () => {
  it('each call settles, what is sent is one request each, and nothing is held', async () => {
    const counts = { refused: 0, sent: 0 }
    await fc.assert(
      fc.asyncProperty(rule, fc.array(request, { minLength: PER_MESH, maxLength: PER_MESH }), async (http, requests) => {
        counts[await run(http, requests)]++
      }),
      { numRuns: Math.ceil(RUNS / PER_MESH), seed, endOnFailure: true },
    )
    expect(counts.sent).toBeGreaterThan(counts.refused / 2)
  }, 3_600_000)

  it('the reader of this test is strict', () => {
    const head = 'POST / HTTP/1.1\r\nhost: a\r\nconnection: keep-alive\r\n'
    const reads = (text: string) => [...new Http1Reader().read(text)]
    expect(reads(`${head}content-length: 2\r\n\r\nokGET`)).toMatchObject([{ method: 'POST', target: '/', body: 'ok' }])
    expect(reads(`${head}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`)[0]!.body).toBe('ok')
    expect(valuesOf(reads(`${head}x-a: 1\r\nX-A: 2\r\n\r\n`)[0]!.headers, 'x-a')).toEqual(['1', '2'])
    for (const bad of [
      `${head}content-length: 2\r\ncontent-length: 2\r\n\r\nok`,
      `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok`,
      `${head}connection: close\r\n\r\n`,
      `${head}upgrade: h2c\r\n\r\n`,
      `${head}a b: c\r\n\r\n`,
      `${head}x: \x01\r\n\r\n`,
      'GET /a b HTTP/1.1\r\nhost: a\r\nconnection: keep-alive\r\n\r\n',
    ])
      expect(() => reads(bad)).toThrow()
  })
})
