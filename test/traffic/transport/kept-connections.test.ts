/** Peers that close a connection with their response, or between two requests, without saying so before. */
import { afterEach, describe, expect, test } from 'vitest'
import { createMesh, type Mesh, outcomeOf } from '../../../src/index.ts'
import { KeptConnections } from '../../../src/traffic/transport/kept-connections.ts'
import { oneService } from '../../one-service.ts'
import { peer } from './peers.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

async function meshTo(serve: Parameters<typeof peer>[0], pool = '') {
  const at = await peer(serve)
  const policy = `{ loadBalancer: { simple: ROUND_ROBIN }${pool} }`
  const mesh = createMesh({ rules: oneService({ endpoints: [at.address], http: 'retries: { attempts: 0 }', policy }) })
  open.push(mesh, at)
  return { mesh, at }
}
const stats = (mesh: Mesh) => mesh.snapshot().clusters['outbound|80||s.test']!.stats as Record<string, number>
const call = async (mesh: Mesh, init?: RequestInit) => {
  const response = await mesh.fetch('http://s.test/', init)
  return `${response.status} ${outcomeOf(response)!.flags}${await response.text()}`
}

/** Answers whole requests; `respond` gets the number of the request on its connection. */
const serving =
  (respond: (socket: import('node:net').Socket, nth: number, body: string) => void) => (socket: import('node:net').Socket) => {
    let text = ''
    let nth = 0
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      const end = /content-length: (\d+)/.exec(text)
      const whole = text.includes('chunked') ? text.endsWith('0\r\n\r\n') : end === null ? text.endsWith('\r\n\r\n') : text.endsWith('body')
      if (!whole) return
      const body = text.slice(text.indexOf('\r\n\r\n') + 4)
      text = ''
      respond(socket, ++nth, body)
    })
  }

describe('a peer that sends its response and its FIN together', () => {
  test('answers every one of many calls in a row', async () => {
    const { mesh } = await meshTo(serving(socket => socket.end(OK)))
    for (let i = 0; i < 60; i++) expect(await call(mesh)).toBe('200 ok')
    await expect.poll(() => stats(mesh)['upstream_cx_active']).toBe(0)
    const { upstream_rq_total, upstream_rq_2xx, upstream_rq_active, upstream_rq_pending_active, upstream_cx_destroy_with_active_rq } =
      stats(mesh)
    expect([upstream_rq_total, upstream_rq_2xx, upstream_rq_active, upstream_rq_pending_active]).toEqual([60, 60, 0, 0])
    expect(upstream_cx_destroy_with_active_rq).toBe(0)
  })

  test('answers calls beside each other, under limits', async () => {
    const { mesh } = await meshTo(
      serving(socket => socket.end(OK)),
      ', connectionPool: { tcp: { maxConnections: 2 } }',
    )
    for (let i = 0; i < 8; i++) expect(new Set(await Promise.all(Array.from({ length: 5 }, () => call(mesh))))).toEqual(new Set(['200 ok']))
    expect(stats(mesh)['upstream_rq_active']).toBe(0)
  })

  test('gets streams whole, each once', async () => {
    const bodies: string[] = []
    const { mesh } = await meshTo(
      serving((socket, _nth, body) => {
        bodies.push(body)
        socket.end(OK)
      }),
    )
    for (let i = 0; i < 10; i++) {
      const body = (async function* () {
        yield Buffer.from(`n${i}`)
      })()
      expect(await call(mesh, { method: 'POST', body, duplex: 'half' } as any)).toBe('200 ok')
    }
    expect(bodies).toEqual(Array.from({ length: 10 }, (_, i) => `2\r\nn${i}\r\n0\r\n\r\n`))
  })

  test('or does so after every third response', async () => {
    const { mesh, at } = await meshTo(serving((socket, nth) => (nth === 3 ? socket.end(OK) : socket.write(OK))))
    for (let i = 0; i < 30; i++) expect(await call(mesh)).toBe('200 ok')
    expect(at.made).toBe(10)
  })
})

test('a peer that says goodbye on a connection that is about to be used again', async () => {
  const timeout = 'HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'
  const { mesh } = await meshTo(serving(socket => socket.end(OK + timeout)))
  for (let i = 0; i < 10; i++) expect(await call(mesh)).toBe('200 ok')
})

test('a call that is given up while its connection is looked at leaves nothing behind', async () => {
  const { mesh } = await meshTo(serving(socket => socket.write(OK)))
  await call(mesh)
  const controller = new AbortController()
  const asked = mesh.fetch('http://s.test/', { signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(asked).rejects.toThrow('enough')
  expect(stats(mesh)['upstream_rq_active']).toBe(0)
  expect(await call(mesh)).toBe('200 ok')
})

test('a connection that closes before its first request is a reset, not a reason to connect for ever', async () => {
  const { mesh, at } = await meshTo(socket => socket.end())
  expect(await call(mesh)).toMatch(/^503 UC/)
  expect(at.made).toBe(1)
})

test('KeptConnections forgets when it knows too many, and what was wrong', () => {
  const kept = new KeptConnections()
  for (let i = 0; i < 10_000; i++) kept.learn(`a${i}`, true)
  expect([kept.isKeptBy('a0'), kept.isKeptBy('b')]).toEqual([true, false])
  kept.learn('a0', false)
  expect(kept.isKeptBy('a0')).toBe(false)
  kept.learn('b', true)
  kept.learn('c', true)
  expect([kept.isKeptBy('a1'), kept.isKeptBy('c')]).toEqual([false, true])
})
