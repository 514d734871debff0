/** Request streams that break, end early or were used already; whatever happens, the request ends and the process lives on. */
import { createReadStream } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable, Stream } from 'node:stream'
import axios from 'axios'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMesh, type Mesh } from '../../../src/index.ts'
import { fakeTransport } from '../../../src/testing/index.ts'
import { type Row, sideBySide } from './side-by-side.ts'

const pair = sideBySide()
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

let uncaught: unknown[] = []
const hear = (error: unknown) => uncaught.push(error)
beforeEach(() => {
  uncaught = []
  process.on('uncaughtException', hear)
  process.on('unhandledRejection', hear)
})
afterEach(async () => {
  await turns(5)
  process.off('uncaughtException', hear)
  process.off('unhandledRejection', hear)
  expect(uncaught).toEqual([])
})

const disk = () => Object.assign(new Error('disk'), { code: 'EIO' })
const endless = () => new Readable({ read() { setImmediate(() => this.push('x')) } }) // biome-ignore format: one line
const inAMoment = (run: () => void) => void setTimeout(run, 20)

describe('as with the Node adapter of axios', () => {
  const post = (name: string, make: () => unknown): Row => [name, (client, at) => client.post(`${at}/echo`, make())]
  test.each<Row>([
    post('a file that is not there', () => createReadStream('/not/there')),
    post('an error while it is read', () => {
      const stream = endless()
      inAMoment(() => stream.destroy(disk()))
      return stream
    }),
    post('destroyed while it is read', () => {
      const stream = endless()
      inAMoment(() => stream.destroy())
      return stream
    }),
    post('an error of a read', () => new Readable({ read() { this.destroy(disk()) } })),
    post('an old stream that breaks', () => {
      const stream: any = new Stream()
      inAMoment(() => stream.emit('error', disk()))
      return stream
    }),
  ])('%s', (_name, run) => pair.both(run)) // biome-ignore format: rows
})

describe('what its adapter waits for without end', () => {
  const ended = async () => {
    const stream = Readable.from(['x'])
    await stream.toArray()
    return stream
  }
  const destroyed = (error?: Error) => async () => {
    const stream = new PassThrough()
    stream.on('error', () => {})
    stream.destroy(error)
    await turns(2)
    return stream
  }
  const web = (start: (controller: ReadableStreamDefaultController) => void) => () => new ReadableStream({ start })
  test.each<[string, () => any, object]>([
    ['destroyed before', destroyed(), { code: 'ERR_CANCELED', message: 'Request stream has been aborted', __CANCEL__: true }],
    ['broken before', destroyed(disk()), { code: 'EIO', message: 'disk' }],
    ['read to its end before', ended, { code: 'ERR_BAD_REQUEST', message: expect.stringContaining('was read already') }],
    ['of the web, broken before', web(controller => controller.error(disk())), { code: 'EIO', message: 'disk' }],
    ['of the web, broken while it is read', web(controller => {
      controller.enqueue('x')
      inAMoment(() => controller.error(disk()))
    }), { code: 'EIO' }],
    ['of the web, locked', () => {
      const stream = new ReadableStream()
      stream.getReader()
      return stream
    }, { code: 'ERR_BAD_REQUEST', message: expect.stringContaining('locked') }],
    ['of the web, read before', async () => {
      const stream = new Blob(['x']).stream()
      for await (const _chunk of stream as any);
      return stream
    }, { code: 'ERR_BAD_REQUEST', message: expect.stringContaining('was read already') }],
    ['an iteration that throws', async function* () {
      yield 'x'
      throw disk()
    }, { code: 'EIO', message: 'disk' }],
    ['chunks that are no bytes', () => Readable.from([{ a: 1 }]), { message: expect.stringContaining('bytes or strings; received object') }],
  ])('%s', async (_name, make, wanted) => {
    const error = await pair.ours.post(`${pair.server.origin}/echo`, await make(), { transformRequest: [] }).catch(e => e)
    expect(error).toMatchObject({ isAxiosError: true, ...wanted })
    expect(axios.isCancel(error)).toBe(error.code === 'ERR_CANCELED')
  }) // biome-ignore format: rows
})

describe('what is sent', () => {
  test.each<[string, () => any]>([
    ['of the web', () => new Blob(['some', 'data']).stream()],
    ['an iteration', async function* () {
      yield 'some'
      yield new Uint8Array(Buffer.from('data')).buffer
    }],
    ['a PassThrough', () => Readable.from(['some', 'data']).pipe(new PassThrough())],
  ])('%s', async (_name, make) => {
    const response = await pair.ours.post(`${pair.server.origin}/echo`, make(), { transformRequest: [] })
    expect([response.status, pair.server.seen[0]!.body]).toEqual([200, 'somedata'])
  }) // biome-ignore format: rows

  test('an error after the request is over changes nothing', async () => {
    const stream = Readable.from(['x'])
    await pair.ours.post(`${pair.server.origin}/echo`, stream)
    stream.emit('error', disk())
  })

  test.each<[string, (mesh: Mesh, at: string) => [string, object]]>([
    ['a config that is refused', () => ['ftp://nowhere/', {}]],
    ['a config that cannot be honoured', () => ['http://nowhere/', { socketPath: '/x' }]],
    ['a reply of the mesh', () => ['http://nowhere.test/', {}]],
  ])('a stream that breaks after %s', async (_name, to) => {
    const mesh = createMesh({
      transport: fakeTransport({ '*': 'refuse' }),
      meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
    })
    const client = axios.create({ adapter: mesh.axios() })
    const stream = createReadStream('/not/there')
    const [url, config] = to(mesh, pair.server.origin)
    await client.post(url, stream, config).catch(() => {})
    if (!stream.closed) await new Promise(resolve => stream.once('close', () => resolve(undefined)))
    await mesh.close()
  })

  test('a request that fails lets its stream go', async () => {
    const streams = [endless(), endless()]
    const controller = new AbortController()
    inAMoment(() => controller.abort())
    await Promise.allSettled([
      pair.ours.post('http://127.0.0.1:1/', streams[0]),
      pair.ours.post(`${pair.server.origin}/echo`, streams[1], { signal: controller.signal }),
    ])
    await turns(3)
    expect(streams.map(stream => stream.destroyed)).toEqual([true, true])
  })

  test('destroying the request stream ends the response stream that has begun', async () => {
    const echo = http.createServer((request, response) => void request.pipe(response))
    await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve))
    const stream = endless()
    const url = `http://127.0.0.1:${(echo.address() as AddressInfo).port}/`
    const { data } = await pair.ours.post(url, stream, { responseType: 'stream' })
    inAMoment(() => stream.destroy())
    await expect(data.toArray()).rejects.toMatchObject({ code: 'ERR_CANCELED', message: 'Request stream has been aborted' })
    echo.closeAllConnections()
    echo.close()
  })
})
