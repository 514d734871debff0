/** What axios sends through a mesh: data of every kind, headers, credentials, URLs and limits, beside its own Node adapter. */
import { Readable, Stream } from 'node:stream'
import axios from 'axios'
import { describe, expect, test } from 'vitest'
import { get, type Row, sideBySide } from './side-by-side.ts'

const pair = sideBySide()
const post =
  (data: unknown, config: object = {}): Row[1] =>
  (client, at) =>
    client.post(`${at}/echo`, typeof data === 'function' ? data() : data, config)

describe('data', () => {
  const form = () => {
    const data = new FormData()
    data.set('a', 'ä\nb\r\nc')
    data.set('q"uo\nted', 'x')
    data.set('file', new File(['content'], 'na"me.txt', { type: 'text/x-own' }))
    data.set('blob', new Blob(['more']))
    return data
  }
  /** An old stream that knows its headers, as the form-data package makes it. */
  const oldForm = (length?: number) => () => {
    const stream: any = new Stream()
    stream.append = () => {}
    stream.toString = () => '[object FormData]'
    stream.getHeaders = () => ({ 'content-type': 'multipart/form-data; boundary=own', 'x-from-form': 'yes' })
    if (length !== undefined) stream.getLength = (done: (error: Error | null, length: number) => void) => done(null, length)
    stream.pipe = (to: any) => {
      to.write('form')
      to.end('data')
      return to
    }
    return stream
  }
  const stream = () => Readable.from([Buffer.from('some'), 'data'])
  test.each<Row>([
    ['Blob with a type', post(new Blob(['{}'], { type: 'application/x-own' }))],
    ['Blob without a type', post(new Blob(['bytes']))],
    ['Blob, empty', post(new Blob([]))],
    ['Blob, over the content type of the config', post(new Blob(['x'], { type: 'a/b' }), { headers: { 'Content-Type': 'c/d' } })],
    ['Blob, large', post(() => new Blob([Buffer.alloc(1_500_000, 'x')], { type: 'a/b' }))],
    ['File', post(() => new File(['x'], 'f', { type: 'text/csv' }))],
    ['FormData with files', post(form)],
    ['FormData with a boundary', post(form, { headers: { 'Content-Type': 'multipart/form-data; boundary=abcdefghijklmnop' } })],
    ['FormData of objects', (client, at) => client.postForm(`${at}/echo`, { a: { b: [1, { c: 2 }] }, d: ['e', 'f'] })],
    ['an object as urlencoded', post({ a: { b: [1, 2] } }, { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })],
    ['form-data of known length', post(oldForm(8))],
    ['form-data of unknown length', post(oldForm())],
    ['form-data, content headers only', post(oldForm(8), { formDataHeaderPolicy: 'content-only' })],
    ['ArrayBuffer', post(() => new Uint8Array([1, 2, 3]).buffer)],
    ['Uint8Array', post(() => new Uint8Array([1, 2, 3]))],
    ['empty string', post('')],
    ['null', post(null)],
    ['number as json', post(0, { headers: { 'Content-Type': 'application/json' } })],
    ['stream', post(stream)],
    ['stream of stated length', post(stream, { headers: { 'Content-Length': '8' } })],
    [
      'what is nothing that can be sent',
      async (client, at) => (await client.post(`${at}/echo`, 5, { transformRequest: [] }).catch(e => e)).code,
    ],
    ['own transformRequest', post({ a: 1 }, { transformRequest: [(data: unknown) => `<${JSON.stringify(data)}>`] })],
  ])('%s', (_name, run) => pair.both(run))

  test('a length that is not that of the body is refused', async () => {
    const wrong = pair.ours.post(`${pair.server.origin}/echo`, 'foo', { headers: { 'Content-Length': '42' } })
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_BAD_REQUEST', message: expect.stringContaining('Content-Length says 42') })
  })
})

