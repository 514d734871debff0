/** Every way in which a peer may end streams and connections: each request settles, and no connection stays behind. */
import { afterEach, describe, expect, test } from 'vitest'
import { createMesh, outcomeOf, RuleError } from '../../../src/index.ts'
import { createTransport } from '../../../src/traffic/transport/node.ts'
import type { Http2Connection } from '../../../src/traffic/transport/node-http2.ts'
import { FRAME, type Http2Peer, type Http2Peers, http2Peer } from './http2-peer.ts'
import { Line, target } from './peers.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const LAST = 0x7fffffff
const NO_ERROR = 0

interface Asked {
  readonly policy?: string
  readonly http?: string
}

async function meshTo(peers: Http2Peers, { policy = '', http = 'retries: { attempts: 0 }' }: Asked = {}) {
  open.push(peers)
  const [address, port] = peers.address.split(':')
  const mesh = createMesh({
    rules: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec:
  hosts: [s.test]
  ports: [{ number: 80, name: http2, protocol: HTTP2 }]
  resolution: STATIC
  location: MESH_INTERNAL
  endpoints: [{ address: ${address}, ports: { http2: ${port} } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec: { host: s.test, trafficPolicy: { ${policy === '' ? 'loadBalancer: { simple: ROUND_ROBIN }' : `connectionPool: { ${policy} }`} } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s }
spec: { hosts: [s.test], http: [{ route: [{ destination: { host: s.test } }], ${http} }] }
`,
  })
  open.push(mesh)
  const stats = () => mesh.snapshot().clusters['outbound|80||s.test']!.stats
  const ask = async (path = '/', init: RequestInit = {}) => {
    try {
      const response = await mesh.fetch(`http://s.test${path}`, init)
      const text = await response.text().then(
        body => body,
        error => `broken: ${error.message}`,
      )
      const { flags, details } = outcomeOf(response)!
      return [response.status, flags, response.status === 200 ? text : /\{(.*?)[|}]/.exec(details)?.[1]].filter(Boolean).join(' ')
    } catch (error) {
      return `${(error as Error).message}: ${((error as Error).cause as Error)?.message}`
    }
  }
  return { mesh, ask, stats }
}

const turn = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
/** Nothing runs, nothing waits, no connection but those that may be idle. */
const idle = async (stats: () => Record<string, number>, connections: number) =>
  expect
    .poll(
      () => {
        const { upstream_rq_active, upstream_rq_pending_active, upstream_cx_active } = stats()
        return [upstream_rq_active, upstream_rq_pending_active, upstream_cx_active]
      },
      { interval: 5 },
    )
    .toEqual([0, 0, connections])

/** Connections that we have not closed; the peer keeps its side of all. */
const alive = ({ sockets }: Http2Peers) => [...sockets].filter(socket => !socket.readableEnded).length

describe('GOAWAY', () => {
  /** Warms up, then sends three requests 10 ms apart; `first` answers the first of them. */
  const three = async (policy: string, streams: number, first: (stream: number, from: Http2Peer) => void) => {
    const running = new Set<number>()
    const peers = await http2Peer(
      (stream, from, nth) => {
        if (running.size >= streams) return void from.reset(stream, 7)
        running.add(stream)
        const done = (answer: () => void) => setTimeout(() => (running.delete(stream), answer()), 40)
        if (nth === 2) done(() => first(stream, from))
        else if (nth === 1) {
          running.delete(stream)
          from.answer(stream)
        } else done(() => void from.answer(stream))
      },
      { settings: { 3: streams } },
    )
    const { ask, stats } = await meshTo(peers, { policy })
    await ask('/warm')
    const asked: Promise<string>[] = []
    for (let i = 0; i < 3; i++) {
      asked.push(ask(`/${i}`))
      await turn(10)
    }
    return { answers: await Promise.all(asked), ask, stats, peers }
  }

  const graceful = (stream: number, from: Http2Peer) => void from.together(() => from.goaway(NO_ERROR, LAST).answer(stream))

  // Envoy 1.37: the two that wait go out together on the next connection, whose peer takes one of them.
  test('right before the answer, with the socket kept: who waits gets another connection', async () => {
    const { answers, ask, stats, peers } = await three('tcp: { maxConnections: 1 }', 1, graceful)
    expect(answers).toEqual(['200 ok', '200 ok', '503 UR remote_refused_stream_reset'])
    expect(await ask()).toBe('200 ok')
    await idle(stats, 1)
    await expect.poll(() => alive(peers)).toBe(1)
    expect(peers.made).toBe(2)
    expect(stats()).toMatchObject({ upstream_cx_close_notify: 1, upstream_cx_destroy_local: 1, upstream_cx_destroy_remote: 0 })
  })

  test('without a limit the connection is closed when its last request has ended', async () => {
    const { answers, ask, stats, peers } = await three('', 100, graceful)
    expect(answers).toEqual(['200 ok', '200 ok', '200 ok'])
    expect(await ask()).toBe('200 ok')
    await idle(stats, 1)
    await expect.poll(() => alive(peers)).toBe(1)
  })

  test.each([1, 2, 11])('with code %s what the peer still answers is an answer', async code => {
    const { answers, stats } = await three('tcp: { maxConnections: 1 }', 3, (stream, from) => {
      from.goaway(code, LAST)
      setTimeout(() => from.answer(stream), 5)
    })
    expect(answers).toEqual(['200 ok', '200 ok', '200 ok'])
    await idle(stats, 1)
  })

  test('streams above the last one are refused', async () => {
    const { answers, stats } = await three('tcp: { maxConnections: 1 }', 3, (stream, from) => {
      from.goaway(NO_ERROR, stream)
      setTimeout(() => from.answer(stream), 5)
    })
    expect(answers).toEqual(['200 ok', '503 UR remote_refused_stream_reset', '503 UR remote_refused_stream_reset'])
    await idle(stats, 0)
  })

  test('to an idle connection that the peer keeps', async () => {
    const peers = await http2Peer((stream, from) => void from.answer(stream))
    const { ask, stats } = await meshTo(peers)
    await ask()
    peers.all[0]!.goaway(NO_ERROR, LAST)
    await idle(stats, 0)
    expect(await ask()).toBe('200 ok')
    expect(peers.made).toBe(2)
  })

  test('twice, as a graceful shutdown sends it, while a body is on its way', async () => {
    const peers = await http2Peer((stream, from) => {
      from.headers(stream).data(stream, 'first ').goaway(NO_ERROR, LAST)
      setTimeout(() => from.goaway(NO_ERROR, stream).data(stream, 'second', true), 10)
    })
    const { ask, stats } = await meshTo(peers)
    expect(await ask()).toBe('200 first second')
    await idle(stats, 0)
  })

  test('and then silence: the route timeout ends the request and the connection', async () => {
    const peers = await http2Peer((_stream, from) => void from.goaway(NO_ERROR, LAST))
    const { ask, stats } = await meshTo(peers, { http: 'timeout: 50ms, retries: { attempts: 0 }', policy: 'tcp: { maxConnections: 1 }' })
    expect(await Promise.all([ask(), ask()])).toEqual(['504 UT', '504 UT'])
    await idle(stats, 0)
    expect(await ask()).toBe('504 UT')
    await idle(stats, 0)
  })
})

describe('the end of a body', () => {
  test.each([0, 2, 8])('a reset with code %s in the middle of it is a broken body, with a length or without', async code => {
    const peers = await http2Peer((stream, from, nth) => {
      from.together(() =>
        from
          .headers(stream, false, nth === 1 ? [] : [['content-length', '8']])
          .data(stream, 'half')
          .reset(stream, code),
      )
    })
    const { ask, stats } = await meshTo(peers)
    expect(await ask()).toBe('200 UR broken: terminated')
    expect(await ask()).toBe('200 UR broken: terminated')
    await idle(stats, 1)
  })

  test('a reset with NO_ERROR after the end stops the upload, and the answer holds', async () => {
    const peers = await http2Peer((stream, from) => {
      from.together(() => from.answer(stream, 'enough').reset(stream, NO_ERROR))
    })
    const { ask, stats } = await meshTo(peers)
    const endless = () => new ReadableStream({ pull: c => void c.enqueue(new Uint8Array(1000)) }, { highWaterMark: 0 })
    expect(await ask('/', { method: 'POST', body: endless(), duplex: 'half' } as RequestInit)).toBe('200 enough')
    expect(await ask()).toBe('200 enough')
    await idle(stats, 1)
  })

  test('an end with the headers, or with an empty frame', async () => {
    const peers = await http2Peer((stream, from, nth) => {
      if (nth === 1) from.headers(stream, true)
      else from.headers(stream).data(stream, '').data(stream, '', true)
    })
    const { ask, stats } = await meshTo(peers)
    expect([await ask(), await ask()]).toEqual(['200', '200'])
    await idle(stats, 1)
  })

  test('the connection is closed in the middle of it', async () => {
    const peers = await http2Peer((stream, from) => {
      from.headers(stream).data(stream, 'half')
      setTimeout(() => from.socket.destroy(), 5)
    })
    const { ask, stats } = await meshTo(peers)
    expect(await ask()).toBe('200 UC broken: terminated')
    await idle(stats, 0)
  })
})

describe('streams that the peer refuses', () => {
  test.each<[number, string]>([
    [0, 'UR remote_reset'],
    [1, '502 UPE protocol_error'],
    [2, 'UR remote_reset'],
    [3, 'UR remote_reset'],
    [5, 'UR remote_reset'],
    [7, 'UR remote_refused_stream_reset'],
    [8, 'UR remote_reset'],
    [10, 'UR remote_error_with_CONNECT_request'],
    [11, 'UR remote_reset'],
    [13, 'UR remote_reset'],
    [99, 'UR remote_reset'],
  ])('RST_STREAM with code %s', async (code, outcome) => {
    const peers = await http2Peer((stream, from, nth) => void (nth === 1 ? from.reset(stream, code) : from.answer(stream)))
    const { ask, stats } = await meshTo(peers, { policy: 'tcp: { maxConnections: 1 }' })
    expect(await ask()).toBe(outcome.startsWith('5') ? outcome : `503 ${outcome}`)
    expect(await ask()).toBe('200 ok')
    await idle(stats, 1)
  })

  test('the peer allows fewer streams while more of them run', async () => {
    const running = new Set<number>()
    const answer = (stream: number, from: Http2Peer) => {
      running.delete(stream)
      from.answer(stream)
    }
    let most = 0
    let acknowledged = 0
    const peers = await http2Peer(
      (stream, from, nth) => {
        running.add(stream)
        if (nth === 5) from.settings({ 3: 1 })
        if (nth <= 5) return
        most = Math.max(most, running.size)
        setTimeout(() => answer(stream, from), 5)
      },
      { settings: { 3: 5 }, onFrame: ({ type, flags }) => void (type === FRAME.SETTINGS && flags === 1 && acknowledged++) },
    )
    const { ask, stats } = await meshTo(peers, { policy: 'tcp: { maxConnections: 1 }' })
    const first = Array.from({ length: 5 }, () => ask())
    await expect.poll(() => acknowledged, { interval: 5 }).toBe(2)
    const then = Array.from({ length: 4 }, () => ask())
    for (const stream of [...running]) answer(stream, peers.all[0]!)
    expect(await Promise.all([...first, ...then])).toEqual(Array(9).fill('200 ok'))
    expect(most).toBe(1)
    await idle(stats, 1)
  })

  test('the peer allows none for a while', async () => {
    const peers = await http2Peer((stream, from) => void from.answer(stream), { settings: { 3: 1 } })
    const { ask, stats } = await meshTo(peers, { policy: 'tcp: { maxConnections: 1 }', http: 'timeout: 1s' })
    await ask()
    peers.all[0]!.settings({ 3: 0 })
    await turn(10)
    const waiting = [ask(), ask()]
    await turn(10)
    peers.all[0]!.settings({ 3: 2 })
    expect(await Promise.all(waiting)).toEqual(['200 ok', '200 ok'])
    await idle(stats, 1)
  })

  test('the peer pushes a stream, which ends the connection and every request on it', async () => {
    const peers = await http2Peer((stream, from, nth) => {
      if (nth === 2) from.write(FRAME.PUSH_PROMISE, 4, 1, Buffer.from([0, 0, 0, 2, 0x82]))
      if (nth > 2) from.answer(stream)
    })
    const { ask, stats } = await meshTo(peers, { policy: 'tcp: { maxConnections: 1 }' })
    expect(await Promise.all([ask(), ask()])).toEqual(Array(2).fill('502 UPE protocol_error'))
    expect(await ask()).toBe('200 ok')
    await idle(stats, 1)
  })
})

// Node stops reading after a violation of the protocol and reports nothing; Liveness finds it.
test('a connection that is found dead ends, and every request on it', async () => {
  const peers = await http2Peer((_stream, from) => void from.data(0, 'x'))
  open.push(peers)
  const line = await new Line(createTransport(), target(peers.address, { protocol: 'http2' })).said('connected')
  const asked = [line.ask(), line.ask()]
  await turn(20)
  expect(asked.map(({ log }) => log)).toEqual([[], []])
  ;(line.connection as Http2Connection).dead(new Error('silent'))
  for (const { over } of asked) expect((await over).log).toEqual(['reset connection_termination'])
  await line.said('closed')
  expect(line.connection.concurrency).toBe(0)
})

describe('what HTTP/2 cannot carry', () => {
  const echo = () => http2Peer((stream, from) => void from.answer(stream))

  test.each([
    ['a name with a colon', '{ "a:b": "1" }'],
    ['a name with a letter above ASCII', '{ "é": "1" }'],
    ['a name with a blank', '{ "a b": "1" }'],
    ['a control character', '{ "x-a": "a\\x01b" }'],
    ['a pseudo header', '{ ":x": "1" }'],
  ])('%s that a rule sets: refused at load, or answered by us with the connection kept', async (_what, set) => {
    const peers = await echo()
    let tried: Awaited<ReturnType<typeof meshTo>>
    try {
      tried = await meshTo(peers, { http: `headers: { request: { set: ${set} } }, retries: { attempts: 0 }` })
    } catch (error) {
      return expect(error).toBeInstanceOf(RuleError)
    }
    const { ask, stats } = tried
    const asked = await Promise.all([ask(), ask()])
    for (const answer of asked) expect(answer).toMatch(/^503 LR|^fetch failed: HTTP\/2 cannot carry/)
    await idle(stats, 1)
  })

  test('a second line of a header that has one value: both reach the peer', async () => {
    const peers = await echo()
    const { ask } = await meshTo(peers, { http: 'headers: { request: { add: { content-type: "b/b" } } }, retries: { attempts: 0 }' })
    expect(await ask('/', { headers: { 'content-type': 'a/a' } })).toBe('200 ok')
  })

  test('headers above 64 kB', async () => {
    const peers = await echo()
    const { ask, stats } = await meshTo(peers)
    const large = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-${i}`, 'v'.repeat(5000)]))
    expect(await ask('/', { headers: large })).toBe('200 ok')
    const tooLarge = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, 'v'.repeat(5000)]))
    expect(await ask('/', { headers: tooLarge })).toMatch(/^503/)
    expect(await ask()).toBe('200 ok')
    await idle(stats, 1)
  })
})
