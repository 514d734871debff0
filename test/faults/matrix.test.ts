/**
 * Every fault on a real socket, met by every kind of request, all at once. Whatever happens: the caller is told one of the things that
 * Envoy would tell, nothing hangs, every gauge is back at zero, nothing is left on the caller's signal, and no promise is left alone.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomeOf } from '../../src/index.ts'
import { FAULTS, gauges, meshTo, type Upstream, until, upstream, watched } from './upstreams.ts'

const rejected: unknown[] = []
const note = (reason: unknown) => void rejected.push(reason)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))

const reason = new Error('the caller had enough')
const stream = () =>
  new ReadableStream({
    start(controller) {
      for (let i = 0; i < 5; i++) controller.enqueue(new TextEncoder().encode(`chunk ${i} `))
      controller.close()
    },
  })

/** How one asks. `abort`: given up after that many ms. */
const ASKS: Record<string, { init: () => RequestInit; abort?: number }> = {
  GET: { init: () => ({}) },
  'POST with a body': { init: () => ({ method: 'POST', body: 'x'.repeat(1000) }) },
  'POST of a stream': { init: () => ({ method: 'POST', body: stream(), duplex: 'half' }) as RequestInit },
  'GET, given up at once': { init: () => ({}), abort: 0 },
  'GET, given up soon': { init: () => ({}), abort: 20 },
  'POST of a stream, given up': { init: () => ({ method: 'POST', body: stream(), duplex: 'half' }) as RequestInit, abort: 1 },
}

async function ask(mesh: ReturnType<typeof meshTo>, { init, abort }: (typeof ASKS)[string]): Promise<string> {
  const { controller, listeners } = watched()
  if (abort !== undefined) setTimeout(() => controller.abort(reason), abort)
  let told: string
  try {
    const response = await mesh.fetch('http://s.test/', { ...init(), signal: controller.signal })
    try {
      await response.text()
      told = `${response.status} ${outcomeOf(response)!.flags}`
    } catch (error) {
      told = error === reason ? 'aborted' : `body ${outcomeOf(response)!.flags}`
    }
  } catch (error) {
    told = error === reason ? 'aborted' : `threw ${error}`
  }
  await until(() => listeners() === 0, 'no listener on the caller’s signal')
  return told
}

describe.each(Object.entries(FAULTS))('%s', (_name, { fault, told }) => {
  test.concurrent.each(Object.entries(ASKS))('%s', async (_ask, how) => {
    const at = await upstream(fault)
    // Short where the timeout is what ends it; elsewhere it must not come first on a busy machine.
    const timeout = told.some(one => one.includes('UT')) ? '150ms' : '10s'
    const mesh = meshTo([at.port], `timeout: ${timeout}, retries: { attempts: 0 }`)
    const seen = new Set([await ask(mesh, how)])
    for (const one of await Promise.all(Array.from({ length: 6 }, () => ask(mesh, how)))) seen.add(one)
    seen.add(await ask(mesh, how))
    const allowed = how.abort === undefined ? told : [...told, 'aborted']
    expect([...seen].filter(one => !allowed.includes(one))).toEqual([])
    await until(() => Object.values(gauges(mesh)).every(n => n === 0), `gauges at zero, not ${JSON.stringify(gauges(mesh))}`)
    await mesh.close()
    await at.close()
    expect(rejected).toEqual([])
  })
})

describe('retries under faults', () => {
  const retriable = ['closed before the answer', 'reset before the answer', 'garbage', 'closed in the headers', 'oversize headers']
  test.concurrent.each(retriable)('%s twice, then fine: bytes and streams are sent whole again', async name => {
    for (const how of [ASKS['POST with a body']!, ASKS['POST of a stream']!]) {
      let left = 2
      const at = await upstream((socket, request) =>
        left-- > 0 ? FAULTS[name]!.fault(socket, request) : FAULTS['fine']!.fault(socket, request),
      )
      const mesh = meshTo([at.port], 'timeout: 3s, retries: { attempts: 3, retryOn: "5xx,reset", backoff: 1ms }')
      expect(await ask(mesh, how)).toBe('200 ')
      expect([at.requests, Object.values(gauges(mesh))]).toEqual([3, [0, 0, 0]])
      await mesh.close()
      await at.close()
    }
  })

  test.concurrent('200 kB of a stream are sent again, 2 MB are not; both are counted as Envoy counts', async () => {
    const sized = (n: number) => new ReadableStream({ start(c) { for (let i = 0; i < n; i += 50_000) c.enqueue(new Uint8Array(50_000)); c.close() } }) // biome-ignore format: short
    const at = await upstream(socket => socket.write('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n'))
    const mesh = meshTo([at.port], 'timeout: 5s, retries: { attempts: 2, retryOn: 5xx, backoff: 1ms }')
    const send = async (n: number) =>
      outcomeOf(await mesh.fetch('http://s.test/', { method: 'POST', body: sized(n), duplex: 'half' } as RequestInit))!
    expect(await send(200_000)).toMatchObject({ attempts: 3, flags: 'URX' })
    expect(await send(2_000_000)).toMatchObject({ attempts: 1, flags: '' })
    expect(mesh.snapshot().clusters['outbound|80||s.test']!.stats).toMatchObject({ retry_or_shadow_abandoned: 1 })
    await mesh.close()
    await at.close()
  })
})

