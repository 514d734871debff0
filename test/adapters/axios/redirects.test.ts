/** Redirects of axios over a mesh, beside those of its own Node adapter. */
import { Readable } from 'node:stream'
import type { AxiosRequestConfig } from 'axios'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loopback } from '../outbound/loopback.ts'
import { get, type Row, sideBySide } from './side-by-side.ts'

/** Answers with the status and location of its query. */
const to = (q: any, r: any) => {
  const query = new URL(q.url, 'http://x').searchParams
  r.writeHead(Number(query.get('status')), { location: query.get('to')! }).end('moved')
}
let other: Awaited<ReturnType<typeof loopback>>
const pair = sideBySide({ '/to': to, '/early': (q, r) => void (q.url === '/early' && r.writeHead(307, { location: '/echo' }).end()) })
beforeAll(async () => {
  other = await loopback()
})
afterAll(() => other.close())
const away = (status: number, where: string) => `/to?status=${status}&to=${encodeURIComponent(where)}`
const post = (name: string, status: number, data: () => unknown, config: object = {}): Row => [
  `${name}, ${status}`,
  (client, at) => client.post(at + away(status, '/echo'), data(), config),
]
const config = (name: string, path: string, options: AxiosRequestConfig): Row => get(name, path, options)

describe('methods and bodies', () => {
  const statuses = [300, 301, 302, 303, 307, 308]
  test.each<Row>([
    ...statuses.map(status => post('json', status, () => ({ a: 1 }))),
    ...statuses.map(status => post('stream', status, () => Readable.from([Buffer.from('some'), Buffer.from('data')]))),
    post('Blob', 307, () => new Blob(['x'], { type: 'a/b' })),
    ...[302, 303, 307].map((status): Row => [`PUT, ${status}`, (client, at) => client.put(at + away(status, '/echo'), 'x')]),
    ...[302, 303].map((status): Row => [`HEAD, ${status}`, (client, at) => client.head(at + away(status, '/echo'))]),
    get('304 with a location', away(304, '/echo'), { validateStatus: null }),
  ])('%s', (_name, run) => pair.both(run))

  test('a stream beyond what is kept of it cannot follow', async () => {
    const long = Readable.from([Buffer.alloc(1_100_000)])
    await expect(pair.ours.post(pair.server.origin + away(307, '/echo'), long)).rejects.toMatchObject({
      code: 'ERR_FR_REDIRECTION_FAILURE',
      message: expect.stringContaining('limits.retryBufferLimit'),
    })
  })
})

describe('where to', () => {
  test.each<Row>([
    get('no location', '/none', { validateStatus: null }),
    get('another scheme', '/ftp'),
    get('a location that is none', '/bad-location'),
    get('21 of them', '/hop20'),
    get('too many', '/loop'),
    get('as many as allowed', '/hop3', { maxRedirects: 4 }),
    get('one too many', '/hop4', { maxRedirects: 4 }),
    get('none', '/302', { maxRedirects: 0, validateStatus: null }),
    get('the query is not sent again', '/302', { params: { a: 'b' } }),
  ])('%s', (_name, run) => pair.both(run))
})

describe('what goes along', () => {
  const secrets = { headers: { Cookie: 'c=1', 'X-Api-Key': 'key', 'X-Other': 'o' }, auth: { username: 'a', password: 'b' } }
  const seenAway = async (client: any, options: object = secrets) => {
    other.seen.length = 0
    await client.get(pair.server.origin + away(302, `${other.origin}/echo`), options)
    return other.seen[0]!.headers.filter((_t, i) => i % 2 === 0).map(name => name.toLowerCase()).sort()
  } // biome-ignore format: one line

  test.each<Row>([
    config('to the same origin', '/302', secrets),
    config('credentials of the URL, over several hops', '/hop2', secrets),
    config('sensitiveHeaders to the same origin', '/302', { ...secrets, sensitiveHeaders: ['x-api-key'] } as any),
    ['to another origin', async client => seenAway(client)],
    ['sensitiveHeaders to another origin', async client => seenAway(client, { ...secrets, sensitiveHeaders: ['x-api-KEY'] })],
    get('sensitiveHeaders that are none', '/302', { sensitiveHeaders: 'x' } as any),
    get('sensitiveHeaders with what is none', '/302', { sensitiveHeaders: [1] } as any),
  ])('%s', (_name, run) => pair.both(run))
})

describe('beforeRedirect', () => {
  const hook = (name: string, beforeRedirect: (...args: any[]) => void): Row => get(name, '/302', { beforeRedirect } as any)
  test.each<Row>([
    hook('throws', options => {
      if (options.path === '/echo?x=1') throw new Error('not there')
    }),
    hook('changes headers', options => {
      options.headers['X-Own'] = 'yes'
      delete options.headers.Accept
    }),
    hook('changes the path', options => {
      Object.assign(options, { path: '/json', pathname: '/json', search: '' })
    }),
    hook('changes the method', options => {
      options.method = 'HEAD'
    }),
    ['sees', async (client, at) => {
      const seen: any[] = []
      await client.get(`${at}/302`, {
        headers: { 'X-Own': 'a' },
        beforeRedirect: ({ protocol, hostname, port, path, href, method, headers }, details, request: any) =>
          void seen.push({ protocol, hostname, port, path, href, method, own: headers['X-Own'] }, details.statusCode, details.headers['location'],
            request.url, request.method, request.headers['X-Own']),
      } as AxiosRequestConfig)
      return seen
    }],
  ])('%s', (_name, run) => pair.both(run)) // biome-ignore format: rows

  test('it may send the request elsewhere', async () => {
    const elsewhere = (options: any) => {
      options.port = other.port
      options.path = '/json'
    }
    const { data, request } = await pair.ours.get(`${pair.server.origin}/302`, { beforeRedirect: elsewhere })
    expect([data, request.path]).toEqual([{ a: [1, 2, { b: null }] }, '/json'])
  })
})
