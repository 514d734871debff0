import { Readable } from 'node:stream'
import axios, { AxiosError } from 'axios'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { circuitBreaker, fallback, governAxios, governFetch, pipeline, retry, timeLimiter } from '../../../src/index.ts'
import { loopback } from './loopback.ts'

let server: Awaited<ReturnType<typeof loopback>>
let fails = 0
beforeAll(async () => {
  server = await loopback({
    '/flaky': (_q, r) => (fails-- > 0 ? r.writeHead(503).end('x'.repeat(200_000)) : r.end('fine')),
    '/hang': () => {},
  })
})
afterAll(() => server.close())
afterEach(() => {
  server.seen.length = 0
  fails = 0
})
const twice = () => retry({ attempts: 2, backoff: 1 })

describe('governFetch', () => {
  test('a status of 500 or more is a failure: it is tried again', async () => {
    fails = 2
    const governed = governFetch(fetch, twice())
    expect(await (await governed(`${server.origin}/flaky`)).text()).toBe('fine')
    expect(server.seen.length).toBe(3)
  })

  test('a 404 is an answer', async () => {
    const response = await governFetch(fetch, twice())(`${server.origin}/404`)
    expect([response.status, server.seen.length]).toEqual([404, 1])
  })

  test('when every try fails the last response comes back, readable', async () => {
    fails = 9
    const response = await governFetch(fetch, twice())(`${server.origin}/flaky`)
    expect([response.status, (await response.text()).length, server.seen.length]).toEqual([503, 200_000, 3])
  })

  test('answers of earlier tries do not hold their connections', async () => {
    const cancelled: string[] = []
    const fake = (async () => {
      const body = new ReadableStream({ cancel: () => void cancelled.push('x') })
      return new Response(body, { status: fails-- > 0 ? 503 : 200 })
    }) as typeof fetch
    fails = 2
    const response = await governFetch(fake, twice())('http://x/')
    await new Promise(resolve => setImmediate(resolve))
    expect([response.status, cancelled.length]).toEqual([200, 2])
  })

  test('a Request with a body can be sent again', async () => {
    fails = 1
    await governFetch(fetch, twice())(new Request(`${server.origin}/flaky`, { method: 'PUT', body: 'again' }))
    expect(server.seen.map(s => [s.method, s.body])).toEqual([
      ['PUT', 'again'],
      ['PUT', 'again'],
    ])
  })

  test('a stream is sent once: what that came to is the end, and counts once', async () => {
    fails = 9
    const breaker = circuitBreaker()
    const governed = governFetch(fetch, pipeline(twice(), breaker))
    const stream = (): any => ({ method: 'PUT', duplex: 'half', body: new Blob(['once']).stream() })
    const response = await governed(`${server.origin}/flaky`, stream())
    expect([response.status, (await response.text()).length]).toEqual([503, 200_000])
    expect(server.seen.map(s => s.body)).toEqual(['once'])
    expect([breaker.metrics.numberOfFailedCalls, breaker.metrics.numberOfBufferedCalls]).toEqual([1, 1])
    await expect(governed('http://127.0.0.1:1/', stream())).rejects.toMatchObject({ message: 'fetch failed' })
  })

  test('a breaker opens on 500s', async () => {
    const breaker = circuitBreaker({ slidingWindowSize: 2, minimumNumberOfCalls: 2 })
    const governed = governFetch(fetch, breaker)
    for (let i = 0; i < 2; i++) expect((await governed(`${server.origin}/500`)).status).toBe(500)
    await expect(governed(`${server.origin}/echo`)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
  })

  test('the caller’s abort comes back as it is, while waiting and while reading', async () => {
    const reason = new Error('enough')
    const governed = governFetch(fetch, pipeline(twice(), timeLimiter({ timeoutDuration: 5000 })))
    const first = new AbortController()
    const asked = governed(`${server.origin}/hang`, { signal: first.signal })
    setTimeout(() => first.abort(reason), 20)
    await expect(asked).rejects.toBe(reason)
    const second = new AbortController()
    const response = await governed(`${server.origin}/large`, { signal: second.signal })
    second.abort(reason)
    await expect(response.text()).rejects.toThrow()
  })

  test('a fallback answers', async () => {
    const governed = governFetch(
      fetch,
      fallback(() => new Response('stale')),
    )
    expect(await (await governed(`${server.origin}/500`)).text()).toBe('stale')
  })
})

describe('governAxios', () => {
  test('every way of asking is governed', async () => {
    const client = governAxios(axios.create({ baseURL: server.origin, proxy: false }), twice())
    for (const ask of [
      () => client.get('/flaky'),
      () => client({ url: '/flaky' }),
      () => client.request({ url: '/flaky' }),
      () => client.put('/flaky', { a: 1 }),
    ]) {
      fails = 2
      server.seen.length = 0
      expect((await ask()).data).toBe('fine')
      expect(server.seen.length).toBe(3)
    }
    expect(server.seen.map(s => s.body)).toEqual(['{"a":1}', '{"a":1}', '{"a":1}'])
  })

  test('a stream is sent once: a second try would send nothing and be thanked for it', async () => {
    fails = 1
    const client = governAxios(axios.create({ baseURL: server.origin, proxy: false }), twice())
    await expect(client.put('/flaky', Readable.from(['on', 'ce']))).rejects.toMatchObject({ response: { status: 503 } })
    expect(server.seen.map(s => s.body)).toEqual(['once'])
  })

  test('a 404 is rejected as ever and is no failure', async () => {
    const breaker = circuitBreaker({ slidingWindowSize: 2, minimumNumberOfCalls: 2 })
    const client = governAxios(axios.create({ baseURL: server.origin, proxy: false }), pipeline(twice(), breaker))
    for (let i = 0; i < 3; i++) {
      const error = await client.get('/404').catch(e => e)
      expect([error instanceof AxiosError, error.code, error.response.data]).toEqual([true, 'ERR_BAD_REQUEST', 'no'])
    }
    expect([server.seen.length, breaker.metrics.numberOfFailedCalls]).toEqual([3, 0])
  })

  test('a 500 is a failure whatever validateStatus says', async () => {
    fails = 9
    const strict = governAxios(axios.create({ baseURL: server.origin, proxy: false }), twice())
    await expect(strict.get('/flaky')).rejects.toMatchObject({ code: 'ERR_BAD_RESPONSE', response: { status: 503 } })
    const lenient = governAxios(axios.create({ baseURL: server.origin, proxy: false, validateStatus: null }), twice())
    expect((await lenient.get('/flaky')).status).toBe(503)
    expect(server.seen.length).toBe(6)
  })

  test('interceptors run once, transforms as always', async () => {
    const client = governAxios(axios.create({ baseURL: server.origin, proxy: false }), twice())
    let intercepted = 0
    client.interceptors.request.use(config => {
      intercepted++
      return config
    })
    fails = 1
    await client.get('/flaky')
    expect(intercepted).toBe(1)
    expect((await client.get('/json')).data).toEqual({ a: [1, 2, { b: null }] })
  })

  test('cancelling by signal and by token', async () => {
    const client = governAxios(axios.create({ baseURL: server.origin, proxy: false }), twice())
    const controller = new AbortController()
    const source = axios.CancelToken.source()
    const asked = [client.get('/hang', { signal: controller.signal }), client.get('/hang', { cancelToken: source.token })]
    setTimeout(() => {
      controller.abort()
      source.cancel()
    }, 20)
    for (const result of await Promise.allSettled(asked)) expect(result.status === 'rejected' && axios.isCancel(result.reason)).toBe(true)
    expect(server.seen.length).toBe(2)
  })

  test('something that is no axios is refused', () => {
    expect(() => governAxios({ request: async () => {}, defaults: {} }, twice())).toThrow('expected axios')
  })
})

test('wrong arguments are refused at once', () => {
  expect(() => (governFetch as any)()).toThrow(/^governFetch: expected fetch, then the policy/)
  expect(() => governFetch(twice() as any, fetch as any)).toThrow(/^governFetch: expected fetch, then the policy/)
  expect(() => governFetch(fetch, {} as any)).toThrow(/is no policy/)
  expect(() => (governAxios as any)()).toThrow(/^governAxios: expected axios/)
  expect(() => governAxios(axios.create(), undefined as any)).toThrow(/^governAxios: undefined is no policy/)
})
