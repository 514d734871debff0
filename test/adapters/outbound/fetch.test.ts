/**
 * mesh.fetch beside the platform's fetch: the same request to the same server through both, and everything that a caller or the server
 * can see compared. Rows that differ on purpose are named as such.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Mesh } from '../../../src/index.ts'
import { errorView, type Fetch, outcome, type Row, startComparison } from './compare.ts'
import { type Loopback, loopback } from './loopback.ts'

const peers = startComparison({
  '/back': (_q, r) => r.writeHead(302, { location: `${peers.server.origin}/echo` }).end(),
  '/secret': (_q, r) => r.writeHead(302, { location: `http://u:p@127.0.0.1:${peers.server.port}/echo` }).end(),
})
const { both } = peers
let server: Loopback
let other: Loopback
let mesh: Mesh
beforeAll(() => {
  ;({ server, other, mesh } = peers)
})

/** Header lines without their order and the case of their names. */
const loosely = (view: any) => {
  if (!Array.isArray(view?.headers) || Array.isArray(view.headers[0])) return view
  const lines: string[] = []
  for (let i = 0; i < view.headers.length; i += 2) lines.push(`${view.headers[i].toLowerCase()}: ${view.headers[i + 1]}`)
  return { ...view, headers: lines.sort() }
}

const get = (path: string): Row => [`GET ${path}`, (fetch, at) => fetch(at + path)]
const stream = (...chunks: unknown[]) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
const post = (name: string, body: () => unknown, init: object = {}, path = '/echo'): Row => [
  name,
  (fetch, at) => fetch(at + path, { method: 'POST', body: body() as BodyInit, ...init }),
]
const form = () => {
  const data = new FormData()
  data.set('a', 'ä')
  data.append('f', new Blob(['file'], { type: 'text/x' }), 'name.txt')
  return data
}

describe('answers', () => {
  test.each<Row>(
    [
      ...'echo json badjson bom empty latin binary chunked large gzip x-gzip deflate deflate-raw br stack unknown-coding half-known identity six truncated-gzip truncated-br bad-gzip empty-gzip gzip-large 204 205 304 404 500 599 700 reason hints nowhere'.split(
        ' ',
      ),
    ].map(path => get(`/${path}`)),
  )('%s', (_name, run) => both(run))

  /** fetch closes the connection after a HEAD; we have no reason to. */
  const anyConnection = (view: any) =>
    Array.isArray(view?.headers)
      ? { ...view, headers: view.headers.filter((line: unknown) => !/^(connection|keep-alive|close|timeout=\d+)/.test(String(line))) }
      : view
  test.each(['/echo', '/gzip', '/404', '/302', '/empty'])('HEAD %s', path =>
    both((fetch, at) => fetch(at + path, { method: 'HEAD' }), anyConnection),
  )
})

