/** Responses, requests and failures of axios over a mesh, beside those of its own Node adapter. */
import { Readable } from 'node:stream'
import axios from 'axios'
import { describe, expect, test } from 'vitest'
import { outcomeOf } from '../../../src/index.ts'
import { loopback } from '../outbound/loopback.ts'
import { get, type Row, sideBySide } from './side-by-side.ts'

const pair = sideBySide({
  '/hang': () => {},
  '/slow-body': (_q, r) => void r.write('begin'),
  '/reset': q => void q.socket.destroy(),
})
describe('responses', () => {
  const rows: Row[] = [
    get('text', '/echo'),
    get('json by itself', '/json'),
    get('json asked for', '/json', { responseType: 'json' }),
    get('text kept as text', '/json', { responseType: 'text' }),
    get('bad json is text', '/badjson'),
    get('bad json asked for strictly', '/badjson', { responseType: 'json', transitional: { silentJSONParsing: false } }),
    get('BOM', '/bom'),
    get('arraybuffer', '/binary', { responseType: 'arraybuffer' }),
    get('latin1', '/binary', { responseEncoding: 'latin1' }),
    get('empty', '/empty'),
    get('204', '/204'),
    get('gzip', '/gzip'),
    get('br', '/br'),
    get('large', '/large'),
    get('304 is refused', '/304'),
    get('404', '/404'),
    get('500', '/500'),
    get('404 accepted', '/404', { validateStatus: () => true }),
    get('no validateStatus', '/500', { validateStatus: null }),
    get('own transform', '/echo', { transformResponse: data => `<${data}>` }),
    get('redirect', '/302'),
    get('redirect not followed', '/302', { maxRedirects: 0 }),
    get('too many redirects', '/loop', { maxRedirects: 3 }),
    get('maxContentLength', '/large', { maxContentLength: 100 }),
    ['HEAD', (client, at) => client.head(`${at}/echo`)],
    ['stream', async (client, at) => (await (await client.get(`${at}/large`, { responseType: 'stream' })).data.toArray()).reduce((n: number, c: Buffer) => n + c.length, 0)],
    ['the error’s body is a stream too', (client, at) => client.get(`${at}/404`, { responseType: 'stream' })],
  ] // biome-ignore format: rows
  test.each(rows)('%s', (_name, run) => pair.both(run))

  test('download progress reaches the end', async () => {
    const seen: any[] = []
    await pair.ours.get(`${pair.server.origin}/large`, { onDownloadProgress: event => seen.push(event) })
    expect(seen.at(-1)).toMatchObject({ loaded: 300_000, total: 300_000, progress: 1, download: true })
  })

  test('outcomeOf knows how it went', async () => {
    expect(outcomeOf(await pair.ours.get(`${pair.server.origin}/echo`))).toMatchObject({ details: 'via_upstream', attempts: 1 })
  })
})

