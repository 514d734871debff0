/** What a policy sees is the same behind every door: governFetch and governAxios, over the platform's clients and over a mesh. */
import { Readable } from 'node:stream'
import axios, { type AxiosInstance } from 'axios'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  cache,
  circuitBreaker,
  createMesh,
  governAxios,
  governFetch,
  hedge,
  type Mesh,
  type Policy,
  pipeline,
  type RetryOptions,
  retry,
  timeLimiter,
} from '../../../src/index.ts'
import { loopback } from './loopback.ts'

let server: Awaited<ReturnType<typeof loopback>>
let gone: string
let mesh: Mesh
let script: number[] = []
beforeAll(async () => {
  server = await loopback({
    '/script': (_q, r) => {
      const status = script.length > 1 ? script.shift()! : script[0]!
      r.writeHead(status, status === 302 ? { location: gone } : {}).end(`{"status":${status}}`)
    },
    '/hang': () => {},
    '/reset': q => void q.socket.destroy(),
    '/see-other': (_q, r) => r.writeHead(303, { location: gone }).end(),
  })
  const closed = await loopback()
  gone = `${closed.origin}/`
  await closed.close()
  mesh = createMesh({})
})
afterAll(async () => {
  await mesh.close()
  await server.close()
})
afterEach(() => {
  server.seen.length = 0
})

interface Sent {
  method?: string
  body?: any
  headers?: Record<string, string>
  timeout?: number
}
/** What came of a request: a status, or an error's code or name. */
type Ended = number | string
type Door = (policy: Policy<any, any>) => (path: string, sent?: Sent) => Promise<Ended>

const codeOf = (error: any): string => error.cause?.code ?? error.code ?? error.name
const overFetch = (fetcher: () => typeof fetch): Door => {
  return policy => {
    const governed = governFetch(fetcher(), policy)
    return async (path, { method = 'GET', body, headers = {}, timeout } = {}) => {
      const init: any = { method, body, headers, duplex: 'half', ...(timeout ? { signal: AbortSignal.timeout(timeout) } : {}) }
      return governed(path.startsWith('/') ? server.origin + path : path, init).then(r => r.status, codeOf)
    }
  }
}
const overAxios = (make: () => AxiosInstance): Door => {
  return policy => {
    const client = governAxios(make(), policy)
    return async (path, { method = 'GET', body, headers = {}, timeout } = {}) => {
      const signal = timeout ? AbortSignal.timeout(timeout) : undefined
      return client
        .request({ url: path.startsWith('/') ? server.origin + path : path, method, data: body, headers, ...(signal ? { signal } : {}) })
        .then(
          r => r.status,
          (error: any) => error.response?.status ?? codeOf(error),
        )
    }
  }
}

describe.each<[string, Door]>([
  ['governFetch(fetch)', overFetch(() => fetch)],
  ['governFetch(mesh.fetch)', overFetch(() => mesh.fetch)],
  ['governAxios', overAxios(() => axios.create({ proxy: false }))],
  ['governAxios, adapter of a mesh', overAxios(() => axios.create({ adapter: mesh.axios(), proxy: false }))],
])('%s', (_name, door) => {
  const twice = (more: RetryOptions<any> = {}) => retry<any>({ attempts: 2, backoff: 1, ...more })

  test.each<[string, number[], RetryOptions<any>, Sent, number, number]>([
    ['429 by retryOn', [429, 200], { retryOn: '429' }, {}, 2, 200],
    ['429 that stays', [429], { retryOn: '429' }, {}, 3, 429],
    ['409 by word', [409, 200], { retryOn: 'retriable-4xx' }, {}, 2, 200],
    ['404 by hook', [404, 200], { retryOnResult: r => r.status === 404 }, {}, 2, 200],
    ['404 by default', [404, 200], {}, {}, 1, 404],
    ['503 by default', [503, 200], {}, {}, 2, 200],
    ['503 to a write', [503, 200], {}, { method: 'POST', body: 'x' }, 1, 503],
    ['503 to PATCH', [503, 200], {}, { method: 'PATCH', body: 'x' }, 1, 503],
    ['503 to PUT', [503, 200], {}, { method: 'PUT', body: 'x' }, 2, 200],
    ['503 to a write by methods', [503, 200], { methods: ['POST'] }, { method: 'POST', body: 'x' }, 2, 200],
    ['503 to a write by retryOn', [503, 200], { retryOn: '5xx' }, { method: 'POST', body: 'x' }, 2, 200],
    ['503 to a write with a key', [503, 200], {}, { method: 'POST', body: 'x', headers: { 'Idempotency-Key': 'k' } }, 2, 200],
    ['503 to a stream', [503, 200], {}, { method: 'PUT', body: 'stream' }, 1, 503],
    ['429 to a stream', [429, 200], { retryOn: '429' }, { method: 'PUT', body: 'stream' }, 1, 429],
  ])('retry: %s', async (_what, statuses, options, sent, attempts, ended) => {
    script = [...statuses]
    const body = sent.body === 'stream' ? Readable.from([Buffer.from('on'), Buffer.from('ce')]) : sent.body
    expect(await door(twice(options))('/script', { ...sent, body })).toBe(ended)
    // A request that an earlier test gave up may come late.
    const seen = server.seen.filter(s => s.url === '/script')
    expect([seen.length, new Set(seen.map(s => s.body)).size]).toEqual([attempts, 1])
  })

  test('a write to a port where no server listens did not leave; one that was redirected there did', async () => {
    const again = twice()
    expect(await door(again)(gone, { method: 'POST', body: 'x' })).toBe('ECONNREFUSED')
    expect(again.metrics.numberOfTotalCalls).toBe(3)
    expect(await door(again)('/see-other', { method: 'POST', body: 'x' })).toBe('ECONNREFUSED')
    expect([again.metrics.numberOfTotalCalls, server.seen.length]).toEqual([4, 1])
  })

  test('a write that was reset may have been done', async () => {
    const again = twice()
    await door(again)('/reset', { method: 'POST', body: 'x' })
    expect(again.metrics.numberOfTotalCalls).toBe(1)
    await door(again)('/reset')
    expect(again.metrics.numberOfTotalCalls).toBe(4)
  })

  test('no write is hedged', async () => {
    script = [200]
    const policy = hedge<any>({ delay: 0 })
    await door(policy)('/script', { method: 'POST', body: 'x' })
    expect([server.seen.length, policy.metrics.numberOfCalls]).toEqual([1, 0])
  })

  test.each<[string, number[], object, number]>([
    ['by default', [404, 429, 500, 503], {}, 2],
    ['by status', [404, 429, 500, 503], { recordStatus: [429, '5xx'] }, 3],
    ['by hook', [404, 404, 200], { recordResult: (r: any) => r.status === 404 }, 2],
  ])('a breaker counts failures %s', async (_what, statuses, options, failures) => {
    script = [...statuses]
    const breaker = circuitBreaker<any>({ minimumNumberOfCalls: 10, ...options })
    const ask = door(breaker)
    for (const status of statuses) expect(await ask('/script')).toBe(status)
    expect([breaker.metrics.numberOfFailedCalls, breaker.metrics.numberOfBufferedCalls]).toEqual([failures, statuses.length])
  })

  test('what the caller wrote wrong is no failure of the callee, and is not tried again', async () => {
    const [breaker, again] = [circuitBreaker<any>(), twice()]
    const ask = door(pipeline(again, breaker))
    expect(typeof (await ask('http://[oops'))).toBe('string')
    const broken = () => new Readable({ read() { this.destroy(new Error('disk')) } }) // biome-ignore format: one line
    expect(typeof (await ask('/script', { method: 'PUT', body: broken() }))).toBe('string')
    expect([breaker.metrics.numberOfBufferedCalls, again.metrics.numberOfTotalCalls]).toEqual([0, 2])
  })

  test('an abort by the caller counts for nothing, a time limit as a failure', async () => {
    const breaker = circuitBreaker<any>()
    await door(breaker)('/hang', { timeout: 30 })
    expect(breaker.metrics.numberOfBufferedCalls).toBe(0)
    expect(await door(pipeline(breaker, timeLimiter({ timeoutDuration: 20 })))('/hang')).toBe('ERR_TIME_LIMIT')
    expect(breaker.metrics.numberOfFailedCalls).toBe(1)
  })
})