describe('requests', () => {
  const rows: Row[] = [
    ['a URL object', (fetch, at) => fetch(new URL(`${at}/echo?a=b&c#frag`))],
    ['an object with toString', (fetch, at) => fetch({ toString: () => `${at}/echo` } as unknown as URL)],
    ['odd characters', (fetch, at) => fetch(`${at}/echo/../echo?ü=ß|"<>&x=%zz y#z`)],
    ['init null', (fetch, at) => fetch(`${at}/echo`, null as unknown as undefined)],
    [
      'own headers in their case and order',
      (fetch, at) =>
        fetch(`${at}/echo`, {
          headers: {
            'X-B': '1',
            'x-a': '2',
            Accept: 'text/html',
            'User-Agent': 'me',
            'Accept-Encoding': 'br',
            'accept-language': 'de',
            Te: 'trailers',
            Cookie: 'a=b',
            Origin: 'http://o',
            Referer: 'http://r/',
            Date: 'now',
            Via: '1.1 x',
          },
        }),
    ],
    [
      'a list of pairs, doubled',
      (fetch, at) =>
        fetch(`${at}/echo`, {
          headers: [
            ['X-A', '1'],
            ['x-a', '2'],
            ['cookie', 'a'],
            ['Cookie', 'b'],
          ],
        }),
    ],
    ['a value that must be trimmed', (fetch, at) => fetch(`${at}/echo`, { headers: { 'x-a': ' \t b c \t' } })],
    ['latin1', (fetch, at) => fetch(`${at}/echo`, { headers: { 'x-a': 'caf\u00e9' } })],
    ['an empty value', (fetch, at) => fetch(`${at}/echo`, { headers: { 'x-a': '' } })],
    [
      'numbers and booleans',
      (fetch, at) => fetch(`${at}/echo`, { headers: { 'x-a': 1, 'x-b': true } as unknown as Record<string, string> }),
    ],
    ['sec-fetch-mode is overwritten', (fetch, at) => fetch(`${at}/echo`, { headers: { 'sec-fetch-mode': 'mine' } })],
    ['a Host of one’s own is ignored', (fetch, at) => fetch(`${at}/echo`, { headers: { host: 'other.test' } })],
    ['mode', (fetch, at) => fetch(`${at}/echo`, { mode: 'no-cors' })],
    ['mode same-origin', (fetch, at) => fetch(`${at}/echo`, { mode: 'same-origin' })],
    ['cache no-store', (fetch, at) => fetch(`${at}/echo`, { cache: 'no-store' })],
    ['cache no-cache', (fetch, at) => fetch(`${at}/echo`, { cache: 'no-cache' })],
    [
      'credentials, keepalive, referrerPolicy',
      (fetch, at) => fetch(`${at}/echo`, { credentials: 'include', keepalive: true, referrerPolicy: 'no-referrer' }),
    ],
    ['range', (fetch, at) => fetch(`${at}/echo`, { headers: { range: 'bytes=0-1' } })],
    ['method in lower case', (fetch, at) => fetch(`${at}/echo`, { method: 'delete' })],
    ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map<Row>(method => [
      `${method} without a body`,
      (fetch, at) => fetch(`${at}/echo`, { method }),
    ]),
    post('a string', () => 'hällo'),
    post('an empty string', () => ''),
    post('URLSearchParams', () => new URLSearchParams({ a: 'b c', d: 'ü' })),
    post('FormData', form),
    post('a Blob', () => new Blob(['blob'], { type: 'text/x' })),
    post('a Blob without type', () => new Blob(['blob'])),
    post('a Buffer', () => Buffer.from('buffer')),
    post('an ArrayBuffer', () => new TextEncoder().encode('ab').buffer),
    post('a view', () => new Uint16Array([1, 2]).subarray(1)),
    post('an object', () => ({ a: 1 })),
    post('a number', () => 12),
    post('own content-type wins', () => 'x', { headers: { 'Content-Type': 'text/mine' } }),
    post('right content-length', () => 'four', { headers: { 'content-length': '4' } }),
    post('wrong content-length', () => 'four', { headers: { 'content-length': '5' } }),
    post('a stream', () => stream(new TextEncoder().encode('one'), new TextEncoder().encode('two')), { duplex: 'half' }),
    post('a stream of strings', () => stream('one', 'two'), { duplex: 'half' }),
    post('a stream with its length stated', () => stream('onetwo'), { duplex: 'half', headers: { 'content-length': '6' } }),
    post('an async generator', () => (async function* () { yield 'a'; yield Buffer.from('b') })(), { duplex: 'half' }), // biome-ignore format: one line
    post('a Node stream', () => Readable.from([Buffer.from('x'), Buffer.from('y')]), { duplex: 'half' }),
    post('PUT', () => 'x', { method: 'put' }),
    post('early answer while uploading', () => 'x'.repeat(100), {}, '/early-413'),
  ]
  test.each(rows)('%s', (_name, run) => both(run))

  // A Headers object hides the case and the order in which it was filled.
  const hidden: Row[] = [
    ['a Headers object', (fetch, at) => fetch(`${at}/echo`, { headers: new Headers({ 'X-B': '1', 'X-A': '2' }) })],
    ['a Request', (fetch, at) => fetch(new Request(`${at}/echo#f`, { headers: { 'X-A': '1' } }))],
  ]
  test.each(hidden)('%s, up to case and order', (_name, run) => both(run, loosely))

  // Lengths of nothing: an unknown method says that it has no body, an empty stream that it is chunked. No server can mind.
  const unsaid = (view: any) => ({
    ...loosely(view),
    ...(Array.isArray(view?.headers) && !Array.isArray(view.headers[0])
      ? { headers: loosely(view).headers.filter((line: string) => !/^(content-length: 0|transfer-encoding: chunked)$/.test(line)) }
      : {}),
  })
  const nothing: Row[] = [
    ['an unknown method', (fetch, at) => fetch(`${at}/echo`, { method: 'PURGE' })],
    post('an empty stream', () => stream(), { duplex: 'half' }),
  ]
  test.each(nothing)('%s', (_name, run) => both(run, unsaid))

  test('a lone question mark is kept (fetch of Node 20 drops it, later ones keep it)', async () => {
    await mesh.fetch(`${server.origin}/echo?#x`)
    expect(server.seen[0]!.url).toBe('/echo?')
  })

  const requests: Row[] = [
    ['with a string', (fetch, at) => fetch(new Request(`${at}/echo`, { method: 'POST', body: 'hällo' }))],
    ['with FormData', (fetch, at) => fetch(new Request(`${at}/echo`, { method: 'POST', body: form() }))],
    ['with a Blob', (fetch, at) => fetch(new Request(`${at}/echo`, { method: 'POST', body: new Blob(['x'], { type: 'a/b' }) }))],
    ['with URLSearchParams', (fetch, at) => fetch(new Request(`${at}/echo`, { method: 'PUT', body: new URLSearchParams('a=b') }))],
    [
      'init wins',
      (fetch, at) =>
        fetch(new Request(`${at}/echo`, { method: 'POST', body: 'x', headers: { a: '1' } }), { body: 'y', headers: { b: '2' } }),
    ],
    ['init changes the method', (fetch, at) => fetch(new Request(`${at}/echo`), { method: 'DELETE' })],
    ['redirect of the Request', (fetch, at) => fetch(new Request(`${at}/301`, { redirect: 'manual' }))],
    ['it is used up', async (fetch, at) => {
      const request = new Request(`${at}/echo`, { method: 'POST', body: 'x' })
      await (await fetch(request)).text()
      const { bodyUsed } = request
      return [bodyUsed, await fetch(request).catch(errorView)]
    }], // biome-ignore format: a row
    ['read before', async (fetch, at) => {
      const request = new Request(`${at}/echo`, { method: 'POST', body: 'x' })
      await request.text()
      return fetch(request)
    }], // biome-ignore format: a row
    ['read before, but init brings another body', async (fetch, at) => {
      const request = new Request(`${at}/echo`, { method: 'POST', body: 'x' })
      await request.text()
      return fetch(request, { body: 'fresh' })
    }], // biome-ignore format: a row
    ['GET with a body from init', (fetch, at) => fetch(new Request(`${at}/echo`), { body: 'x' })],
  ]
  test.each(requests)('Request: %s', (_name, run) => both(run))

  test('a Request that dribbles is sent as it comes', async () => {
    let controller!: ReadableStreamDefaultController
    const body = new ReadableStream({ start: c => void (controller = c) })
    const asked = mesh.fetch(new Request(`${server.origin}/echo`, { method: 'POST', body, duplex: 'half' } as RequestInit))
    controller.enqueue(new TextEncoder().encode('one '))
    for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
    controller.enqueue(new TextEncoder().encode('two'))
    controller.close()
    await (await asked).text()
    expect(server.seen[0]!.body).toBe('one two')
  })
})

