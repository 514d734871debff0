/** Bodies of other realms and libraries, and streams that are no longer wanted. */
import { Readable } from 'node:stream'
import vm from 'node:vm'
import { describe, expect, test } from 'vitest'
import { isFormerFetch, type Row, startComparison } from './compare.ts'
import { loopback } from './loopback.ts'

const peers = startComparison()
const { both } = peers
const undici = await import('undici')
const foreign = (code: string) => vm.runInNewContext(code)
const post = (name: string, body: () => unknown, init: object = {}): Row => [
  name,
  (fetch, at) => fetch(`${at}/echo`, { method: 'POST', body: body() as BodyInit, ...init }),
]

describe('bytes', () => {
  const rows = [
    post('an ArrayBuffer of another realm', () => foreign('new Uint8Array([65, 66]).buffer')),
    post('a Uint8Array of another realm', () => foreign('new Uint8Array([65, 66])')),
    post('a part of one', () => foreign('new Uint8Array([65, 66, 67]).subarray(1)')),
    post('a Uint16Array of another realm', () => foreign('new Uint16Array([65, 66])')),
    post('a DataView of another realm', () => foreign('new DataView(new Uint8Array([65, 66]).buffer, 1)')),
    post('a SharedArrayBuffer', () => new SharedArrayBuffer(2)),
    ...(isFormerFetch ? [post('a view of a SharedArrayBuffer', () => new Uint8Array(new SharedArrayBuffer(2)))] : []),
    post('a resizable ArrayBuffer', () => new (ArrayBuffer as any)(2, { maxByteLength: 4 })),
    post('an array', () => [1, 2]),
  ]
  test.each(rows)('%s', (_name, run) => both(run))

  test('of a buffer that was transferred are none', async () => {
    const body = new TextEncoder().encode('gone')
    structuredClone(body.buffer, { transfer: [body.buffer] })
    await (await peers.mesh.fetch(`${peers.server.origin}/echo`, { method: 'POST', body })).text()
    expect(peers.server.seen[0]!.body).toBe('')
  })

  test.each([
    ['a Buffer', Buffer.from('before')],
    ['a Uint8Array', new TextEncoder().encode('before')],
    ['a DataView', new DataView(new TextEncoder().encode('before').buffer)],
  ])('%s may be changed once fetch was called', async (_name, body) => {
    const asked = peers.mesh.fetch(`${peers.server.origin}/echo`, { method: 'POST', body })
    new Uint8Array(body.buffer, body.byteOffset, body.byteLength).fill(120)
    await (await asked).text()
    expect(peers.server.seen[0]!.body).toBe('before')
  })
})

describe('objects of another library', () => {
  const form = () => {
    const data = new undici.FormData()
    data.set('a', 'ä')
    data.append('f', new Blob(['file'], { type: 'text/x' }), 'name.txt')
    return data
  }
  const blobLike = () => ({
    [Symbol.toStringTag]: 'Blob',
    type: 'x/y',
    size: 4,
    stream: () => new Blob(['like']).stream(),
    arrayBuffer: async () => new TextEncoder().encode('like').buffer,
  })
  const rows = [
    ...(isFormerFetch ? [post('FormData of undici', form), post('what is like a Blob', blobLike, { headers: { 'x-a': 'b' } })] : []),
    post('what is like URLSearchParams is text', () => ({ toString: () => 'a=b' })),
  ]
  // fetch measures what is like a Blob, but sends it in chunks.
  const withoutLength = (view: any) =>
    Array.isArray(view?.headers)
      ? { ...view, headers: view.headers.filter((line: unknown) => !/length|chunked|transfer/i.test(String(line))) }
      : view
  test.each(rows)('%s', (_name, run) => both(run, withoutLength))

  test('a Request of undici', async () => {
    const request = new undici.Request(`${peers.server.origin}/echo`, { method: 'POST', body: form(), headers: { a: 'b' } })
    const response = await peers.mesh.fetch(request as unknown as Request)
    expect([response.status, peers.server.seen[0]!.body]).toEqual([200, expect.stringContaining('filename="name.txt"')])
  })
  test('Headers of undici', () =>
    both((fetch, at) => fetch(`${at}/echo`, { headers: new undici.Headers({ a: 'b' }) as unknown as Headers })))
  test('a file in FormData like that of a browser', async () => {
    const like = {
      [Symbol.toStringTag]: 'FormData',
      append() {},
      getAll: () => [],
      *[Symbol.iterator]() {
        yield ['a', 'b']
        yield ['f', { ...blobLike(), [Symbol.toStringTag]: 'File', name: 'n.txt' }]
      },
    }
    await (await peers.mesh.fetch(`${peers.server.origin}/echo`, { method: 'POST', body: like as unknown as FormData })).text()
    expect(peers.server.seen[0]!.body).toMatch(/filename="n.txt"\r\nContent-Type: x\/y\r\n\r\nlike\r\n/)
  })
})