describe('governAxios', () => {
  const client = (policy: Policy<any, any>, config: object = {}) =>
    governAxios(axios.create({ baseURL: server.origin, proxy: false, ...config }), policy)

  test('validateStatus decides at the end, on what the policies made of it', async () => {
    script = [429, 404]
    const error = await client(retry({ retryOn: '429', backoff: 1 }))
      .get('/script')
      .catch(e => e)
    expect([error.code, error.response.status, error.response.data]).toEqual(['ERR_BAD_REQUEST', 404, { status: 404 }])
    script = [302]
    const lenient = client(retry({ backoff: 1 }), { maxRedirects: 0, validateStatus: (status: number) => status === 302 })
    expect((await lenient.get('/script')).status).toBe(302)
    await expect(lenient.get('/204')).rejects.toMatchObject({ code: 'ERR_BAD_RESPONSE' })
  })

  test('responses and errors carry the config of the request, so that asking again is governed too', async () => {
    const again = retry<any>({ attempts: 1, backoff: 1 })
    const api = client(again)
    for (const path of ['/500', '/reset', gone]) {
      const error = await api.get(path).catch(e => e)
      const tries = again.metrics.numberOfTotalCalls
      expect([error.config.url, error.config.transformResponse.length > 0]).toEqual([path, true])
      await api(error.config).catch(() => {})
      expect(again.metrics.numberOfTotalCalls).toBe(tries + 2)
    }
    expect((await api.get('/json')).config.validateStatus).toBeTypeOf('function')
  })

  test('a response that several callers share is transformed for each', async () => {
    const api = client(cache<any>({ key: () => 'one' }), { transformResponse: (data: string) => `<${data}>` })
    const shared = await Promise.all([api.get('/echo'), api.get('/echo')])
    expect([shared.map(r => r.data), server.seen.length]).toEqual([['<hello, wörld>', '<hello, wörld>'], 1])
  })

  test('an adapter that judges a status by itself changes nothing of it', async () => {
    let requests = 0
    const adapter = async (config: any) => {
      const response = { status: ++requests < 2 ? 429 : 404, statusText: '', headers: {}, config, data: 'x', request: {} }
      throw new axios.AxiosError('refused', 'ERR_BAD_REQUEST', config, {}, response as any)
    }
    const [breaker, again] = [circuitBreaker<any>(), retry<any>({ retryOn: '429', backoff: 1 })]
    const error = await client(pipeline(again, breaker), { adapter })
      .get('/')
      .catch(e => e)
    expect([requests, error.response.status, breaker.metrics.numberOfFailedCalls]).toEqual([2, 404, 0])
  })

  test('a default that an interceptor took away does not come back', async () => {
    const api = client(retry(), { headers: { 'X-Secret': 's' }, timeout: 5000 })
    api.interceptors.request.use(config => {
      config.headers.delete('X-Secret')
      return config
    })
    await api.get('/echo')
    expect(server.seen[0]!.headers.map(text => text.toLowerCase())).not.toContain('x-secret')
  })
})