describe('redirects', () => {
  const rows: Row[] = []
  for (const status of [300, 301, 302, 303, 307, 308]) {
    rows.push(get(`/${status}`))
    for (const redirect of ['manual', 'error'] as const)
      rows.push([`${status} ${redirect}`, (fetch, at) => fetch(`${at}/${status}`, { redirect })])
    for (const method of ['POST', 'PUT', 'DELETE'])
      rows.push([
        `${method} ${status}`,
        (fetch, at) =>
          fetch(`${at}/${status}`, { method, body: 'body', headers: { 'content-language': 'de', 'x-a': 'b', Authorization: 'me' } }),
      ])
    rows.push([
      `stream ${status}`,
      (fetch, at) => fetch(`${at}/${status}`, { method: 'POST', body: stream('abc'), duplex: 'half' } as RequestInit),
    ])
  }
  rows.push(
    get('/none'),
    get('/ftp'),
    get('/data'),
    get('/bad-location'),
    get('/utf8-location'),
    get('/hop19'),
    get('/hop20'),
    get('/loop'),
  )
  rows.push(['the fragment goes along', (fetch, at) => fetch(`${at}/301#frag`)])
  test.each(rows)('%s', (_name, run) => both(run))

  const headers = { authorization: 'me', 'proxy-authorization': 'me', cookie: 'a=b', 'x-kept': 'yes' }
  test('to another origin: secrets stay behind', () => both(fetch => fetch(`${other.origin}/back`, { headers })))
  test('to another origin with credentials', () => both(fetch => fetch(`${other.origin}/secret`)))
  test('the body of a 307 goes to the other origin', async () => {
    const third = await loopback({ '/away': (_q, r) => r.writeHead(307, { location: `${server.origin}/echo` }).end() })
    await both(fetch => fetch(`${third.origin}/away`, { method: 'POST', body: 'again', headers }))
    await third.close()
  })
})