describe('limits', () => {
  const limit = { maxBodyLength: 10 }
  const long = 'x'.repeat(100)
  test.each<Row>([
    ['maxBodyLength, string', post(long, limit)],
    ['maxBodyLength, string that fits', post('0123456789', limit)],
    ['maxBodyLength, stream', post(() => Readable.from([Buffer.from(long)]), { ...limit, maxRedirects: 0 })],
    ['maxBodyLength, stream that may be redirected', async (client, at) =>
      (await client.post(`${at}/echo`, Readable.from([Buffer.from(long)]), limit).catch(e => e)).message],
    ['maxBodyLength, stream that fits', post(() => Readable.from([Buffer.from('0123456789')]), limit)],
    ['maxBodyLength, object', post({ a: long }, limit)],
  ])('%s', (_name, run) => pair.both(run)) // biome-ignore format: rows

  test.each([
    ['FormData', () => {
      const data = new FormData()
      data.set('a', long)
      return data
    }],
    ['Blob', () => new Blob([long])],
  ])('maxBodyLength, %s', async (_name, make) => {
    const refused = pair.ours.post(`${pair.server.origin}/echo`, make(), limit)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_BAD_REQUEST', message: 'Request body larger than maxBodyLength limit' })
    expect(pair.server.seen).toEqual([])
  }) // biome-ignore format: rows
})

describe('headers', () => {
  test.each<Row>([
    get('User-Agent', '/echo', { headers: { 'User-Agent': 'own/1' } }),
    get('no User-Agent', '/echo', { headers: { 'User-Agent': false } as any }),
    get('Accept-Encoding', '/echo', { headers: { 'accept-encoding': 'br' } }),
    get('no Accept-Encoding', '/echo', { headers: { 'Accept-Encoding': null } as any }),
    get('zstd by transitional', '/echo', { transitional: { advertiseZstdAcceptEncoding: true } as any }),
    get('several lines', '/echo', { headers: { 'X-Many': ['a', 'b'] } as any }),
    get('line breaks', '/echo', { headers: { 'X-Test': '\tok\r\nInjected: yes ' } }),
    get('text beyond bytes', '/echo', { headers: { 'X-Test': 'caf\u00e9 中 ok' } }),
    get('a name with a blank', '/echo', { headers: { 'a b': 'c' } }),
    ['a method of its own', (client, at) => client.request({ url: `${at}/echo`, method: 'purge' })],
    ['OPTIONS with data', (client, at) => client.request({ url: `${at}/echo`, method: 'options', data: 'x' })],
    ['a method that is none', (client, at) => client.request({ url: `${at}/echo`, method: 'a b' })],
  ])('%s', (_name, run) => pair.both(run))

  test('the User-Agent names the version of axios', async () => {
    await pair.ours.get(`${pair.server.origin}/echo`)
    expect(pair.server.seen[0]!.headers).toContain(`axios/${axios.VERSION}`)
  })

  test('the config shows the headers that were sent', async () => {
    const { config } = await pair.ours.get(`${pair.server.origin}/echo`)
    expect(config.headers.get('Accept-Encoding')).toBe('gzip, compress, deflate, br')
  })

  test.each(['Upgrade', 'Expect', 'Trailer'])('%s is refused by name', async name => {
    const refused = pair.ours.get(`${pair.server.origin}/echo`, { headers: { [name]: 'x' } })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_NOT_SUPPORT', message: expect.stringContaining(name) })
  })

  test('headers of the connection are left out', async () => {
    const headers = { Host: 'other', Connection: 'close', 'Keep-Alive': 'timeout=1', 'Transfer-Encoding': 'chunked' }
    await pair.ours.post(`${pair.server.origin}/echo`, 'x', { headers })
    const [{ headers: lines }] = pair.server.seen as any
    expect(lines).toContain(pair.server.origin.slice('http://'.length))
    expect(lines).not.toContain('other')
    expect(lines.map((text: string) => text.toLowerCase())).not.toContain('transfer-encoding')
  })
})

