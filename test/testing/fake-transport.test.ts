import { describe, expect, test } from 'vitest'
import { createMesh, type MeshOptions, outcomeOf } from '../../src/index.ts'
import { type FakeScript, fakeTransport, seededRandom, virtualClock } from '../../src/testing/index.ts'
import { oneService } from '../one-service.ts'

const A = '10.0.0.1:80'
const B = '10.0.0.2:80'

function meshOver(script: Record<string, FakeScript>, route = '', options: MeshOptions = {}) {
  const clock = virtualClock()
  const transport = fakeTransport(script, { clock })
  const mesh = createMesh({
    clock,
    transport,
    random: seededRandom(1),
    ...options,
    rules: oneService({ endpoints: B in script ? ['10.0.0.1', '10.0.0.2'] : ['10.0.0.1'], http: route }),
  })
  const stats = () => mesh.snapshot().clusters['outbound|80||s.test']!.stats
  return { clock, transport, mesh, stats }
}

describe('the fake transport', () => {
  test.each<[any, any, RegExp]>([
    [{ [A]: 'refusse' }, {}, /"10.0.0.1:80": "refusse" is not a step \(did you mean refuse\?\)/],
    [{ [A]: 'hello' }, {}, /an answer is \{ body: … \}/],
    [{ [A]: { statsu: 500 } }, {}, /"10.0.0.1:80".statsu: unknown option \(did you mean status\?\)/],
    [{ [A]: ['reset', { delay: -1 }] }, {}, /"10.0.0.1:80"\[1\].delay: -1 is out of range/],
    [{ [A]: { body: { a: 1 } } }, {}, /body: \{"a":1\} is not text, bytes or a list of them \(JSON.stringify objects\)/],
    [{ [A]: [] }, {}, /an empty list/],
    [{ '10.0.0.1': {} }, {}, /no endpoint has this address \(expected "ip:port"/],
    [{ [A]: {} }, { conectDelay: 1 }, /conectDelay: unknown option \(did you mean connectDelay\?\)/],
    [{ [A]: {} }, { clock: 1 }, /clock: 1 is not an object with now, schedule/],
  ])('%j %j is refused', (script, options, message) => expect(() => fakeTransport(script, options)).toThrow(message))

  test('a wrong answer of a function is said as the reason', async () => {
    const { mesh } = meshOver({ [A]: () => ({ stauts: 200 }) as any }, 'retries: { attempts: 0 }')
    await expect(mesh.fetch('http://s.test/')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('the answer of 10.0.0.1:80.stauts: unknown option') },
    })
  })

  test('answers as scripted, remembers what was asked, and costs no socket', async () => {
    const { mesh, transport } = meshOver({
      [A]: request => ({ status: 201, headers: { 'x-a': ['1', '2'] }, body: `${request.method} ${request.path} ${request.body}` }),
    })
    const response = await mesh.fetch('http://s.test/x?y', { method: 'POST', body: 'hello', headers: { 'X-B': 'c' } })
    expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([201, '1, 2', 'POST /x?y hello'])
    expect(transport.requests).toMatchObject([{ endpoint: A, authority: 's.test', headers: { 'x-b': 'c' }, body: 'hello' }])
    expect(transport.connections).toMatchObject({ made: 1, open: 1 })
  })

  test('a list is used up one by one; its last step stays', async () => {
    const { mesh } = meshOver({ [A]: [{ status: 500 }, { status: 404 }, {}] }, 'retries: { attempts: 0 }')
    const seen = []
    for (let i = 0; i < 4; i++) seen.push((await mesh.fetch('http://s.test/')).status)
    expect(seen).toEqual([500, 404, 200, 200])
  })

  test('delays pass on the given clock only', async () => {
    const { mesh, clock } = meshOver({ [A]: { body: ['a', 'b'], delay: 1000, pause: 500 } })
    const asked = mesh.fetch('http://s.test/')
    await clock.advanceAsync(1000)
    const reading = (await asked).text()
    await clock.advanceAsync(1000)
    expect(await reading).toBe('ab')
    expect(clock.now()).toBe(2000)
  })

  test('a route timeout cuts a hung request, and a hung body', async () => {
    const { mesh, clock, stats } = meshOver({ [A]: ['hang', { body: ['a', 'b'], pause: 600 }] }, 'timeout: 1s')
    const hung = mesh.fetch('http://s.test/')
    await clock.advanceAsync(1000)
    expect([(await hung).status, outcomeOf(await hung)!.flags]).toEqual([504, 'UT'])
    const cut = await mesh.fetch('http://s.test/')
    const reading = expect(cut.text()).rejects.toMatchObject({ code: 'ERR_TIME_LIMIT' })
    await clock.advanceAsync(1200)
    await reading
    expect(stats()).toMatchObject({ upstream_rq_active: 0, upstream_rq_pending_active: 0, upstream_rq_timeout: 2 })
  })

  test.each([
    ['refuse', 503, 'UF'],
    ['reset', 503, 'UC'],
    ['garbage', 502, 'UPE'],
  ] as const)('%s becomes %d %s', async (step, status, flags) => {
    const { mesh } = meshOver({ [A]: step }, 'retries: { attempts: 0 }')
    const response = await mesh.fetch('http://s.test/')
    expect([response.status, outcomeOf(response)!.flags]).toEqual([status, flags])
  })

  test('unreachable takes the connect timeout', async () => {
    const { mesh, clock } = meshOver({ [A]: 'unreachable' }, 'retries: { attempts: 0 }')
    const asked = mesh.fetch('http://s.test/')
    await clock.advanceAsync(10_000)
    const { flags, details } = outcomeOf(await asked)!
    expect([flags, details]).toEqual(['UF', 'upstream_reset_before_response_started{connection_timeout}'])
  })

  test('a refused connection is one step; the retry meets the next', async () => {
    const { mesh, clock, transport } = meshOver({ [A]: ['refuse', { body: 'ok' }] }, 'retries: { attempts: 2, retryOn: connect-failure }')
    const asked = mesh.fetch('http://s.test/')
    await clock.advanceAsync(100)
    expect(await (await asked).text()).toBe('ok')
    expect(transport.connections.made).toBe(2)
  })

  test('a body that is cut ends with an error after what came', async () => {
    const { mesh, stats } = meshOver({ [A]: { body: 'half', cut: true } })
    const response = await mesh.fetch('http://s.test/')
    await expect(response.text()).rejects.toThrow('terminated')
    expect(outcomeOf(response)).toMatchObject({ flags: 'UPE' })
    expect(stats()['upstream_rq_active']).toBe(0)
  })

  test('killed and restarted', async () => {
    const { mesh, transport } = meshOver({ [A]: 'hang' }, 'retries: { attempts: 0 }')
    const lost = mesh.fetch('http://s.test/')
    await new Promise(resolve => setImmediate(resolve))
    transport.script(A, 'refuse')
    transport.kill(A)
    expect(outcomeOf(await lost)!.flags).toBe('UC')
    expect(outcomeOf(await mesh.fetch('http://s.test/'))!.flags).toBe('UF')
    transport.script(A, { body: 'back' })
    expect(await (await mesh.fetch('http://s.test/')).text()).toBe('back')
    expect(transport.connections.open).toBe(1)
  })

  test('an endpoint that no script names refuses; an empty list is a mistake', async () => {
    const { mesh } = meshOver({ '*': {}, [B]: 'refuse' }, 'retries: { attempts: 0 }')
    const seen = new Set<number>()
    for (let i = 0; i < 4; i++) seen.add((await mesh.fetch('http://s.test/')).status)
    expect(seen).toEqual(new Set([200, 503]))
    expect(() => fakeTransport({ [A]: [] }).connect({ address: A, protocol: 'http1', connectTimeout: 1 }, {} as never)).toThrow(
      'empty list',
    )
  })

  test('an abandoned body gives its connection back after limits.abandonedBodyTimeout', async () => {
    const { mesh, clock, transport, stats } = meshOver({ [A]: { body: Array.from({ length: 20 }, () => 'x'.repeat(8192)) } }, '', {
      limits: { abandonedBodyTimeout: '10s' },
    })
    const response = await mesh.fetch('http://s.test/')
    await clock.advanceAsync(9_999)
    expect(stats()['upstream_rq_active']).toBe(1)
    await clock.advanceAsync(1)
    expect([stats()['upstream_rq_active'], transport.connections.open]).toEqual([0, 0])
    await expect(response.text()).rejects.toMatchObject({
      cause: { message: 'nobody read the body within 10000 ms; its connection was given back' },
    })
  })

  test('a small body that nobody reads gives its connection back at once', async () => {
    const { mesh, stats, transport } = meshOver({ [A]: { body: 'x'.repeat(60_000) } })
    const responses = []
    for (let i = 0; i < 3; i++) {
      responses.push(await mesh.fetch('http://s.test/'))
      await new Promise(resolve => setImmediate(resolve)) // until the body has come: the next request may begin in the turn of the headers
    }
    expect([stats()['upstream_rq_active'], transport.connections.made]).toEqual([0, 1])
    expect((await responses[0]!.text()).length).toBe(60_000)
  })
})
