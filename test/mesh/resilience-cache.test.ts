/** The cache block: what is kept and given again, who joins whom, and what is for one reader only. */
import { expect, test } from 'vitest'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { type FakeScript, fakeTransport, seededRandom, virtualClock } from '../../src/testing/index.ts'
import { all, policy, service, virtual } from './documents.ts'

const A = '10.0.0.1:80'

function meshOf(blocks: string, script: FakeScript, http = 'retries: { attempts: 0 }') {
  const clock = virtualClock()
  const transport = fakeTransport({ [A]: script }, { clock })
  const rules = all(service('s', 1), virtual('s', `[{ route: [{ destination: { host: s.test } }], ${http} }]`), policy('s', blocks))
  const mesh = createMesh({ rules, clock, transport, random: seededRandom(3) })
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
