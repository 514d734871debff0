/** Requests whose endpoints are names that take their time: the route's timeout runs meanwhile, and a resolver that never answers holds nothing. */
import { describe, expect, test } from 'vitest'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { fakeTransport, virtualClock } from '../../src/testing/index.ts'

const rules = (http: string, names = ['a.names']) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec:
  hosts: [s.test]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: DNS
  location: MESH_INTERNAL
  endpoints: [${names.map(address => `{ address: ${address} }`).join(', ')}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s }
spec: { hosts: [s.test], http: [{ route: [{ destination: { host: s.test } }], ${http} }] }
`

function make(http: string, resolve: (name: string) => Promise<any> = () => new Promise(() => {}), more = {}) {
  const clock = virtualClock()
  const transport = fakeTransport({ '*': { body: 'ok', delay: 100 } }, { clock })
  const mesh = createMesh({ rules: rules(http), clock, transport, discovery: { resolver: { resolve } }, ...more })
  const ended: string[] = []
  const ask = (init: RequestInit = {}) =>
    mesh.fetch('http://s.test/', init).then(
      async response => {
        const { flags, details } = outcomeOf(response)!
        ended.push(`${clock.now()} ${response.status} ${flags} ${details}`)
        await response.text().catch(() => {})
      },
      error => ended.push(`${clock.now()} ${error.message}`),
    )
  return { clock, transport, mesh, ended, ask }
}
const after = <T>(clock: any, ms: number, value: T) => new Promise<T>(resolve => clock.schedule(ms, () => resolve(value)))
const stream = () => new ReadableStream({ start: c => (c.enqueue(new Uint8Array(3)), c.close()) }) as any

describe('a resolver that never answers', () => {
  test.each([{}, { method: 'POST', body: 'text' }, { method: 'POST', body: stream(), duplex: 'half' } as any])(
    '%j: the route timeout ends the request',
    async init => {
      const { clock, mesh, ended, ask } = make('timeout: 500ms')
      void ask(init)
      await clock.advanceAsync(499)
      expect(ended).toEqual([])
      await clock.advanceAsync(1)
      expect(ended).toEqual(['500 504 UT response_timeout'])
      await mesh.close()
      await clock.advanceAsync(3_600_000)
      expect(clock.pending).toBe(0)
    },
  )

  test('without a timeout the look-up is given up after 10 s', async () => {
    const { clock, mesh, ended, ask } = make('retries: { attempts: 0 }')
    void ask()
    await clock.advanceAsync(10_000)
    expect(ended).toEqual(['10000 503 UH no_healthy_upstream'])
    // Later requests do not wait again.
    void ask()
    await clock.advanceAsync(0)
    expect(ended[1]).toBe('10000 503 UH no_healthy_upstream')
    await mesh.close()
  })

  test("the caller's abort ends the wait", async () => {
    const { clock, mesh, ended, ask } = make('retries: { attempts: 0 }')
    const aborter = new AbortController()
    void ask({ signal: aborter.signal })
    await clock.advanceAsync(100)
    aborter.abort(new Error('enough'))
    await clock.advanceAsync(0)
    expect(ended).toEqual(['100 enough'])
    await mesh.close()
  })

  test('mesh.ready() resolves when it is given up', async () => {
    const { clock, mesh } = make('retries: { attempts: 0 }')
    let ready = false
    void mesh.ready().then(() => (ready = true))
    await clock.advanceAsync(9_999)
    expect(ready).toBe(false)
    await clock.advanceAsync(1)
    expect(ready).toBe(true)
    await mesh.close()
  })
})

describe('a resolver that answers after 400 ms', () => {
  const slow = (http: string) => {
    const made = make(http, () => after(made.clock, 400, [{ address: '10.0.0.1' }]))
    return made
  }

  test('the time of the route counts from the request, and so does what the upstream is told', async () => {
    const { clock, transport, mesh, ended, ask } = slow('timeout: 450ms')
    void ask()
    await clock.advanceAsync(1000)
    expect(ended).toEqual(['450 504 UT response_timeout'])
    expect(transport.requests[0]!.headers['x-envoy-expected-rq-timeout-ms']).toBe('50')
    await mesh.close()
  })

  test('a request that is answered in time', async () => {
    const { clock, mesh, ended, ask } = slow('timeout: 501ms')
    void ask()
    await clock.advanceAsync(10_000)
    expect(ended).toEqual(['500 200  via_upstream'])
    await mesh.close()
    await clock.advanceAsync(3_600_000)
    expect(clock.pending).toBe(0)
  })

  test('the time of a stream begins when it is complete, as without a look-up', async () => {
    const { clock, mesh, ended, ask } = slow('timeout: 450ms')
    void ask({ method: 'POST', body: stream(), duplex: 'half' } as any)
    await clock.advanceAsync(10_000)
    expect(ended).toEqual(['500 200  via_upstream'])
    await mesh.close()
  })
})

test('a cluster that has endpoints does not wait for a further name', async () => {
  const { clock, mesh, ended, ask } = make('retries: { attempts: 0 }', async name =>
    name === 'a.names' ? [{ address: '10.0.0.1' }] : new Promise(() => {}),
  )
  await clock.advanceAsync(0)
  const applied = mesh.apply(rules('retries: { attempts: 0 }', ['a.names', 'b.names']))
  await clock.advanceAsync(0)
  expect((await applied).accepted).toBe(true)
  void ask()
  await clock.advanceAsync(100)
  expect(ended).toEqual(['100 200  via_upstream'])
  await mesh.close()
})