describe('refusals', () => {
  const rows: Row[] = [
    ['no URL', fetch => fetch('nowhere')],
    ['an empty URL', fetch => fetch('')],
    ['credentials in the URL', (fetch, at) => fetch(at.replace('//', '//u:p@'))],
    ['file:', fetch => fetch('file:///etc/passwd')],
    ['an unknown scheme', fetch => fetch('gopher://x/')],
    ['data:', async fetch => (await fetch('data:text/plain;charset=utf-8,hi')).text()],
    ...[1, 9, 6667].map<Row>(port => [`port ${port}`, fetch => fetch(`http://127.0.0.1:${port}/`)]),
    ['GET with a body', (fetch, at) => fetch(at, { body: 'x' })],
    ['HEAD with a body', (fetch, at) => fetch(at, { method: 'HEAD', body: 'x' })],
    ['TRACE', (fetch, at) => fetch(at, { method: 'TRACE' })],
    ['connect', (fetch, at) => fetch(at, { method: 'connect' })],
    ['a bad method', (fetch, at) => fetch(at, { method: 'A B' })],
    ['an empty method', (fetch, at) => fetch(at, { method: '' })],
    ['a bad header name', (fetch, at) => fetch(at, { headers: { 'a b': 'x' } })],
    ['a bad header value', (fetch, at) => fetch(at, { headers: { a: 'x\ny' } })],
    ['a triple', (fetch, at) => fetch(at, { headers: [['a', 'b', 'c']] as unknown as [string, string][] })],
    ['keep-alive', (fetch, at) => fetch(at, { headers: { 'keep-alive': 'timeout=5' } })],
    ['transfer-encoding', (fetch, at) => fetch(at, { headers: { 'transfer-encoding': 'chunked' } })],
    ['upgrade', (fetch, at) => fetch(at, { headers: { upgrade: 'websocket' } })],
    ['expect', (fetch, at) => fetch(at, { headers: { expect: '100-continue' } })],
    post('a stream without duplex', () => stream('x')),
    post('a generator without duplex', () => (async function* () { yield 'x' })()), // biome-ignore format: one line
    post('a locked stream', () => {
      const locked = stream('x')
      locked.getReader()
      return locked
    }, { duplex: 'half' }), // biome-ignore format: a row
    ['window', (fetch, at) => fetch(at, { window: {} } as unknown as RequestInit)],
    ['only-if-cached', (fetch, at) => fetch(at, { cache: 'only-if-cached' })],
    ['mode navigate', (fetch, at) => fetch(at, { mode: 'navigate' })],
    ['an unknown redirect', (fetch, at) => fetch(at, { redirect: 'maybe' as RequestRedirect })],
    ['a signal that is none', (fetch, at) => fetch(at, { signal: {} as AbortSignal })],
    ['a port that nobody listens on', fetch => fetch('http://127.0.0.1:2/')],
  ]
  test.each(rows)('%s', (_name, run) => both(run))

  test('a header that is no ByteString', async () => {
    for (const f of [fetch, mesh.fetch])
      await expect(f(server.origin, { headers: { a: '€' } })).rejects.toThrow(
        /Cannot convert argument to a ByteString because the character at index 0 has a value of 8364/,
      )
  })

  test('connection: upgrade is refused (fetch of Node 24 takes it and leaves it out)', async () => {
    await expect(mesh.fetch(server.origin, { headers: { connection: 'upgrade' } })).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { code: 'UND_ERR_INVALID_ARG', message: 'invalid connection header' },
    })
  })

  test('a dispatcher is refused, not ignored', async () => {
    await expect(mesh.fetch(server.origin, { dispatcher: {} } as RequestInit)).rejects.toThrow(/takes no dispatcher/)
  })
})

describe('integrity', () => {
  const digest = (algorithm: string) => `${algorithm}-${createHash(algorithm).update('hello, wörld').digest('base64')}`
  const rows: [string, string][] = [
    ['right', digest('sha256')],
    ['the strongest decides', `${digest('sha512')} sha256-AAAA`],
    ['wrong', 'sha384-AAAA'],
    ['one of two', `sha512-AAAA ${digest('sha512')}`],
    ['unknown', 'md5-AAAA'],
  ]
  test.each(rows)('%s', (_name, integrity) => both((fetch, at) => fetch(`${at}/echo`, { integrity })))
  test('without a body', () => both((fetch, at) => fetch(`${at}/204`, { integrity: digest('sha256') })))
})

