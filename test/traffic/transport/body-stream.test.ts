/** A body as a stream: it fails as soon as its connection does, or its request is aborted, whether or not it is read. */
import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { BodyReader, BodySource } from '../../../src/core/transport.ts'
import { LazyResponse } from '../../../src/traffic/transport/response.ts'

class Source implements BodySource {
  reader!: BodyReader
  cancelled = 0
  readonly length: number | undefined
  read(reader: BodyReader) {
    this.reader = reader
  }
  pause() {}
  resume() {}
  cancel() {
    this.cancelled++
  }
}

function response(signal?: AbortSignal, headers: string[] = []) {
  const source = new Source()
  const init = { status: 200, statusText: 'OK', headers, url: 'http://x/', redirected: false, type: 'basic' as const }
  const made = new LazyResponse({ ...init, outcome: undefined, text: undefined, source, bodiless: false, signal })
  return {
    source,
    made: made as unknown as Response,
    get body() {
      return made.body!
    },
  }
}

const bytes = (text: string) => new TextEncoder().encode(text)
const broken = Object.assign(new Error('other side closed'), { code: 'ECONNRESET' })
const asTerminated = { name: 'TypeError', message: 'terminated', cause: broken }

describe('when the connection breaks', () => {
  test('closed rejects, though nothing is read', async () => {
    const { source, body } = response()
    const { closed } = body.getReader()
    source.reader.error(broken)
    await expect(closed).rejects.toMatchObject(asTerminated)
  })
  test('what was not read yet is dropped', async () => {
    const { source, body } = response()
    source.reader.data(bytes('never read'))
    const reader = body.getReader()
    source.reader.error(broken)
    await expect(reader.read()).rejects.toMatchObject(asTerminated)
    await expect(reader.closed).rejects.toMatchObject(asTerminated)
  })
  test('before the stream is asked for', async () => {
    const { source, made } = response()
    source.reader.error(broken)
    await expect(made.body!.getReader().closed).rejects.toMatchObject(asTerminated)
  })
  test('while a chunk is awaited', async () => {
    const { source, body } = response()
    const reader = body.getReader()
    const chunk = reader.read()
    source.reader.error(broken)
    await expect(chunk).rejects.toMatchObject(asTerminated)
    await expect(reader.closed).rejects.toMatchObject(asTerminated)
  })
  test('both branches of a tee fail', async () => {
    const { source, made } = response()
    const copy = made.clone()
    source.reader.error(broken)
    await expect(made.text()).rejects.toMatchObject({ message: 'terminated' })
    await expect(copy.text()).rejects.toMatchObject({ message: 'terminated' })
  })
  test('in the middle of a compressed body', async () => {
    const { source, body } = response(undefined, ['content-encoding', 'gzip'])
    const { closed } = body.getReader()
    source.reader.data(zlib.gzipSync('x'.repeat(1000)).subarray(0, 20))
    source.reader.error(broken)
    await expect(closed).rejects.toMatchObject(asTerminated)
  })
})

describe('an abort', () => {
  const reasons: [string, unknown][] = [
    ['an error', new Error('enough')],
    ['an error with a code', Object.assign(new Error('enough'), { code: 'E_ENOUGH' })],
    ['text', 'enough'],
    ['undefined', undefined],
  ]
  test.each(reasons)('errors the stream with its reason: %s', async (_name, reason) => {
    const controller = new AbortController()
    const { source, body } = response(controller.signal)
    source.reader.data(bytes('never read'))
    const { closed } = body.getReader()
    controller.abort(reason)
    expect(await closed.catch(error => error)).toBe(controller.signal.reason)
    expect(source.cancelled).toBe(1)
  })
  test('does so after the whole body has come', async () => {
    const controller = new AbortController()
    const { source, body } = response(controller.signal)
    source.reader.data(bytes('never read'))
    source.reader.end()
    const reader = body.getReader()
    controller.abort('enough')
    expect(await reader.read().catch(error => error)).toBe('enough')
  })
  test('does so for whoever asks for the stream later', async () => {
    const { made } = response(AbortSignal.abort('before'))
    expect(await made.body!.getReader().closed.catch(error => error)).toBe('before')
  })
  test('fails a body that is being read with its reason, though it has a code', async () => {
    const controller = new AbortController()
    const { source, made } = response(controller.signal)
    const text = made.text()
    const reason = Object.assign(new Error('enough'), { code: 'E_ENOUGH' })
    controller.abort(reason)
    source.reader.error(reason) // as the engine does
    expect(await text.catch(error => error)).toBe(reason)
  })
  test.each([[[]], [['content-encoding', 'gzip']]])('right after the body was asked for, though all of it is here, %j', async headers => {
    const controller = new AbortController()
    const { source, made } = response(controller.signal, headers)
    source.reader.data(zlib.gzipSync('body'))
    source.reader.end()
    const read = made.arrayBuffer()
    controller.abort('enough')
    expect(await read.catch(error => error)).toBe('enough')
  })
  test('does not use the body up: it can be asked for as often as one likes', async () => {
    const { made } = response(AbortSignal.abort('before'))
    expect([await made.text().catch(e => e), await made.text().catch(e => e), made.bodyUsed]).toEqual(['before', 'before', false])
  })
  test('of a compressed body', async () => {
    const controller = new AbortController()
    const { body, source } = response(controller.signal, ['content-encoding', 'br'])
    const read = body.getReader().read()
    controller.abort('enough')
    expect(await read.catch(error => error)).toBe('enough')
    expect(source.cancelled).toBe(1)
  })
})

describe('the signal is listened to', () => {
  const counted = () => {
    const { signal } = new AbortController()
    const counter = { signal, listeners: 0 }
    for (const [name, step] of [
      ['addEventListener', 1],
      ['removeEventListener', -1],
    ] as const) {
      const original = signal[name].bind(signal) as (...args: unknown[]) => void
      ;(signal as any)[name] = (...args: unknown[]) => {
        counter.listeners += step
        original(...args)
      }
    }
    return counter
  }
  test.each<[string, (source: Source, reader: ReadableStreamDefaultReader) => Promise<unknown>]>([
    ['it was read', async (source, reader) => {
      source.reader.end()
      await reader.read()
    }],
    ['it was cancelled', (_source, reader) => reader.cancel()],
    ['it broke', async (source, reader) => {
      source.reader.error(broken)
      await reader.closed.catch(() => {})
    }],
  ])('until %s', async (_name, end) => {
    const counter = counted()
    const { source, body } = response(counter.signal)
    const reader = body.getReader()
    expect(counter.listeners).toBe(1)
    await end(source, reader)
    expect(counter.listeners).toBe(0)
  }) // biome-ignore format: rows
})

test('a body that cannot be decoded gives its connection back', async () => {
  const { source, body } = response(undefined, ['content-encoding', 'gzip'])
  const read = body.getReader().read()
  source.reader.data(bytes('this is not gzip'))
  await expect(read).rejects.toMatchObject({ name: 'TypeError', message: 'terminated' })
  expect(source.cancelled).toBe(1)
})
