/** The cache block: what is kept and given again, who joins whom, and what is for one reader only. */
import { expect, test } from 'vitest'
import type { StreamListener, Transport, WireRequest } from '../../src/core/transport.ts'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { type FakeScript, fakeTransport, seededRandom, virtualClock } from '../../src/testing/index.ts'
import { all, policy, service, virtual } from './documents.ts'

const A = '10.0.0.1:80'

/** Its answers do not say how long they are. */
function unsized(transport: Transport): Transport {
  const told = (listener: StreamListener): StreamListener => ({
    response: response => listener.response({ ...response, body: Object.assign(response.body, { length: undefined }) }),
    reset: (reason, error) => listener.reset(reason, error),
    complete: () => listener.complete(),
  })
  return {
    connect(target, listener) {
      const connection = transport.connect(target, listener)
      const send = connection.send.bind(connection)
      return Object.assign(connection, { send: (request: WireRequest, stream: StreamListener) => send(request, told(stream)) })
    },
  }
}

function meshOf(blocks: string, script: FakeScript, http = 'retries: { attempts: 0 }', sized = true) {
  const clock = virtualClock()
  const transport = fakeTransport({ [A]: script }, { clock })
  const rules = all(service('s', 1), virtual('s', `[{ route: [{ destination: { host: s.test } }], ${http} }]`), policy('s', blocks))
  const mesh = createMesh({ rules, clock, transport: sized ? transport : unsized(transport), random: seededRandom(3) })
  const start = (init?: RequestInit) => {
    const asked = mesh
      .fetch('http://s.test/x', init)
      .then(async r => `${r.status} ${await r.text()} ${outcomeOf(r)!.details} ${r.headers.get('age')}`)
    asked.catch(() => {})
    return asked
  }
  const ask = async (init?: RequestInit, ms = 1) => {
    const asked = start(init)
    await clock.advanceAsync(ms)
    return asked
  }
  const active = () => mesh.snapshot().clusters['outbound|80||s.test']!.endpoints[0]!.active
  return { clock, transport, mesh, start, ask, active }
}

test('an answer is given again while it is fresh, with its age', async () => {
  const { ask, transport, clock } = meshOf('cache: { ttl: 10s }', { body: 'a' })
  expect(await ask()).toBe('200 a via_upstream null')
  await clock.advanceAsync(3000)
  expect(await ask()).toBe('200 a meshless_cache_hit 3')
  await clock.advanceAsync(8000)
  expect(await ask()).toBe('200 a via_upstream null')
  expect(transport.requests.length).toBe(2)
})

test('who asks for himself, writes, or gets a private answer is not cached', async () => {
  const plain = meshOf('cache: { ttl: 10s }', { body: 'a' })
  for (const init of [{ headers: { authorization: 'x' } }, { headers: { cookie: 'x=1' } }, { method: 'POST' }])
    for (let i = 0; i < 2; i++) expect(await plain.ask(init)).toContain('via_upstream')
  for (const headers of [
    { 'cache-control': 'private' },
    { 'cache-control': 'max-age=9, no-store' },
    { 'set-cookie': 'a=1' },
    { vary: '*' },
  ]) {
    const own = meshOf('cache: { ttl: 10s }', { body: 'a', headers })
    for (let i = 0; i < 2; i++) expect(await own.ask()).toContain('via_upstream')
  }
  const bad = meshOf('cache: { ttl: 10s }', { status: 404, body: 'no' })
  for (let i = 0; i < 2; i++) expect(await bad.ask()).toBe('404 no via_upstream null')
})

test('Vary is part of the key', async () => {
  const { ask } = meshOf('cache: { ttl: 10s }', r => ({ body: r.headers['x-lang'] ?? '', headers: { vary: 'X-Lang' } }))
  const lang = (l: string) => ask({ headers: { 'x-lang': l } })
  expect([await lang('de'), await lang('en'), await lang('de')].map(t => t.split(' ').slice(1, 3).join(' '))).toEqual([
    'de via_upstream',
    'en via_upstream',
    'de meshless_cache_hit',
  ])
})

test('equal requests become one, and who began it may go away', async () => {
  const { start, transport, clock, active } = meshOf('cache: { ttl: 10s }', { body: 'a', delay: 100 })
  const leader = new AbortController()
  const first = start({ signal: leader.signal })
  const second = start()
  await clock.advanceAsync(10)
  leader.abort(new Error('gone'))
  await expect(first).rejects.toThrow('gone')
  await clock.advanceAsync(100)
  expect(await second).toBe('200 a meshless_coalesced null')
  expect([transport.requests.length, active()]).toEqual([1, 0])
})

