/** What axios makes of responses that come through a mesh, beside its own Node adapter: kinds, codings, limits, data URLs, broken bodies. */
import { Readable } from 'node:stream'
import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { get, type Row, sideBySide } from './side-by-side.ts'

const zipped = (type: string, bytes: Buffer) => (_q: unknown, r: any) => r.writeHead(200, { 'content-encoding': type }).end(bytes)
const cut = (type?: string) => (_q: unknown, r: any) => {
  r.writeHead(200, { ...(type === undefined ? {} : { 'content-encoding': type }), 'content-length': 1000 })
  r.write(type === undefined ? 'some' : zlib.gzipSync('some'))
  setTimeout(() => r.socket.destroy(), 10)
}
const pair = sideBySide({
  '/compress': zipped('compress', zlib.gzipSync('hello')),
  '/GZIP': zipped('GZIP', zlib.gzipSync('hello')),
  '/zstd': zipped('zstd', Buffer.from('nothing decodes this here')),
  '/cut': cut(),
  '/cut-gzip': cut('gzip'),
  '/repeated': (_q, r) => {
    r.setHeader('X-Many', ['a', 'b'])
    r.setHeader('Set-Cookie', ['a=1', 'b=2'])
    r.setHeader('Vary', ['x', 'y'])
    r.end('x')
  },
})
const text = async (data: any) => Buffer.concat(await Readable.from(data).toArray()).toString()
const stream = (name: string, path: string, config: object = {}): Row => [
  `stream: ${name}`,
  async (client, at) => {
    const response = await client.get(at + path, { responseType: 'stream', ...config })
    return { status: response.status, data: await text(response.data).catch(e => [e.code, e.message, e.isAxiosError]) }
  },
]

