/** Bodies that never end and stay short: whoever does not read one gives its connection and its permits back in time. */
import http2 from 'node:http2'
import type net from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createMesh, type Mesh, outcomeOf } from '../../../src/index.ts'
import { virtualClock } from '../../../src/testing/index.ts'
import { peer } from '../transport/peers.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

/** `begun` bytes of a body that goes on for ever. */
const endless = (status: string, more = '') => `HTTP/1.1 ${status}\r\ntransfer-encoding: chunked\r\n${more}\r\n5\r\nbegun\r\n`
const unfinished = (status: string, more = '') => `HTTP/1.1 ${status}\r\ncontent-length: 100\r\n${more}\r\nbegun`
const fine = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine'
type Respond = (path: string, nth: number) => string

/** A peer that answers the nth request, whatever its connection, with these bytes. */
async function upstream(respond: Respond) {
  let nth = 0
  const at = await peer((socket: net.Socket) =>
    socket.on('data', chunk => socket.write(respond(/^\S+ (\S+)/.exec(chunk.toString())![1]!, ++nth))),
  )
  open.push(at)
  return { at, requests: () => nth }
}

const entry = (name: string, endpoints: readonly string[], protocol = 'HTTP') => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name },
  spec: {
    hosts: [`${name}.test`],
    ports: [{ number: 80, name: 'http', protocol }],
    resolution: 'STATIC',
    endpoints: endpoints.map(at => ({ address: at.split(':')[0], ports: { http: Number(at.split(':')[1]) } })),
  },
})
const ROUTE = [{ destination: { host: 's.test' } }]

/** A mesh on a virtual clock over real sockets. `http`: of the route to s.test; `blocks`: of a ResiliencePolicy for it. */
function meshOf(entries: object[], http: object = {}, blocks?: object) {
  const clock = virtualClock()
  const route = { kind: 'VirtualService', metadata: { name: 's' }, spec: { hosts: ['s.test'], http: [{ route: ROUTE, ...http }] } }
  const policy = { apiVersion: 'meshless.dev/v1', kind: 'ResiliencePolicy', metadata: { name: 's' } }
  const rules = [...entries, { apiVersion: 'networking.istio.io/v1', ...route }]
  if (blocks !== undefined) rules.push({ ...policy, spec: { targets: [{ host: 's.test' }], ...blocks } } as any)
  const mesh = createMesh({ rules: rules as any, clock, random: () => 0.5 })
  open.push(mesh)
  return { mesh, clock }
}
const held = (mesh: Mesh) =>
  Object.values(mesh.snapshot().clusters).reduce((sum, { stats, endpoints }) => {
    const { upstream_rq_active, upstream_rq_pending_active, upstream_cx_active } = stats as Record<string, number>
    return sum + upstream_rq_active! + upstream_rq_pending_active! + upstream_cx_active! + endpoints.reduce((n, e) => n + e.active, 0)
  }, 0)
/** Nothing is held once the time for abandoned bodies has passed; something was before. */
async function freedAfter30s({ mesh, clock }: ReturnType<typeof meshOf>) {
  await expect.poll(() => held(mesh)).toBeGreaterThan(0)
  await clock.advanceAsync(29_999)
  expect(held(mesh)).toBeGreaterThan(0)
  await clock.advanceAsync(1)
  await expect.poll(() => held(mesh)).toBe(0)
}