test('a larger answer passes through uncached, and a stale one is better than an error', async () => {
  const large = meshOf('cache: { ttl: 10s, maxBytes: 3 }', { body: 'abcdef' })
  for (let i = 0; i < 2; i++) expect(await large.ask()).toBe('200 abcdef via_upstream null')
  expect(large.active()).toBe(0)
  let status = 200
  const stale = meshOf('cache: { ttl: 1s, staleIfError: 10s }', () => ({ status, body: 'a' }))
  await stale.ask()
  status = 500
  await stale.clock.advanceAsync(2000)
  expect(await stale.ask()).toBe('200 a meshless_cache_hit 2')
  expect(stale.active()).toBe(0)
})

test('a failure is not kept: the fallback answers for it each time', async () => {
  const { ask } = meshOf('cache: { ttl: 10s }, fallback: { directResponse: { body: { string: f } } }', { status: 503 })
  for (let i = 0; i < 2; i++) expect(await ask()).toBe('200 f meshless_fallback null')
})

const PIECES = { body: ['a', 'b', 'c'], pause: 100 }

test.each([
  ['that says how long it is', true],
  ['that does not', false],
])('the first byte of an answer %s waits for no other', async (_, sized) => {
  const { mesh, clock, ask, active } = meshOf('cache: { ttl: 10s }', PIECES, undefined, sized)
  const asked = mesh.fetch('http://s.test/x')
  await clock.advanceAsync(101)
  const reader = (await asked).body!.getReader()
  expect(new TextDecoder().decode((await reader.read()).value)).toBe('a')
  const second = reader.read()
  await clock.advanceAsync(100)
  expect(new TextDecoder().decode((await second).value)).toBe('b')
  await clock.advanceAsync(100)
  expect([(await reader.read()).done, (await reader.read()).done]).toEqual([false, true])
  expect(await ask()).toBe('200 abc meshless_cache_hit 0')
  expect(active()).toBe(0)
})

test('who joins an answer that fits reads along, late or not; the leader may leave in the middle', async () => {
  const { mesh, start, clock, transport, active } = meshOf('cache: { ttl: 10s }', PIECES)
  const leader = new AbortController()
  const first = mesh.fetch('http://s.test/x', { signal: leader.signal })
  const second = start()
  await clock.advanceAsync(150)
  const text = (await first).text()
  text.catch(() => {})
  leader.abort(new Error('gone'))
  await expect(text).rejects.toThrow('gone')
  const late = start()
  await clock.advanceAsync(200)
  expect([await second, await late]).toEqual(['200 abc meshless_coalesced null', '200 abc meshless_coalesced null'])
  expect([transport.requests.length, active()]).toEqual([1, 0])
})

test('an answer that all have left is given up, and not kept', async () => {
  const { mesh, clock, ask, transport, active } = meshOf('cache: { ttl: 10s }', PIECES)
  const asked = mesh.fetch('http://s.test/x')
  await clock.advanceAsync(150)
  await (await asked).body!.cancel()
  await clock.advanceAsync(1)
  expect(active()).toBe(0)
  expect(await ask(undefined, 400)).toBe('200 abc via_upstream null')
  expect(transport.requests.length).toBe(2)
})

test('one of unknown length that turns out too large goes to one alone; the others ask by themselves', async () => {
  const { start, clock, transport, active } = meshOf('cache: { ttl: 10s, maxBytes: 2 }', PIECES, undefined, false)
  const both = Promise.all([start(), start()])
  await clock.advanceAsync(1000)
  expect(await both).toEqual(['200 abc via_upstream null', '200 abc via_upstream null'])
  expect([transport.requests.length, active()]).toEqual([2, 0])
})

test('one of unknown length that fits is given to all who waited; whoever leaves changes nothing for the others', async () => {
  const { mesh, start, clock, transport, active } = meshOf('cache: { ttl: 10s }', PIECES, undefined, false)
  const leader = new AbortController()
  const first = mesh.fetch('http://s.test/x', { signal: leader.signal })
  const second = start()
  await clock.advanceAsync(150)
  const text = (await first).text()
  text.catch(() => {})
  leader.abort(new Error('gone'))
  await expect(text).rejects.toThrow('gone')
  await clock.advanceAsync(200)
  expect(await second).toBe('200 abc meshless_coalesced null')
  expect([transport.requests.length, active()]).toEqual([1, 0])
  const alone = meshOf('cache: { ttl: 10s }', PIECES, undefined, false)
  const [one, other] = [new AbortController(), new AbortController()]
  const both = Promise.allSettled([alone.start({ signal: one.signal }), alone.start({ signal: other.signal })])
  await alone.clock.advanceAsync(150)
  one.abort(new Error('gone'))
  other.abort(new Error('gone'))
  expect((await both).map(e => e.status)).toEqual(['rejected', 'rejected'])
  await alone.clock.advanceAsync(1)
  expect(alone.active()).toBe(0)
})

