/** A fetch that refuses, throws or answers with what is no Response, and requests that it cannot send: each call ends, and nothing is held. */
import { describe, expect, test } from 'vitest'
import type { Transport, WireRequest } from '../../../src/core/transport.ts'
import { createMesh, fetchTransport, outcomeOf } from '../../../src/index.ts'
import { oneService } from '../../one-service.ts'
import { Line, streamed, target, wire } from './peers.ts'

const ok = () => Promise.resolve(new Response('ok'))
const lineTo = (fetch: unknown) => new Line(fetchTransport({ fetch: fetch as any }), target('127.0.0.1:1')).said('connected')

describe('a request that fetch cannot send is reset by us, and the connection serves on', () => {
  test.each<[string, Partial<WireRequest>, string]>([
    ['a header value', { headers: ['x', '\x01'] }, 'invalid x header'],
    ['a header name', { headers: ['a b', '1'] }, 'invalid header name "a b"'],
    ['a path', { path: '/a b' }, 'invalid path "/a b"'],
    ['a host', { authority: 'a b' }, 'invalid host "a b"'],
    ['a body of GET', { body: { bytes: Buffer.from('x'), length: 1 } }, 'fetch sends no body with GET'],
  ])('%s', async (_, bad, message) => {
    const line = await lineTo(ok)
    const free = line.heard('available')
    const asked = await line.ask(wire(bad)).over
    expect([asked.log, asked.error!.message]).toEqual([['reset local_reset'], message])
    await free
    expect((await line.ask().over).log).toEqual(['response 200', 'complete', 'end'])
  })

  test('a stream that breaks', async () => {
    const broken = (async function* () {
      yield Buffer.from('x')
      throw new Error('disk')
    })()
    const pulling = await lineTo(async (_url: string, init: any) => new Response(await new Response(init.body).text()))
    const asked = await pulling.ask(wire({ method: 'POST', body: streamed(broken) })).over
    expect([asked.log, asked.error!.message]).toEqual([['reset local_reset'], 'disk'])
  })
})

test('headers of the connection are left out', async () => {
  let sent: string[][] = []
  const line = await lineTo((_url: string, init: any) => {
    sent = init.headers
    return ok()
  })
  await line.ask(wire({ headers: ['x-a', '1', 'connection', 'x', 'Content-Length', '9', 'host', 'evil'] })).over
  expect(sent).toEqual([['x-a', '1']])
})

describe('a fetch of the user', () => {
  test.each<[string, () => unknown]>([
    [
      'that throws',
      () => {
        throw new TypeError('no')
      },
    ],
    ['that rejects with nothing', () => Promise.reject()],
    ['that rejects with a text', () => Promise.reject('no')],
    ['that returns nothing', () => undefined],
    ['that resolves to nothing', () => Promise.resolve(undefined)],
    ['that resolves to another object', () => Promise.resolve({ status: 200 })],
    ['that answers at once', () => new Response('ok')],
    [
      'whose body is read already',
      async () => {
        const r = new Response('ok')
        await r.text()
        return r
      },
    ],
    [
      'whose body is locked',
      () => {
        const r = new Response('ok')
        r.body!.getReader()
        return Promise.resolve(r)
      },
    ],
    ['whose body breaks', () => Promise.resolve(new Response(new ReadableStream({ start: c => c.error(new Error('cut')) })))],
  ])('%s', async (_, fetch) => {
    // biome-ignore format: a table
    const rules = oneService({ endpoints: ['127.0.0.1:1'], http: 'retries: { attempts: 0 }' })
    const mesh = createMesh({ rules, transport: fetchTransport({ fetch: fetch as any }) })
    for (let i = 0; i < 3; i++) {
      const response = await mesh.fetch('http://s.test/')
      await response.text().catch(() => {})
      expect(outcomeOf(response)!.flags).toMatch(/^(UC|UPE|)$/)
    }
    const { stats } = mesh.snapshot().clusters['outbound|80||s.test']!
    expect([stats['upstream_rq_active'], stats['upstream_rq_pending_active']]).toEqual([0, 0])
    await mesh.close()
  })
})

describe('connectTo that gives no address is a failure to connect', () => {
  test.each<[string, unknown, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('own')
      },
      /connectTo\("10.0.0.1:80"\) threw/,
    ],
    ['returns a number', () => 80, /expected a text such as "127.0.0.1:8080", received number/],
    ['returns a promise', () => Promise.resolve('127.0.0.1:1'), /received object/],
  ])('%s', async (_, connectTo, message) => {
    // biome-ignore format: a table
    const { createTransport } = await import('../../../src/traffic/transport/node.ts')
    const transports: Transport[] = [createTransport({ connectTo: connectTo as any }), fetchTransport({ connectTo: connectTo as any })]
    for (const transport of transports) {
      const line = await new Line(transport, target('10.0.0.1:80', { others: ['10.0.0.2:80'] })).said('failed')
      expect(line.log).toEqual([expect.stringMatching(message)])
      expect(line.log[0]).toMatch(/^failed connection_failure/)
    }
  })
  test('null or undefined leaves the endpoint its own address', async () => {
    const { dialedAddresses } = await import('../../../src/traffic/transport/dialed-address.ts')
    for (const none of [null, undefined]) expect(dialedAddresses((() => none) as any)('10.0.0.1:80')).toBe('10.0.0.1:80')
    expect(dialedAddresses({ '10.0.0.1:80': 'a:1' })('10.0.0.1:80')).toBe('a:1')
  })
})