describe('upstreams come and go', () => {
  test.concurrent('killed and restarted on its port, under load', async () => {
    let at: Upstream = await upstream(FAULTS['fine']!.fault)
    const { port } = at
    const mesh = meshTo([port], 'timeout: 2s, retries: { attempts: 0 }')
    const told = new Set<string>()
    let done = false
    const load = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (!done) {
          told.add(await ask(mesh, ASKS['GET']!))
          await new Promise(resolve => setTimeout(resolve, 1))
        }
      }),
    )
    for (let i = 0; i < 3; i++) {
      await until(() => at.requests > 20, 'requests')
      await at.close()
      told.delete('503 UF')
      await until(() => told.has('503 UF'), 'a refused connection')
      at = await upstream(FAULTS['fine']!.fault, port)
    }
    done = true
    await load
    expect([...told].filter(one => !['200 ', '503 UF', '503 UC'].includes(one))).toEqual([])
    // A connection that is just being closed by its peer may still be met once.
    expect(['200 ', '503 UC']).toContain(await ask(mesh, ASKS['GET']!))
    expect(await ask(mesh, ASKS['GET']!)).toBe('200 ')
    expect(Object.values(gauges(mesh))).toEqual([0, 0, 0])
    await mesh.close()
    await at.close()
  })

  test.concurrent('a slow name is waited for; the caller may leave meanwhile', async () => {
    const at = await upstream(FAULTS['fine']!.fault)
    let answer: () => void = () => {}
    const waiting = new Promise<void>(resolve => {
      answer = resolve
    })
    const mesh = meshTo([at.port], 'timeout: 5s', '', {
      discovery: { resolver: { resolve: () => waiting.then(() => [{ address: '127.0.0.1' }]) } as never },
      rules: undefined,
    })
    await mesh.apply(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec:
  hosts: [s.test]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: DNS
  endpoints: [{ address: slow.test, ports: { http: ${at.port} } }]
`)
    const { controller, listeners } = watched()
    const left = mesh.fetch('http://s.test/', { signal: controller.signal })
    const stays = mesh.fetch('http://s.test/')
    controller.abort(reason)
    await expect(left).rejects.toBe(reason)
    expect(listeners()).toBe(0)
    answer()
    expect(await (await stays).text()).toBe('fine')
    expect(Object.values(gauges(mesh))).toEqual([0, 0, 0])
    await mesh.close()
    await at.close()
  })
})

describe('bodies that nobody reads', () => {
  const head = (n: number) => `HTTP/1.1 500 No\r\ncontent-length: ${n}\r\n\r\n`
  test.concurrent('`if (!response.ok) throw`, a hundred times over two connections', async () => {
    const at = await upstream(socket => socket.write(head(60_000) + 'x'.repeat(60_000)))
    const mesh = meshTo([at.port], 'retries: { attempts: 0 }', ', connectionPool: { tcp: { maxConnections: 2 } }')
    for (let i = 0; i < 100; i++) await expect(mesh.fetch('http://s.test/').then(r => { if (!r.ok) throw new Error('not ok') })).rejects.toThrow('not ok') // biome-ignore format: short
    await until(() => Object.values(gauges(mesh)).every(n => n === 0), 'gauges at zero')
    await mesh.close()
    await at.close()
  })

  test.concurrent('long ones give their connections back in time', async () => {
    const at = await upstream(socket => socket.write(head(200_000) + 'x'.repeat(200_000)))
    const mesh = meshTo([at.port], 'retries: { attempts: 0 }', ', connectionPool: { tcp: { maxConnections: 2 } }', {
      limits: { abandonedBodyTimeout: 50 },
    })
    const kept = await Promise.all([mesh.fetch('http://s.test/'), mesh.fetch('http://s.test/')])
    const third = await mesh.fetch('http://s.test/')
    expect((await third.text()).length).toBe(200_000)
    await expect(kept[0]!.text()).rejects.toMatchObject({ message: 'terminated', cause: { code: 'ERR_BODY_ABANDONED' } })
    await until(() => Object.values(gauges(mesh)).every(n => n === 0), 'gauges at zero')
    await mesh.close()
    await at.close()
  })

  test.concurrent('long ones whose response nobody holds any more give their connections back when it is collected', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const at = await upstream(socket => socket.write(head(200_000) + 'x'.repeat(200_000)))
    const mesh = meshTo([at.port], 'retries: { attempts: 0 }')
    for (let i = 0; i < 5; i++) await mesh.fetch('http://s.test/')
    await until(() => {
      collect()
      return Object.values(gauges(mesh)).every(n => n === 0)
    }, 'gauges at zero')
    await mesh.close()
    await at.close()
  })
})