test('a body that breaks breaks for its reader and is not kept', async () => {
  const { start, clock, active } = meshOf('cache: { ttl: 10s }', { ...PIECES, cut: true })
  const both = [start(), start()]
  const ends = Promise.allSettled(both)
  await clock.advanceAsync(1000)
  expect((await ends).map(e => e.status)).toEqual(['rejected', 'rejected'])
  expect(active()).toBe(0)
})

test('an answer that says it depends on more is shared by those who ask the same', async () => {
  const { start, clock, transport } = meshOf('cache: { ttl: 10s }', r => ({
    body: r.headers['x-lang'] ?? '',
    headers: { vary: 'X-Lang' },
    delay: 10,
  }))
  const of = (lang: string) => start({ headers: { 'x-lang': lang } })
  const all = Promise.all([of('de'), of('en'), of('de')])
  await clock.advanceAsync(100)
  expect(await all).toEqual(['200 de via_upstream null', '200 en via_upstream null', '200 de meshless_coalesced null'])
  expect(transport.requests.length).toBe(2)
})

test('stale while revalidate: given at once, fetched anew behind it, once', async () => {
  let n = 0
  const { ask, clock, transport } = meshOf('cache: { ttl: 1s, staleWhileRevalidate: 10s }', () => ({ body: `v${++n}`, delay: 50 }))
  await ask(undefined, 60)
  await clock.advanceAsync(2000)
  expect([await ask(), await ask()]).toEqual(['200 v1 meshless_cache_hit 2', '200 v1 meshless_cache_hit 2'])
  await clock.advanceAsync(60)
  expect([await ask(), transport.requests.length]).toEqual(['200 v2 meshless_cache_hit 0', 2])
})

const control = (value: string) => ({ headers: { 'cache-control': value } })

test('what a request may say of it (RFC 9111, 5.2.1)', async () => {
  let n = 0
  const { ask, clock, transport } = meshOf('cache: { ttl: 10s }', () => ({ body: `v${++n}` }))
  expect(await ask(control('only-if-cached'))).toBe('504  meshless_not_cached null')
  expect(transport.requests.length).toBe(0)
  expect(await ask()).toBe('200 v1 via_upstream null')
  await clock.advanceAsync(4000)
  expect(await ask(control('only-if-cached'))).toBe('200 v1 meshless_cache_hit 4')
  expect(await ask(control('max-age=5'))).toBe('200 v1 meshless_cache_hit 4')
  expect(await ask(control('max-age=3'))).toBe('200 v2 via_upstream null')
  expect(await ask(control('no-cache'))).toBe('200 v3 via_upstream null')
  expect(await ask()).toBe('200 v3 meshless_cache_hit 0')
  expect(await ask({ headers: { pragma: 'no-cache' } })).toBe('200 v4 via_upstream null')
  expect(await ask(control('no-store'))).toBe('200 v5 via_upstream null')
  expect(await ask()).toBe('200 v4 meshless_cache_hit 0')
})

test.each([
  ['max-age is shorter than the rule', { 'cache-control': 'max-age=3' }, 3],
  ['s-maxage goes before max-age', { 'cache-control': 's-maxage=4, max-age=1' }, 4],
  ['max-age is longer: the rule holds', { 'cache-control': 'max-age=99' }, 10],
  ['it was old when it came', { 'cache-control': 'max-age=5', age: '2' }, 3],
  ['it expires', { date: 'Tue, 24 Nov 2026 10:00:00 GMT', expires: 'Tue, 24 Nov 2026 10:00:02 GMT' }, 2],
  ['it has expired', { expires: '0' }, 0],
  ['max-age cannot be read', { 'cache-control': 'max-age=soon' }, 0],
])('how long it is fresh: %s', async (_, headers: Record<string, string>, seconds) => {
  const { ask, clock } = meshOf('cache: { ttl: 10s }', { body: 'a', headers })
  const hit = async () => (await ask()).includes('meshless_cache_hit')
  await ask()
  if (seconds > 0) {
    await clock.advanceAsync(seconds * 1000 - 10)
    expect(await hit()).toBe(true)
  }
  await clock.advanceAsync(10)
  expect(await hit()).toBe(false)
})

test('its age goes on from what the origin said; one that must be revalidated is never given stale', async () => {
  const old = meshOf('cache: { ttl: 10s }', { body: 'a', headers: { age: '7' } })
  await old.ask()
  await old.clock.advanceAsync(2000)
  expect(await old.ask()).toBe('200 a meshless_cache_hit 9')
  let status = 200
  const must = meshOf('cache: { ttl: 1s, staleIfError: 10s, staleWhileRevalidate: 10s }', () => ({
    status,
    body: 'a',
    ...control('must-revalidate'),
  }))
  await must.ask()
  status = 503
  await must.clock.advanceAsync(2000)
  expect(await must.ask()).toBe('503 a via_upstream null')
})