describe.each([
  ['chunked', endless],
  ['shorter than it claims', unfinished],
])('a body that is %s', (_, body) => {
  test('of a response that is kept unread', async () => {
    const { at } = await upstream(() => body('200 OK'))
    const own = meshOf([entry('s', [at.address])], { retries: { attempts: 0 } })
    const response = await own.mesh.fetch('http://s.test/')
    await freedAfter30s(own)
    await expect(response.text()).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_BODY_ABANDONED' })
  })

  test('of a response whose body was looked at and not read', async () => {
    const { at } = await upstream(() => body('200 OK'))
    const own = meshOf([entry('s', [at.address])])
    const response = await own.mesh.fetch('http://s.test/')
    expect(response.body!.locked).toBe(false)
    await freedAfter30s(own)
  })

  test('of a response that is read in time stays', async () => {
    const { at } = await upstream(() => body('200 OK'))
    const own = meshOf([entry('s', [at.address])])
    const reader = (await own.mesh.fetch('http://s.test/')).body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('begun')
    await own.clock.advanceAsync(60_000)
    expect(held(own.mesh)).toBeGreaterThan(0)
    await reader.cancel()
    await expect.poll(() => held(own.mesh)).toBe(0)
  })

  test('of a redirect that is followed', async () => {
    const { at } = await upstream(path => (path === '/' ? body('302 Found', 'location: /next\r\n') : fine))
    const own = meshOf([entry('s', [at.address])])
    expect(await (await own.mesh.fetch('http://s.test/')).text()).toBe('fine')
    expect(at.made).toBe(2)
    await own.clock.advanceAsync(30_000)
    const stats = () => own.mesh.snapshot().clusters['outbound|80||s.test']!.stats
    await expect.poll(() => [stats()['upstream_rq_active'], stats()['upstream_cx_active']]).toEqual([0, 1])
  })

  test('of a redirect that is an error', async () => {
    const { at } = await upstream(() => body('302 Found', 'location: /next\r\n'))
    const own = meshOf([entry('s', [at.address])])
    await expect(own.mesh.fetch('http://s.test/', { redirect: 'error' })).rejects.toThrow('fetch failed')
    await freedAfter30s(own)
  })

  test('of a status that has none', async () => {
    const { at } = await upstream(() => body('205 Reset Content'))
    const own = meshOf([entry('s', [at.address])])
    expect((await own.mesh.fetch('http://s.test/')).body).toBe(null)
    await freedAfter30s(own)
  })

  test('of a 503 that is retried is given up at once', async () => {
    const { at } = await upstream((_path, nth) => (nth < 3 ? body('503 No') : fine))
    const own = meshOf([entry('s', [at.address])], { retries: { attempts: 2, retryOn: '5xx' } })
    const asked = own.mesh.fetch('http://s.test/')
    for (let i = 0; i < 2; i++) {
      await expect.poll(() => at.made).toBe(i + 1)
      await new Promise(resolve => setTimeout(resolve, 20))
      await own.clock.advanceAsync(1000)
    }
    expect(await (await asked).text()).toBe('fine')
    await expect.poll(() => own.mesh.snapshot().clusters['outbound|80||s.test']!.stats['upstream_cx_active']).toBe(1)
  })

  test('of a mirror', async () => {
    const [main, copy] = [await upstream(() => fine), await upstream(() => body('200 OK'))]
    const own = meshOf([entry('s', [main.at.address]), entry('m', [copy.at.address])], { mirror: { host: 'm.test' } })
    await (await own.mesh.fetch('http://s.test/')).text()
    await expect.poll(copy.requests).toBe(1)
    await own.clock.advanceAsync(30_000)
    await expect.poll(() => own.mesh.snapshot().clusters['outbound|80||m.test']!.stats['upstream_cx_active']).toBe(0)
    expect(own.mesh.snapshot().clusters['outbound|80||m.test']!.stats['upstream_rq_active']).toBe(0)
  })

  test('of a failure for which a fallback answers', async () => {
    const { at } = await upstream(() => body('503 No'))
    const fallback = { directResponse: { status: 200, body: { string: 'instead' } } }
    const own = meshOf([entry('s', [at.address])], { retries: { attempts: 0 } }, { fallback })
    expect(await (await own.mesh.fetch('http://s.test/')).text()).toBe('instead')
    await expect.poll(() => held(own.mesh)).toBe(0)
  })

  test('of a request that lost to its hedge', async () => {
    const [slow, fast] = [await upstream(() => body('503 No')), await upstream(() => fine)]
    const own = meshOf([entry('s', [slow.at.address, fast.at.address])], { retries: { attempts: 0 } }, { hedge: { delay: '10ms' } })
    const texts = new Set<string>()
    for (let i = 0; i < 2; i++) {
      const asked = own.mesh.fetch('http://s.test/').then(response => response.text())
      await new Promise(resolve => setTimeout(resolve, 20))
      await own.clock.advanceAsync(10)
      texts.add(await Promise.race([asked, new Promise<string>(resolve => setTimeout(resolve, 200, 'open'))]))
    }
    await own.clock.advanceAsync(30_000)
    const { stats } = own.mesh.snapshot().clusters['outbound|80||s.test']!
    expect(texts).toContain('fine')
    expect(stats['upstream_rq_active']).toBeLessThanOrEqual(1)
  })
})

describe('a response that is to be kept in a cache', () => {
  const CACHE = { cache: { ttl: '60s', coalesce: true } }
  test('and does not end: those who wait for it ask by themselves in time', async () => {
    const { at, requests } = await upstream((_path, nth) => (nth === 1 ? endless('200 OK') : fine))
    const own = meshOf([entry('s', [at.address])], {}, CACHE)
    const first = await own.mesh.fetch('http://s.test/')
    const second = own.mesh.fetch('http://s.test/').then(response => response.text())
    expect(requests()).toBe(1)
    await own.clock.advanceAsync(30_000)
    expect(await second).toBe('fine')
    await expect(first.text()).rejects.toThrow('terminated')
    await expect.poll(() => own.mesh.snapshot().clusters['outbound|80||s.test']!.stats['upstream_rq_active']).toBe(0)
  })

  test('is refreshed behind the callers and does not end: given up in time', async () => {
    const { at, requests } = await upstream((_path, nth) => (nth === 1 ? fine : endless('200 OK')))
    const own = meshOf([entry('s', [at.address])], {}, { cache: { ttl: '1s', staleWhileRevalidate: '1h' } })
    expect(await (await own.mesh.fetch('http://s.test/')).text()).toBe('fine')
    await own.clock.advanceAsync(2000)
    expect(await (await own.mesh.fetch('http://s.test/')).text()).toBe('fine')
    await expect.poll(requests).toBe(2)
    await freedAfter30s(own)
  })
})

test('over HTTP/2: the stream is reset, the connection stays', async () => {
  const server = http2.createServer()
  let resets = 0
  server.on('stream', stream => {
    stream.on('error', () => {})
    stream.on('close', () => resets++)
    stream.respond({ ':status': 200 })
    stream.write('begun')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push({ close: () => server.close() })
  const own = meshOf([entry('s', [`127.0.0.1:${(server.address() as net.AddressInfo).port}`], 'HTTP2')])
  const response = await own.mesh.fetch('http://s.test/')
  expect(outcomeOf(response)!.details).toBe('via_upstream')
  await own.clock.advanceAsync(30_000)
  await expect.poll(() => resets).toBe(1)
  const { stats } = own.mesh.snapshot().clusters['outbound|80||s.test']!
  expect([stats['upstream_rq_active'], stats['upstream_cx_active']]).toEqual([0, 1])
  await own.mesh.close()
})
