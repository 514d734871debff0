/** axios over a mesh that governs nothing: `mode: 'off'`, `mode: 'observe'`, and one that was closed. */
import { Readable } from 'node:stream'
import axios, { type AxiosInstance } from 'axios'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMesh, type Mesh, outcomeOf } from '../../src/index.ts'
import { loopback } from '../adapters/outbound/loopback.ts'

let server: Awaited<ReturnType<typeof loopback>>
beforeAll(async () => {
  server = await loopback({ '/hang': () => {}, '/begin': (_q, r) => void r.write('begin') })
})
afterAll(() => server.close())

describe.each<[string, () => Promise<Mesh>]>([
  ['off', async () => createMesh({ mode: 'off' })],
  ['observe', async () => createMesh({ mode: 'observe' })],
  ['closed', async () => {
    const mesh = createMesh({})
    await mesh.close()
    return mesh
  }],
])('%s', (name, make) => {
  let mesh: Mesh
  let client: AxiosInstance
  beforeAll(async () => {
    mesh = await make()
    client = axios.create({ baseURL: server.origin, adapter: mesh.axios() })
  })
  afterAll(() => mesh.close())

  test('responses: decoded, redirected, refused by status, of every length', async () => {
    for (const path of ['/echo', '/gzip', '/302']) expect((await client.get(path)).data).toBe('hello, wörld')
    expect((await client.get('/large')).data).toHaveLength(300_000)
    expect(await client.get('/404').catch(e => [e.code, e.response.data])).toEqual(['ERR_BAD_REQUEST', 'no'])
    expect((await client.head('/echo')).data).toBe('')
  })

  test('bodies: text and streams', async () => {
    server.seen.length = 0
    await client.post('/echo', { a: 1 })
    await client.post('/echo', Readable.from(['some', 'data']))
    expect(server.seen.map(s => s.body)).toEqual(['{"a":1}', 'somedata'])
  })

  test('errors: nobody listens, a timeout, a stream that is cancelled', async () => {
    const gone = await loopback()
    await gone.close()
    await expect(client.get(gone.origin)).rejects.toMatchObject({ code: 'ECONNREFUSED', isAxiosError: true })
    await expect(client.get('/hang', { timeout: 100 })).rejects.toMatchObject({ code: 'ECONNABORTED' })
    const controller = new AbortController()
    const { data } = await client.get('/begin', { responseType: 'stream', signal: controller.signal })
    controller.abort()
    await expect(data.toArray()).rejects.toMatchObject({ code: 'ERR_CANCELED' })
  })

  test('outcomes are known where they are observed', async () => {
    expect(outcomeOf(await client.get('/echo'))?.details).toBe(name === 'observe' ? 'via_upstream' : undefined)
  })
}) // biome-ignore format: rows