describe('chunks', () => {
  const half = { duplex: 'half' }
  const stream = (...chunks: unknown[]) =>
    new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk)
        controller.close()
      },
    })
  const rows = [
    post('of another realm', () => stream(foreign('new Uint8Array([65])')), half),
    post('text', () => stream('ä'), half),
    post('an array from an async iterable', () => (async function* () { yield [65, 66] })(), half), // biome-ignore format: one line
    post('a stream that is cancelled', () => {
      const cancelled = stream('x')
      void cancelled.cancel()
      return cancelled
    }, half), // biome-ignore format: a row
    post('a Node stream that was read', () => {
      const read = Readable.from(['x'])
      read.read()
      return read
    }, half), // biome-ignore format: a row
    post('a stream with keepalive', () => stream('x'), { ...half, keepalive: true }),
    post('a stream with mode no-cors', () => stream('x'), { ...half, mode: 'no-cors' }),
  ]
  test.each(rows)('%s', (_name, run) => both(run))
  test.each([5, null, {}])('%j is refused', async chunk => {
    const asked = peers.mesh.fetch(`${peers.server.origin}/echo`, { method: 'POST', body: stream(chunk), ...half } as RequestInit)
    await expect(asked).rejects.toMatchObject({ name: 'TypeError', message: 'fetch failed', cause: { name: 'TypeError' } })
  })
})

describe('an abort cancels the body with its reason', () => {
  const reason = new Error('enough')
  const watched = () => {
    const cancelled: unknown[] = []
    const body = new ReadableStream({ cancel: why => void cancelled.push(why) })
    return { body, cancelled }
  }
  const init = (body: unknown, signal: AbortSignal) => ({ method: 'POST', body, signal, duplex: 'half' }) as RequestInit

  test('before the request', async () => {
    const { body, cancelled } = watched()
    await expect(peers.mesh.fetch(peers.server.origin, init(body, AbortSignal.abort(reason)))).rejects.toBe(reason)
    expect(cancelled).toEqual([reason])
  })
  test('before a request that is a Request', async () => {
    const { body, cancelled } = watched()
    const request = new Request(peers.server.origin, init(body, AbortSignal.abort(reason)))
    await expect(peers.mesh.fetch(request)).rejects.toBe(reason)
    expect(cancelled).toEqual([reason])
  })
  test('at once, before it is read', async () => {
    const { body, cancelled } = watched()
    const controller = new AbortController()
    const asked = peers.mesh.fetch(peers.server.origin, init(body, controller.signal))
    controller.abort(reason)
    expect(cancelled).toEqual([reason])
    await expect(asked).rejects.toBe(reason)
  })
  test('while a chunk is awaited', async () => {
    const { body, cancelled } = watched()
    const hung = await loopback()
    const controller = new AbortController()
    const asked = peers.mesh.fetch(`${hung.origin}/echo`, init(body, controller.signal))
    await expect.poll(() => body.locked).toBe(true)
    controller.abort(reason)
    await expect(asked).rejects.toBe(reason)
    await expect.poll(() => cancelled).toEqual([reason])
    await hung.close()
  })
  test('of a Node stream that is awaited', async () => {
    const body = new Readable({ read() {} })
    const controller = new AbortController()
    const asked = peers.mesh.fetch(`${peers.server.origin}/echo`, init(body, controller.signal))
    await expect.poll(() => body.listenerCount('readable')).toBeGreaterThan(0)
    controller.abort(reason)
    await expect(asked).rejects.toBe(reason)
    await expect.poll(() => body.destroyed).toBe(true)
  })
})
