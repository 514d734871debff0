/** The second argument of fetch, and Requests: what is valid, and what wins. */
import { afterEach, describe, expect, test } from 'vitest'
import { isFormerFetch, type Row, startComparison } from './compare.ts'

const peers = startComparison()
const { both } = peers
const echo = () => `${peers.server.origin}/echo`

describe('members', () => {
  const values: Record<string, unknown[]> = {
    mode: ['cors', 'no-cors', 'same-origin', 'navigate', 'websocket', 'x', null],
    credentials: ['omit', 'include', 'x', null],
    cache: ['default', 'only-if-cached', 'x', null],
    redirect: ['x', null, 0],
    referrer: ['', 'about:client', 'about:blank', '/relative', null],
    referrerPolicy: ['', 'unsafe-url', 'x', null],
    keepalive: [true, null, 'x'],
    window: [null, 0, {}],
    duplex: ['half', 'full', null],
    signal: [null, 5, {}, { aborted: false }],
    priority: ['high', 'x'],
    unknown: [1],
  }
  const rows = Object.entries(values).flatMap(([name, all]) =>
    all.map<Row>(value => [`${name}: ${JSON.stringify(value)}`, (fetch, at) => fetch(`${at}/echo`, { [name]: value })]),
  )
  test.each(rows)('%s', (_name, run) => both(run))
  const inits = [0, 5, '', 'x', true, [], () => {}, Symbol('x')]
  test.each(inits.map(init => [String(init), init]))('init is %s', (_name, init) =>
    both((fetch, at) => fetch(`${at}/echo`, init as unknown as RequestInit)),
  )
})

describe('members are read', () => {
  class Init {
    get method() {
      return 'PUT'
    }
    get cache() {
      return 'no-store'
    }
  }
  test('from accessors of a class', () => both((fetch, at) => fetch(`${at}/echo`, new Init() as RequestInit)))
  test('from a prototype', () => both((fetch, at) => fetch(`${at}/echo`, Object.create({ method: 'POST', mode: 'no-cors' }))))
  test('from a Request as the init', () =>
    both((fetch, at) => fetch(`${at}/echo`, new Request('http://elsewhere.test/', { method: 'POST', cache: 'no-cache' }))))
  test('once each', async () => {
    const reads: string[] = []
    const init = new Proxy({ method: 'POST', mode: 'cors' } as RequestInit, {
      get: (target, name, receiver) => {
        if (name === 'method') reads.push(name)
        return Reflect.get(target, name, receiver)
      },
    })
    await (await peers.mesh.fetch(echo(), init)).text()
    expect(reads).toEqual(['method'])
  })
  test('but not a url: that is the first argument', async () => {
    const response = await peers.mesh.fetch(echo(), { url: 'http://127.0.0.1:2/', method: 'POST' } as RequestInit)
    expect([response.status, response.url]).toEqual([200, echo()])
  })
})

describe('a Request with an init', () => {
  const withReferrer = (at: string) => new Request(`${at}/echo`, { referrer: `${at}/r?q`, referrerPolicy: 'unsafe-url' })
  const requests: Record<string, (at: string) => Request> = {
    'no-cors': at => new Request(`${at}/echo`, { mode: 'no-cors' }),
    // Later ones forget the referrer of a Request.
    ...(isFormerFetch ? { 'with a referrer': withReferrer } : {}),
    'with a cache mode': at => new Request(`${at}/echo`, { cache: 'reload' }),
    manual: at => new Request(`${at}/301`, { redirect: 'manual' }),
    'with integrity': at => new Request(`${at}/echo`, { integrity: 'sha256-x' }),
    'with a lone #': at => new Request(`${at}/echo#`),
    'with a locked body': at => {
      const request = new Request(`${at}/echo`, { method: 'POST', body: 'x' })
      request.body!.getReader()
      return request
    },
  }
  const inits = [undefined, {}, { headers: { b: 'c' } }, { referrer: '' }, { cache: 'no-cache' }, { redirect: 'error' }, { integrity: '' }]
  const rows = Object.entries(requests).flatMap(([name, make]) =>
    inits.map<Row>(init => [`${name}, ${JSON.stringify(init)}`, (fetch, at) => fetch(make(at), init as RequestInit)]),
  )
  // A Headers object does not show the case of its names, nor their order.
  const sorted = (view: any) =>
    Array.isArray(view?.headers) && !Array.isArray(view.headers[0])
      ? { ...view, headers: view.headers.map((text: string) => text.toLowerCase()).sort() }
      : view
  test.each(rows)('%s', (_name, run) => both(run, sorted))
})