describe('where it goes', () => {
  const withCredentials =
    (credentials: string, path: string) =>
    (client: any, at: string, config: object = {}) =>
      client.get(at.replace('http://', `http://${credentials}@`) + path, config)
  test.each<Row>([
    ['credentials in the URL', withCredentials('my%40email.com:pa%24ss', '/echo')],
    ['a password alone', withCredentials(':secret', '/echo')],
    ['a user alone', withCredentials('user', '/echo')],
    ['credentials that are no percent-encoding', withCredentials('user%:foo%zz', '/echo')],
    ['auth beats the URL', (client, at) => withCredentials('a:b', '/echo')(client, at, { auth: { username: 'c', password: 'd' } })],
    ['the URL beats a header', (client, at) => withCredentials('a:b', '/echo')(client, at, { headers: { authorization: 'own' } })],
    get('auth without a password', '/echo', { auth: { username: 'a' } as any }),
    ['no URL', client => client.get('/echo')],
    ['a bad address', client => client.get('http://192.168.0.285')],
    ['another scheme', client => client.get('ftp://example.com/')],
    ['a scheme without slashes', client => client.get('tel:484-695-3408')],
    ['http without slashes', client => client.get('http:/example.com/users')],
    ['the same behind control characters', client => client.get('\u0000https:example.com/users')],
    ['baseURL without slashes', client => client.get('/a', { baseURL: 'https:example.com' })],
    get('params that throw', '/echo', { params: { a: new Date(Number.NaN) } }),
    get('params that are circular', '/echo', { params: (() => { const a: any = { b: {} }; a.b.a = a; return a })() }),
    get('params that are too deep', '/echo', { params: { a: { b: { c: 1 } } }, paramsSerializer: { maxDepth: 1 } as any }),
    get('params: metaTokens', '/echo', { params: { 'a{}': { b: 1 } } }),
    get('params: no metaTokens', '/echo', { params: { 'a{}': { b: 1 } }, paramsSerializer: { metaTokens: false } as any }),
    get('params: visitor', '/echo', {
      params: { a: 1, b: { c: 2 } },
      paramsSerializer: { visitor(this: any, value: any, key: any, path: any, helpers: any) {
        if (key !== 'a') return helpers.defaultVisitor.call(this, value, key, path, helpers)
        this.append('own', 'x')
        return false
      } } as any,
    }),
    get('params: a function', '/echo', { params: { a: 1 }, paramsSerializer: (() => 'mine=1') as any }),
    get('params: text that is no query', '/echo', { params: { a: 1 }, paramsSerializer: { serialize: () => 'a b' } }),
    get('params: booleans, null and Sets', '/echo', { params: { a: true, b: null, c: new Set([1]), d: [true, null, 'x'] } }),
    get('a path with dots and blanks', '/a/../echo?x=y z'),
    get('a fragment', '/echo#part'),
  ])('%s', (_name, run) => pair.both(run)) // biome-ignore format: rows

  test.each(['socketPath', 'transport', 'lookup', 'family', 'http2Options', 'insecureHTTPParser'])('%s is refused by name', async name => {
    const refused = pair.ours.get(`${pair.server.origin}/echo`, { [name]: 4 })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_NOT_SUPPORT', message: expect.stringContaining(`${name} cannot be honoured`) })
  })

  test('httpVersion 2 is refused, 1 is what there is', async () => {
    await expect(pair.ours.get(`${pair.server.origin}/echo`, { httpVersion: 2 })).rejects.toMatchObject({ code: 'ERR_NOT_SUPPORT' })
    expect((await pair.ours.get(`${pair.server.origin}/echo`, { httpVersion: 1 })).status).toBe(200)
  })

  test('an agent has no effect, which is said once', async () => {
    const said: string[] = []
    const hear = (warning: Error) => said.push(warning.message)
    process.on('warning', hear)
    for (let i = 0; i < 2; i++) await pair.ours.get(`${pair.server.origin}/echo`, { httpAgent: {}, httpsAgent: undefined })
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', hear)
    expect(said).toEqual([expect.stringContaining('httpAgent has no effect under mesh.axios()')])
  })

  test('nothing is read of a polluted prototype', async () => {
    const polluted = { maxRedirects: 0, params: { a: 'b' }, auth: { username: 'evil' }, data: 'x', transport: {}, responseType: 'stream' }
    Object.assign(Object.prototype, polluted)
    try {
      const response = await pair.ours.get(`${pair.server.origin}/302`)
      expect([response.status, response.data]).toEqual([200, 'hello, wörld'])
    } finally {
      for (const name of Object.keys(polluted)) delete (Object.prototype as any)[name]
    }
    expect(pair.server.seen.map(s => [s.url, s.body, s.headers.includes('authorization')])).toEqual([
      ['/302', '', false],
      ['/echo?x=1', '', false],
    ])
  })
})