describe('requests', () => {
  const form = () => {
    const data = new FormData()
    data.set('a', 'ä')
    return data
  }
  const params = {
    a: 1,
    b: [1, 'zwei', null],
    c: { d: 'e', f: [1, { g: 2 }] },
    h: new Date(0),
    i: null,
    j: undefined,
    'k[]': [3],
    l: 'x:y $,[] ü&=+',
    m: true,
  }
  const rows: Row[] = [
    get('params', '/echo', { params }),
    get('params and a query', '/echo?x=y#z', { params: { a: 'b' } }),
    get('params: URLSearchParams', '/echo', { params: new URLSearchParams('a=b c') }),
    get('params: indexes null', '/echo', { params, paramsSerializer: { indexes: null } }),
    get('params: indexes true', '/echo', { params, paramsSerializer: { indexes: true } }),
    get('params: dots', '/echo', { params, paramsSerializer: { dots: true } }),
    get('params: own encode', '/echo', { params: { a: 'b' }, paramsSerializer: { encode: value => `_${value}_` } }),
    get('params: own serialize', '/echo', { params, paramsSerializer: { serialize: () => 'mine=1' } }),
    get('headers', '/echo', { headers: { 'X-A': 'b', 'X-None': undefined } }),
    get('auth', '/echo', { auth: { username: 'jürgen', password: 'p:w' }, headers: { Authorization: 'other' } }),
    ['baseURL', (client, at) => client.get('/echo', { baseURL: `${at}//` })],
    ['an absolute URL beats baseURL', (client, at) => client.get(`${at}/echo`, { baseURL: 'http://other.test' })],
    ['allowAbsoluteUrls: false', (client, at) => client.get('echo', { baseURL: at, allowAbsoluteUrls: false })],
    ['json', (client, at) => client.post(`${at}/echo`, { a: [1, 'ü'] })],
    ['string', (client, at) => client.post(`${at}/echo`, 'text')],
    ['string as json', (client, at) => client.post(`${at}/echo`, 'text', { headers: { 'Content-Type': 'application/json' } })],
    ['URLSearchParams', (client, at) => client.post(`${at}/echo`, new URLSearchParams({ a: 'b c' }))],
    ['an object as form', (client, at) => client.postForm(`${at}/echo`, { a: 'b' })],
    ['FormData', (client, at) => client.post(`${at}/echo`, form())],
    ['Buffer', (client, at) => client.put(`${at}/echo`, Buffer.from('bytes'))],
    ['Node stream', (client, at) => client.post(`${at}/echo`, Readable.from([Buffer.from('a'), Buffer.from('b')]))],
    ['PATCH without data', (client, at) => client.patch(`${at}/echo`)],
    ['DELETE with data', (client, at) => client.delete(`${at}/echo`, { data: { a: 1 } })],
    ['GET with data', (client, at) => client.get(`${at}/echo`, { data: 'query' })],
    ['maxBodyLength', (client, at) => client.post(`${at}/echo`, 'x'.repeat(100), { maxBodyLength: 10 })],
  ] // biome-ignore format: rows
  test.each(rows)('%s', (_name, run) => pair.both(run))

  test('upload progress reaches the end', async () => {
    const seen: any[] = []
    await pair.ours.post(`${pair.server.origin}/echo`, 'x'.repeat(200_000), { onUploadProgress: event => seen.push(event) })
    expect(seen.at(-1)).toMatchObject({ loaded: 200_000, total: 200_000, upload: true })
    expect(pair.server.seen[0]!.body.length).toBe(200_000)
  })

  test.each(['socketPath', 'transport', 'lookup'])('%s is refused by name', async name => {
    await expect(pair.ours.get(`${pair.server.origin}/echo`, { [name]: () => {} })).rejects.toMatchObject({
      code: 'ERR_NOT_SUPPORT',
      message: expect.stringContaining(name),
    })
  })
  test('a proxy is refused by name', async () => {
    await expect(pair.ours.get(`${pair.server.origin}/echo`, { proxy: { host: 'p', port: 1 } })).rejects.toMatchObject({
      code: 'ERR_NOT_SUPPORT',
    })
  })
})

describe('failures', () => {
  const rows: Row[] = [
    get('timeout', '/hang', { timeout: 150 }),
    get('timeout with its own text', '/hang', { timeout: 150, timeoutErrorMessage: 'too slow' }),
    get('clarified timeout', '/hang', { timeout: 150, transitional: { clarifyTimeoutError: true } }),
    ['a signal', (client, at) => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(), 150)
      return client.get(`${at}/hang`, { signal: controller.signal })
    }],
    ['a signal that is aborted already', (client, at) => client.get(`${at}/echo`, { signal: AbortSignal.abort() })],
    ['a cancel token', (client, at) => {
      const source = axios.CancelToken.source()
      setTimeout(() => source.cancel('no more'), 150)
      return client.get(`${at}/hang`, { cancelToken: source.token })
    }],
    ['nobody listens', client => client.get('http://127.0.0.1:2/')],
  ] // biome-ignore format: rows
  test.each(rows)('%s', (_name, run) => {
    // fetch refuses low ports by itself; the code of a refused connection is tested with a high one.
    if (_name === 'nobody listens') return expectRefused()
    return pair.both(run)
  })

  async function expectRefused() {
    const gone = await loopback()
    await gone.close()
    for (const client of [pair.theirs, pair.ours])
      await expect(client.get(gone.origin)).rejects.toMatchObject({
        code: 'ECONNREFUSED',
        isAxiosError: true,
        message: `connect ECONNREFUSED 127.0.0.1:${gone.port}`,
      })
  }

  test('a timeout in the body says so (the Node adapter of axios speaks of an aborted stream)', async () => {
    await expect(pair.ours.get(`${pair.server.origin}/slow-body`, { timeout: 150 })).rejects.toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 150ms exceeded',
    })
  })

  test('a reset', async () => {
    for (const client of [pair.theirs, pair.ours])
      await expect(client.get(`${pair.server.origin}/reset`)).rejects.toMatchObject({ code: 'ECONNRESET', isAxiosError: true })
  })

  test('no listener stays on the caller’s signal', async () => {
    const { signal } = new AbortController()
    let listeners = 0
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
    await pair.ours.get(`${pair.server.origin}/echo`, { signal })
    await pair.ours.get(`${pair.server.origin}/404`, { signal }).catch(() => {})
    await (await pair.ours.get(`${pair.server.origin}/large`, { signal, responseType: 'stream' })).data.toArray()
    await new Promise(resolve => setImmediate(resolve))
    expect(listeners).toBe(0)
  })

  test('without axios’ own transform the error is still one for isAxiosError', async () => {
    const error = await pair.ours.get(`${pair.server.origin}/404`, { transformResponse: [] }).catch(e => e)
    expect([axios.isAxiosError(error), error.code, error.response.status]).toEqual([true, 'ERR_BAD_REQUEST', 404])
  })
})