describe.runIf(isFormerFetch)('signals of another AbortController', () => {
  class OldSignal extends EventTarget {
    aborted = false
  }
  const abort = (signal: OldSignal) => {
    signal.aborted = true
    signal.dispatchEvent(new Event('abort'))
  }
  const given = (signal: OldSignal) => ({ signal: signal as unknown as AbortSignal })

  test('abort a request', async () => {
    const signal = new OldSignal()
    const asked = peers.mesh.fetch(echo(), given(signal))
    abort(signal)
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
  })
  test('that are aborted already: nothing is sent', async () => {
    const signal = new OldSignal()
    abort(signal)
    await expect(peers.mesh.fetch(echo(), given(signal))).rejects.toMatchObject({ name: 'AbortError', code: 20 })
    expect(peers.server.seen).toEqual([])
  })
  test('keep no listener', async () => {
    const signal = new OldSignal()
    let listeners = 0
    signal.addEventListener = (...args: any[]) => {
      listeners++
      ;(EventTarget.prototype.addEventListener as any).apply(signal, args)
    }
    signal.removeEventListener = (...args: any[]) => {
      listeners--
      ;(EventTarget.prototype.removeEventListener as any).apply(signal, args)
    }
    for (let i = 0; i < 3; i++) await (await peers.mesh.fetch(echo(), given(signal))).text()
    expect(listeners).toBe(0)
  })
})

describe('with undici’s setGlobalOrigin', () => {
  const ORIGIN = Symbol.for('undici.globalOrigin.1')
  const withOrigin = (at: string) =>
    Object.defineProperty(globalThis, ORIGIN, { value: new URL(`${at}/page?q#f`), configurable: true, writable: true })
  afterEach(() => Object.defineProperty(globalThis, ORIGIN, { value: undefined, configurable: true, writable: true }))
  const rows: Row[] = [
    ['a relative URL', fetch => fetch('/echo')],
    ['Origin of a POST', fetch => fetch('/echo', { method: 'POST', body: 'x' })],
    ['no Origin with no-referrer', fetch => fetch('/echo', { method: 'PUT', body: 'x', referrerPolicy: 'origin' })],
    ['a redirect to another origin', fetch => fetch('/302')],
    ['a relative referrer', fetch => fetch('/echo', { referrer: '/other?r' })],
    ['a referrer of another origin becomes the own', fetch => fetch('/echo', { referrer: 'http://other.test/' })],
    ['no referrer', fetch => fetch('/echo', { referrer: '' })],
  ]
  test.each(rows)('%s', (_name, run) =>
    both((fetch, at) => {
      withOrigin(at)
      return run(fetch, at)
    }),
  )
})

test('a relative URL without an origin is refused as by fetch', () => both(fetch => fetch('/echo')))
test('has the name and the length of fetch', () =>
  expect([peers.mesh.fetch.name, peers.mesh.fetch.length]).toEqual([fetch.name, fetch.length]))

test('the stack of a failed fetch leads to the code that awaits it', async () => {
  async function callerOfFetch() {
    await peers.mesh.fetch('http://127.0.0.1:2/')
  }
  const error: any = await callerOfFetch().catch(e => e)
  expect(error.message).toBe('fetch failed')
  expect(error.stack).toContain('callerOfFetch')
})
