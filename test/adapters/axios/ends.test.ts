/** How axios requests over a mesh end before their time: timeouts, signals, cancel tokens; and how they are slowed down and watched. */
import { Readable } from 'node:stream'
import axios from 'axios'
import { describe, expect, test } from 'vitest'
import { Progress, shaped } from '../../../src/adapters/axios/flow.ts'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { createMesh } from '../../../src/index.ts'
import { fakeTransport } from '../../../src/testing/index.ts'
import { get, type Row, sideBySide } from './side-by-side.ts'

const pair = sideBySide({
  '/hang': () => {},
  '/begin': (_q, r) => void r.write('begin'),
  '/drip': (_q, r) => {
    let left = 20
    const timer = setInterval(() => (left-- > 0 ? r.write('x') : (clearInterval(timer), r.end())), 15)
  },
})

describe('timeout', () => {
  test.each<Row>([
    get('text that is a number', '/hang', { timeout: '120' as any }),
    get('what is no number', '/echo', { timeout: { strange: 1 } as any }),
    get('0', '/echo', { timeout: 0 }),
    get('a body that keeps coming may take longer', '/drip', { timeout: 200 }),
    ['a stream that keeps coming may take longer', async (client, at) => {
      const { data } = await client.get(`${at}/drip`, { timeout: 200, responseType: 'stream' })
      return Buffer.concat(await data.toArray()).toString()
    }],
  ])('%s', (_name, run) => pair.both(run)) // biome-ignore format: rows

  test('a body that falls silent ends with the timeout (the Node adapter of axios speaks of an aborted stream)', async () => {
    const wanted = { code: 'ECONNABORTED', message: 'timeout of 150ms exceeded' }
    await expect(pair.ours.get(`${pair.server.origin}/begin`, { timeout: 150 })).rejects.toMatchObject(wanted)
    const { data } = await pair.ours.get(`${pair.server.origin}/begin`, { timeout: 150, responseType: 'stream' })
    await expect(data.toArray()).rejects.toMatchObject(wanted)
  })

  test('the time in which the reader holds the stream back does not count', async () => {
    const { data } = await pair.ours.get(`${pair.server.origin}/large`, { timeout: 200, responseType: 'stream' })
    await new Promise(resolve => setTimeout(resolve, 350))
    expect(Buffer.concat(await data.toArray()).length).toBe(300_000)
  })

  test('the time is that of the mesh', async () => {
    const clock = virtualClock()
    const mesh = createMesh({ clock, transport: fakeTransport({ '*': 'hang' as any }) })
    const asked = axios.get('http://10.0.0.1/', { adapter: mesh.axios(), timeout: 60_000 }).catch(e => e.code)
    await clock.advanceAsync(60_000)
    expect(await asked).toBe('ECONNABORTED')
    await mesh.close()
  })
})

describe('cancelling', () => {
  const abortLater = () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 100)
    return controller.signal
  }
  const cancelLater = () => {
    const source = axios.CancelToken.source()
    setTimeout(() => source.cancel('no more'), 100)
    return source.token
  }
  const ofStream = async (client: any, at: string, cancelled: object, cancel: () => void) => {
    const { data } = await client.get(`${at}/begin`, { responseType: 'stream', ...cancelled })
    setTimeout(cancel, 20)
    return data.toArray().catch((e: any) => [axios.isCancel(e), e.name, e.code, e.message, e.isAxiosError])
  }
  test.each<Row>([
    ['a signal while the body comes', (client, at) => client.get(`${at}/begin`, { signal: abortLater() })],
    ['a token while the body comes', (client, at) => client.get(`${at}/begin`, { cancelToken: cancelLater() })],
    ['a signal of a stream', (client, at) => {
      const controller = new AbortController()
      return ofStream(client, at, { signal: controller.signal }, () => controller.abort())
    }],
    ['a token of a stream', (client, at) => {
      const { token, cancel } = axios.CancelToken.source()
      return ofStream(client, at, { cancelToken: token }, () => cancel('no more'))
    }],
    ['a signal of an upload', (client, at) => client.post(`${at}/hang`, 'x'.repeat(100_000), { signal: abortLater() })],
  ])('%s', (_name, run) => pair.both(run)) // biome-ignore format: rows

  test('a stream that nobody reads ends at once, and ends no process', async () => {
    const controller = new AbortController()
    const { data } = await pair.ours.get(`${pair.server.origin}/begin`, { responseType: 'stream', signal: controller.signal })
    controller.abort()
    await new Promise(resolve => data.once('close', resolve))
    expect(axios.isCancel(data.errored)).toBe(true)
  })

  test('after the end of a stream nothing cancels it', async () => {
    const controller = new AbortController()
    const { data } = await pair.ours.get(`${pair.server.origin}/chunked`, {
      responseType: 'stream',
      signal: controller.signal,
      timeout: 1000,
    })
    await data.toArray()
    controller.abort()
    expect(data.errored).toBe(null)
  })
})