describe('kinds of data', () => {
  test.each<Row>([
    get('document', '/json', { responseType: 'document' }),
    get('an unknown kind', '/json', { responseType: 'other' as any }),
    get('text, transformed', '/json', { responseType: 'text', transformResponse: [(data: string) => data.length] }),
    get('no transform', '/json', { transformResponse: [] }),
    get('parseReviver or not', '/json', { parseReviver: (_key: string, value: unknown) => value } as any),
    get('arraybuffer, empty', '/empty', { responseType: 'arraybuffer' }),
    get('base64', '/binary', { responseEncoding: 'base64' }),
    get('an unknown encoding', '/binary', { responseEncoding: 'nonsense' }),
    get('BOM as it is', '/bom', { responseEncoding: 'latin1', responseType: 'text' }),
    get('several lines of a header', '/repeated'),
    get('205', '/205'),
    get('599', '/599', { validateStatus: () => true }),
    get('700', '/700', { validateStatus: () => true }),
    get('reason', '/reason'),
    get('early hints', '/hints'),
    get('a status that is thought of', '/404', { validateStatus: status => status === 404 }),
    ['HEAD of what is coded', (client, at) => client.head(`${at}/gzip`)],
    ['OPTIONS', (client, at) => client.options(`${at}/echo`)],
    stream('plain', '/chunked'),
    stream('gzip', '/gzip'),
    stream('empty', '/empty'),
    stream('of an accepted error', '/500', { validateStatus: null }),
    [
      'the stream of an error',
      async (client, at) => text((await client.get(`${at}/404`, { responseType: 'stream' }).catch(e => e)).response.data),
    ],
  ])('%s', (_name, run) => pair.both(run))

  test('blob and formdata are what they say (the Node adapter of axios gives text)', async () => {
    const { data: blob } = await pair.ours.get(`${pair.server.origin}/json`, { responseType: 'blob' })
    expect([blob instanceof Blob, blob.type, await blob.text()]).toEqual([true, 'application/json', '{"a":[1,2,{"b":null}]}'])
    const { data: form } = await pair.ours.get(`${pair.server.origin}/form`, { responseType: 'formdata' })
    expect([...form]).toEqual([['a', '1'], ['b', 'two words'], ['a', '3']]) // biome-ignore format: one line
  })

  test('the request shows what people read of it', async () => {
    const { request } = await pair.ours.get(`${pair.server.origin}/302`, { headers: { 'X-Own': 'a' } })
    expect(request).toMatchObject({
      method: 'GET', protocol: 'http:', host: '127.0.0.1', path: '/echo?x=1', responseURL: `${pair.server.origin}/echo?x=1#there`,
      res: { responseUrl: `${pair.server.origin}/echo?x=1#there`, statusCode: 200, statusMessage: 'Fine' },
      _redirectable: { _redirectCount: 1 },
    }) // biome-ignore format: one line
    expect([request.getHeader('x-own'), request.getHeaders()['user-agent']]).toEqual(['a', expect.stringMatching(/^axios\//)])
  })
})

describe('codings', () => {
  test.each<Row>([
    ...['gzip', 'GZIP', 'x-gzip', 'deflate', 'deflate-raw', 'br', 'compress', 'identity', 'empty-gzip', 'bad-gzip'].map(c =>
      get(c, `/${c}`),
    ),
    get('one that nobody knows', '/unknown-coding'),
    get('several: as they are', '/stack', { responseType: 'arraybuffer' }),
    get('not decoded', '/gzip', { decompress: false, responseType: 'arraybuffer' }),
    get('truncated', '/truncated-gzip'),
    stream('not decoded', '/gzip', { decompress: false }),
    stream('bad gzip', '/bad-gzip'),
  ])('%s', (_name, run) => pair.both(run))
})

describe('maxContentLength', () => {
  test.each<Row>([
    get('that fits', '/large', { maxContentLength: 300_000 }),
    get('of decoded bytes', '/gzip-large', { maxContentLength: 1000 }),
    get('0', '/echo', { maxContentLength: 0 }),
    get('after a redirect', '/302', { maxContentLength: 3 }),
    stream('too long', '/large', { maxContentLength: 1000 }),
    stream('too long, coded', '/gzip-large', { maxContentLength: 1000 }),
    stream('that fits', '/chunked', { maxContentLength: 1000 }),
  ])('%s', (_name, run) => pair.both(run))
})

describe('data URLs', () => {
  const data = (name: string, url: string, config: object = {}): Row => [name, client => client.get(url, config)]
  const base64 = `data:application/octet-stream;base64,${Buffer.from('123').toString('base64')}`
  test.each<Row>([
    data('a Buffer', base64),
    data('text', base64, { responseType: 'text' }),
    data('text that is not base64', 'data:text/plain;charset=utf-8,a%20b%C3%BC', { responseType: 'text' }),
    data('base64 in percents', 'data:;base64,MT%49z', { responseType: 'text' }),
    data('nothing', 'data:,', { responseType: 'text' }),
    data('another encoding', base64, { responseType: 'text', responseEncoding: 'hex' }),
    data('what is none', 'data:text'),
    data('bad percents', 'data:,%zz'),
    data('too long', base64, { maxContentLength: 2 }),
    data('long enough', base64, { maxContentLength: 3, responseType: 'text' }),
    data('a Blob', base64, { responseType: 'blob' }),
    ['a stream', async client => text((await client.get(base64, { responseType: 'stream' })).data)],
    ['POST', client => client.post(base64, 'x')],
  ])('%s', (_name, run) => pair.both(run))
})

describe('a body that breaks', () => {
  test.each<Row>([get('plain', '/cut'), get('coded', '/cut-gzip'), stream('plain', '/cut'), stream('coded', '/cut-gzip')])(
    '%s',
    (_name, run) => pair.both(run),
  )

  test('a stream that nobody listens to ends no process', async () => {
    const uncaught: unknown[] = []
    const hear = (error: unknown) => uncaught.push(error)
    process.on('uncaughtException', hear)
    for (const path of ['/cut', '/cut-gzip']) {
      const { data } = await pair.ours.get(pair.server.origin + path, { responseType: 'stream' })
      data.resume()
      await new Promise(resolve => data.once('close', resolve))
      expect(data.errored).toMatchObject({ code: 'ECONNRESET' })
    }
    process.off('uncaughtException', hear)
    expect(uncaught).toEqual([])
  })
})