describe('abort', () => {
  const reason = new Error('enough')
  test('before', async () => {
    await expect(mesh.fetch(`${server.origin}/echo`, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(server.seen).toEqual([])
  })
  test('with the reason of the platform', () => both((fetch, at) => fetch(`${at}/echo`, { signal: AbortSignal.abort() })))
  test('while waiting for the answer', async () => {
    const hung = await loopback({ '/hang': () => {} })
    for (const f of [fetch, mesh.fetch]) {
      const controller = new AbortController()
      const asked = f(`${hung.origin}/hang`, { signal: controller.signal })
      setTimeout(() => controller.abort(reason), 20)
      await expect(asked).rejects.toBe(reason)
    }
    await hung.close()
  })
  test.each(['/echo', '/large', '/gzip'])('after the headers, before reading %s: the body cannot be read any more', async path => {
    const read = async (f: Fetch, how: (response: Response) => Promise<unknown>) => {
      const controller = new AbortController()
      const response = await f(server.origin + path, { signal: controller.signal })
      controller.abort(reason)
      return how(response).catch(error => error)
    }
    // fetch rejects too; with an AbortError of its own when the whole body is here already.
    expect(await read(fetch, r => r.text())).toBeInstanceOf(Error)
    expect(await read(mesh.fetch, r => r.text())).toBe(reason)
    expect(await read(mesh.fetch, r => r.body!.getReader().read())).toBe(reason)
  })
  test('in the middle of the body', async () => {
    const slow = await loopback({ '/slow': (_q, r) => void r.write('begin') })
    for (const f of [fetch, mesh.fetch]) {
      const controller = new AbortController()
      const response = await f(`${slow.origin}/slow`, { signal: controller.signal })
      const reading = response.text()
      setTimeout(() => controller.abort(reason), 20)
      await expect(reading).rejects.toBe(reason)
      const late = new AbortController()
      const reader = (await f(`${slow.origin}/slow`, { signal: late.signal })).body!.getReader()
      await reader.read()
      const next = reader.read()
      late.abort(new DOMException('too late', 'TimeoutError'))
      await expect(next).rejects.toMatchObject({ name: 'TimeoutError' })
    }
    await slow.close()
  })
  test('after the body was read: nothing happens, and no listener is left', async () => {
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: any[]) => {
      listeners++
      ;(add as any)(...args)
    }
    signal.removeEventListener = (...args: any[]) => {
      listeners--
      ;(remove as any)(...args)
    }
    const response = await mesh.fetch(`${server.origin}/echo`, { signal })
    expect(await response.text()).toBe('hello, wörld')
    expect(listeners).toBe(0)
    controller.abort(reason)
  })
  test('aborting an upload cancels its stream', async () => {
    const controller = new AbortController()
    let cancelled = false
    const body = new ReadableStream({
      pull: c => c.enqueue(new Uint8Array(10)),
      cancel() {
        cancelled = true
      },
    })
    const hung = await loopback({ '/hang': () => {} })
    const asked = mesh.fetch(`${hung.origin}/hang`, { method: 'POST', body, duplex: 'half', signal: controller.signal } as RequestInit)
    setTimeout(() => controller.abort(reason), 20)
    await expect(asked).rejects.toBe(reason)
    await expect.poll(() => cancelled).toBe(true)
    await hung.close()
  })
})

test.each(['a stream', 'a Node stream'])('%s that was never begun is let go of when the call is over', async kind => {
  let left = false
  const body =
    kind === 'a stream'
      ? new ReadableStream({ cancel: () => void (left = true) })
      : new Readable({ read() {}, destroy: (_error, done) => { left = true; done(null) } }) // biome-ignore format: short
  const gone = await loopback()
  await gone.close()
  await expect(mesh.fetch(gone.origin, { method: 'POST', body, duplex: 'half' } as RequestInit)).rejects.toThrow('fetch failed')
  await expect.poll(() => left).toBe(true)
})

describe('a broken upload', () => {
  const rows: Row[] = [
    post('a stream that fails', () => new ReadableStream({ pull: c => c.error(new Error('boom')) }), { duplex: 'half' }),
    post('a generator that throws', () => (async function* () { yield 'abc'; throw new Error('boom') })(), { duplex: 'half' }), // biome-ignore format: one line
  ]
  test.each(rows)('%s', async (_name, run) => {
    const view = await outcome(() => run(mesh.fetch, server.origin))
    expect(view).toEqual(await outcome(() => run(fetch, server.origin)))
  })
})
