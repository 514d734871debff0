/** Every hop of a redirect is checked and completed like the first request. */
import { describe, expect, test } from 'vitest'
import { outcomeOf } from '../../../src/index.ts'
import { type Row, startComparison } from './compare.ts'

const peers = startComparison({
  '/to': (q, r) => r.writeHead(302, { location: new URL(q.url!, 'http://x').searchParams.get('url')! }).end('moved'),
  '/echo': (_q, r) => r.end('there'),
  '/407': (_q, r) => r.writeHead(407).end('proxy'),
  '/421': (_q, r) => r.writeHead(421).end('elsewhere'),
})
const { both } = peers
const via =
  (url: string, init?: RequestInit): Row[1] =>
  fetch =>
    fetch(`${peers.other.origin}/to?url=${encodeURIComponent(url)}`, init)
const withUser = (origin: string) => origin.replace('//', '//u:p@')

describe('a redirect', () => {
  const rows: [string, () => Row[1]][] = [
    ['to a blocked port', () => via('http://127.0.0.1:6000/')],
    ['to a blocked port, same origin', () => via('//127.0.0.1:25/')],
    ['to another origin with mode same-origin', () => via(`${peers.server.origin}/echo`, { mode: 'same-origin' })],
    ['to the same origin with mode same-origin', () => via('/echo', { mode: 'same-origin' })],
    ['to a URL with credentials', () => via(`${withUser(peers.server.origin)}/echo`)],
    ['to a URL with credentials, same origin', () => via(`${withUser(peers.other.origin)}/echo`)],
    ['to a URL with credentials, mode same-origin', () => via(`${withUser(peers.other.origin)}/echo`, { mode: 'same-origin' })],
    ['to a user name alone', () => via(peers.other.origin.replace('//', '//u@'))],
    ['to the same origin with mode no-cors', () => via('/echo', { mode: 'no-cors' })],
    ['to a lone #', () => via('/echo#')],
    ['to nothing but #', () => via('#')],
    ...['data:,x', 'javascript:1', 'about:blank', 'blob:x', 'ws://x/'].map<[string, () => Row[1]]>(url => [`to ${url}`, () => via(url)]),
  ]
  test.each(rows)('%s', (_name, run) => both((fetch, at) => run()(fetch, at)))

  // fetch of Node 20 never settles here.
  test('to another origin with mode no-cors hides the response', async () => {
    const response = await via(`${peers.server.origin}/echo`, { mode: 'no-cors' })(peers.mesh.fetch, '')
    const { type, status, ok, url, body, redirected, statusText } = response as Response
    expect({ type, status, ok, url, body, redirected, statusText }).toEqual({
      type: 'opaque',
      status: 0,
      ok: false,
      url: '',
      body: null,
      redirected: false,
      statusText: '',
    })
    expect([...(response as Response).headers]).toEqual([])
    expect(outcomeOf(response as Response)!.details).toBe('via_upstream')
  })
  test('to another origin with mode no-cors and integrity is an error', async () => {
    const asked = via(`${peers.server.origin}/echo`, { mode: 'no-cors', integrity: 'sha256-x' })(peers.mesh.fetch, '')
    await expect(asked).rejects.toThrow('fetch failed')
  })
})

describe('statuses that are fetch’s own business', () => {
  test.each([undefined, { window: null } as RequestInit])('407 is a failure, %j', init =>
    both(fetch => fetch(`${peers.other.origin}/407`, init)),
  )
  test('407 is a response for axios', async () => {
    const { default: axios } = await import('axios')
    const client = axios.create({ adapter: peers.mesh.axios(), validateStatus: null })
    expect((await client.get(`${peers.other.origin}/407`)).status).toBe(407)
  })

  /** fetch has not the same connection in mind; nothing of that is to be seen here. */
  const bodies: [string, () => RequestInit][] = [
    ['without a body', () => ({})],
    ['with a body', () => ({ method: 'POST', body: 'x' })],
    ['but not a stream', () => ({ method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' }) as RequestInit],
  ]
  test.each(bodies)('421 is asked once more, %s', (_name, init) => both(fetch => fetch(`${peers.other.origin}/421`, init())))
})

test.each(['#', '?#', '?x#', '#f', '/#'])('response.url has no fragment: %s', end =>
  both((fetch, at) => fetch(`${at}/echo${end}`), only(['url'])),
)

function only(names: string[]) {
  return (view: any) => (view?.status === undefined ? null : Object.fromEntries(names.map(name => [name, view[name]])))
}
