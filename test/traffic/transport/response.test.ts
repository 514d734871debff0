/** The lazy Response beside the platform's own, from the same bytes. */
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { BodyReader, BodySource } from '../../../src/core/transport.ts'
import { type LazyInit, LazyResponse } from '../../../src/traffic/transport/response.ts'

/** A body that arrives in pieces, one microtask turn each. */
class Source implements BodySource {
  length: number | undefined
  cancelled = false
  readonly #pieces: Uint8Array[]
  #paused = false
  #reader: BodyReader | undefined
  constructor(pieces: readonly (string | Uint8Array)[], length?: number) {
    this.#pieces = pieces.map(p => (typeof p === 'string' ? new TextEncoder().encode(p) : p))
    this.length = length
  }
  read(reader: BodyReader) {
    this.#reader = reader
    queueMicrotask(() => this.#flow())
  }
  #flow() {
    if (this.#paused || this.cancelled) return
    const piece = this.#pieces.shift()
    if (piece === undefined) return this.#reader!.end()
    this.#reader!.data(piece)
    queueMicrotask(() => this.#flow())
  }
  pause() {
    this.#paused = true
  }
  resume() {
    this.#paused = false
    queueMicrotask(() => this.#flow())
  }
  cancel() {
    this.cancelled = true
  }
  get left() {
    return this.#pieces.length
  }
}

const HEADERS = ['content-type', 'Text/Plain; Charset=UTF-8', 'x-a', '1', 'x-a', '2', 'set-cookie', 'a=1', 'set-cookie', 'b=2']
function lazy(pieces: readonly (string | Uint8Array)[] = ['hello ', 'wörld'], init: Partial<LazyInit> = {}) {
  const source = new Source(pieces)
  const response = new LazyResponse({
    status: 200,
    statusText: 'OK',
    headers: HEADERS,
    url: 'http://x/',
    redirected: false,
    type: 'basic',
    outcome: undefined,
    text: undefined,
    bodiless: false,
    ...init,
    source: init.bodiless ? undefined : source,
  }) as unknown as Response
  return { response, source }
}
function native(pieces: readonly (string | Uint8Array)[] = ['hello ', 'wörld'], init: Partial<LazyInit> = {}): Response {
  const headers = new Headers()
  const list = init.headers ?? HEADERS
  for (let i = 0; i < list.length; i += 2) headers.append(list[i]!, list[i + 1]!)
  const body = new Blob(pieces as BlobPart[]).stream()
  return new Response(init.bodiless ? null : body, { status: init.status ?? 200, statusText: 'OK', headers })
}

const attempt = async (run: () => unknown) => {
  try {
    return await run()
  } catch (error: any) {
    return `${error.name}: ${error.message}`
  }
}
const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => i % 251)

describe('as the platform’s Response', () => {
  const reads: [string, (r: Response) => unknown][] = [
    ['text', r => r.text()],
    ['json', r => r.json()],
    ['arrayBuffer', async r => [...new Uint8Array(await r.arrayBuffer())]],
    ['blob', async r => { const b = await r.blob(); return [b.size, b.type, await b.text()] }], // biome-ignore format: one line
    ['formData', async r => [...(await r.formData())]],
    ['body reader', async r => { let n = 0; for await (const c of r.body as any) n += c.length; return n }], // biome-ignore format: one line
    ['Readable.fromWeb', async r => (await Readable.fromWeb(r.body as any).toArray()).map((c: Buffer) => c.toString()).join('')],
    ['pipeThrough', async r => new Response(r.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream())).text()],
    ['new Response(body)', async r => new Response(r.body, r).text()],
    ['clone', async r => { const c = r.clone(); return [await c.text(), await r.text(), c.status, c.headers.getSetCookie()] }], // biome-ignore format: one line
    ['clone of a clone', async r => { const c = r.clone().clone(); return [await c.text(), r.bodyUsed] }], // biome-ignore format: one line
    ['read twice', async r => { await r.text(); return [r.bodyUsed, await attempt(() => r.json()), await attempt(() => r.blob())] }], // biome-ignore format: one line
    ['bodyUsed at once', r => { void r.text(); return r.bodyUsed }], // biome-ignore format: one line
    ['bodyUsed of an untouched body', r => { void r.body; return r.bodyUsed }], // biome-ignore format: one line
    ['bodyUsed after the first read', async r => { const reader = r.body!.getReader(); await reader.read(); return r.bodyUsed }], // biome-ignore format: one line
    ['text of a locked body', async r => { r.body!.getReader(); return (await attempt(() => r.text())) !== undefined && r.bodyUsed }], // biome-ignore format: one line
    ['clone after read', async r => { await r.text(); return attempt(() => r.clone().status) }], // biome-ignore format: one line
    ['the same body each time', r => new Set([r.body, r.body]).size],
    ['body after read', async r => { await r.text(); return [r.body instanceof ReadableStream, await attempt(() => r.body!.cancel())] }], // biome-ignore format: one line
    ['toString', r => Object.prototype.toString.call(r)],
    ['constructor', r => [r.constructor.name, r instanceof Response, r.constructor === Response]],
    ['keys', r => Object.keys(r)],
    ['for in', r => { const names = []; for (const name in r) names.push(name); return names.sort().filter(n => n !== 'bytes' && n !== 'textStream') }], // biome-ignore format: one line
    ['headers', r => [...r.headers]],
    ['headers get', r => [r.headers.get('x-a'), r.headers.getSetCookie()]],
    ['a WeakMap key', r => new WeakMap([[r, 1]]).get(r)],
    ['ok', r => [r.ok, r.status, r.statusText]],
  ]
  test.each(reads)('%s', async (_name, read) => {
    for (const pieces of [['hello ', 'wörld'], ['{"a":', '1}'], [new Uint8Array([0xef, 0xbb, 0xbf]), '{}'], [], [bytes(200_000)]] as (
      | string
      | Uint8Array
    )[][])
      expect(await attempt(() => read(lazy(pieces).response))).toEqual(await attempt(() => read(native(pieces))))
  })

  test.each(reads)('%s without a body', async (_name, read) => {
    const init = { bodiless: true, status: 204 }
    expect(await attempt(() => read(lazy([], init).response))).toEqual(await attempt(() => read(native([], init))))
  })

  test.each([
    ['application/x-www-form-urlencoded', 'a=1&b=c+d'],
    ['multipart/form-data; boundary=x', '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'],
    ['multipart/form-data', 'x'],
    ['', 'x'],
  ])('forms of type %j', async (type, text) => {
    const headers = type === '' ? [] : ['content-type', type]
    const view = (r: Response) => attempt(async () => [...(await r.formData())])
    expect(await view(lazy([text], { headers }).response)).toEqual(await view(native([text], { headers })))
  })

  test('bytes have a buffer of their own', async () => {
    const shared = Buffer.from('xxhelloxx').subarray(2, 7)
    const read = await (lazy([shared]).response as any).bytes()
    expect([read.constructor.name, read.buffer.byteLength, new TextDecoder().decode(read)]).toEqual(['Uint8Array', 5, 'hello'])
    expect((await lazy([shared]).response.arrayBuffer()).byteLength).toBe(5)
  })

  test('headers cannot be changed', () => {
    const { headers } = lazy().response
    for (const change of [() => headers.set('a', 'b'), () => headers.append('a', 'b'), () => headers.delete('x-a')])
      expect(change).toThrow(new TypeError('immutable'))
    expect(new Headers(headers).get('x-a')).toBe('1, 2')
  })

  test('a BYOB reader reads into its own buffer', async () => {
    const reader = lazy([bytes(10)]).response.body!.getReader({ mode: 'byob' })
    const first = await reader.read(new Uint8Array(4))
    expect([...first.value!]).toEqual([0, 1, 2, 3])
    const rest = await reader.read(new Uint8Array(100))
    expect(rest.value!.byteLength).toBe(6)
    expect((await reader.read(new Uint8Array(4))).done).toBe(true)
  })

  test('it can be looked at', () => {
    const text = inspect(lazy().response)
    for (const part of ['Response {', 'status: 200', "statusText: 'OK'", 'headers:', 'bodyUsed: false', "url: 'http://x/'"])
      expect(text).toContain(part)
  })

  test('a borrowed prototype method fails loudly instead of giving nothing', async () => {
    expect(await attempt(() => Response.prototype.text.call(lazy().response))).toMatch(/^TypeError/)
  })
})

describe('the body underneath', () => {
  test('is read ahead as far as 64 kB, no further, until somebody reads', async () => {
    const { response, source } = lazy(Array.from({ length: 20 }, () => bytes(16_384)))
    await new Promise(resolve => setImmediate(resolve))
    expect(source.left).toBe(16)
    expect((await response.arrayBuffer()).byteLength).toBe(20 * 16_384)
  })

  test('a stream holds the peer back to the pace of its reader', async () => {
    const { response, source } = lazy(Array.from({ length: 20 }, () => bytes(16_384)))
    const reader = response.body!.getReader()
    await reader.read()
    await new Promise(resolve => setImmediate(resolve))
    expect(source.left).toBe(15)
    let size = 16_384
    for (let step = await reader.read(); !step.done; step = await reader.read()) size += step.value.byteLength
    expect(size).toBe(20 * 16_384)
  })

  test('cancelling the stream gives the exchange up', async () => {
    const { response, source } = lazy([bytes(100_000), bytes(100_000)])
    await response.body!.cancel()
    expect(source.cancelled).toBe(true)
  })

  test('a clone and its original read at their own pace', async () => {
    const { response } = lazy([bytes(50_000), bytes(50_000)])
    const copy = response.clone()
    expect((await copy.arrayBuffer()).byteLength).toBe(100_000)
    expect((await response.arrayBuffer()).byteLength).toBe(100_000)
    expect([copy.url, copy.type, copy.redirected]).toEqual(['http://x/', 'basic', false])
  })
})