describe('progress', () => {
  const FIELDS = ['loaded', 'total', 'progress', 'bytes', 'rate', 'estimated', 'event', 'lengthComputable']
  const last = (events: any[]) => {
    const { loaded, total, progress, lengthComputable, upload, download } = events.at(-1)
    return { fields: Object.keys(events.at(-1)), loaded, total, progress, lengthComputable, upload, download, event: events.at(-1).event }
  }
  const down =
    (path: string, config: object = {}): Row[1] =>
    async (client, at) => {
      const events: any[] = []
      await client.get(at + path, { onDownloadProgress: e => events.push(e), ...config })
      await new Promise(resolve => setImmediate(resolve))
      return last(events)
    }
  const up =
    (make: () => unknown, config: object = {}): Row[1] =>
    async (client, at) => {
      const events: any[] = []
      await client.post(`${at}/echo`, make(), { onUploadProgress: e => events.push(e), ...config })
      await new Promise(resolve => setImmediate(resolve))
      return last(events)
    }
  test.each<Row>([
    ['of a download', down('/large')],
    ['of a download without a length', down('/chunked')],
    ['of a coded download: what came', down('/gzip-large')],
    ['of text', up(() => 'x'.repeat(200_000))],
    ['of a stream', up(() => Readable.from([Buffer.alloc(70_000), Buffer.alloc(10)]))],
    ['of a stream of stated length', up(() => Readable.from([Buffer.alloc(70_000)]), { headers: { 'Content-Length': '70000' } })],
    ['of a Blob', up(() => new Blob([Buffer.alloc(2_000_000)]))],
  ])('%s', (_name, run) => pair.both(run)) // biome-ignore format: rows

  test('has every field, at most three times a second, and the last one always', () => {
    const clock = virtualClock()
    const events: any[] = []
    const progress = new Progress(e => events.push(e), 'download', 1000, clock)
    for (let loaded = 100; loaded < 1000; loaded += 100) {
      progress.loaded(loaded)
      clock.advance(100)
    }
    progress.loaded(1000)
    progress.end()
    return Promise.resolve().then(() => {
      expect(Object.keys(events[0])).toEqual([...FIELDS, 'download'])
      expect(events.map(e => [e.loaded, e.bytes, e.rate, e.estimated])).toEqual([
        [100, 100, undefined, undefined],
        [400, 300, 300, 2],
        [700, 300, 600, 0.5],
        [1000, 300, 778, 0],
      ])
    })
  })

  test('a listener that throws is reported and changes nothing', async () => {
    const warnings: string[] = []
    const hear = (warning: Error) => warnings.push(warning.message)
    process.on('warning', hear)
    const onDownloadProgress = () => {
      throw new Error('listener')
    }
    expect((await pair.ours.get(`${pair.server.origin}/large`, { onDownloadProgress })).data).toHaveLength(300_000)
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', hear)
    expect(warnings).toContain('listener')
  })
})

describe('maxRate', () => {
  async function* bytes(...sizes: number[]) {
    for (const size of sizes) yield new Uint8Array(size)
  }
  test('lets through half of it every half second', async () => {
    const clock = virtualClock()
    const at: [number, number][] = []
    const done = (async () => {
      for await (const chunk of shaped(bytes(500, 1000), 1000, undefined, clock)) at.push([clock.now(), chunk.byteLength])
    })()
    await clock.advanceAsync(2000)
    await done
    expect(at).toEqual([
      [0, 500],
      [500, 500],
      [1000, 500],
    ])
  })

  test.each([
    ['uploads', [2_000_000, 0] as [number, number]],
    ['downloads', [0, 400_000] as [number, number]],
  ])('slows %s', async (what, maxRate) => {
    const start = performance.now()
    if (what === 'uploads') await pair.ours.post(`${pair.server.origin}/echo`, Buffer.alloc(1_500_000), { maxRate, maxRedirects: 0 })
    else expect((await pair.ours.get(`${pair.server.origin}/large`, { maxRate })).data).toHaveLength(300_000)
    expect(performance.now() - start).toBeGreaterThan(450)
  })
})
