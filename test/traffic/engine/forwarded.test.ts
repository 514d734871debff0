/** To whom a request is sent, and under which name TLS is spoken, where the rules leave it to the request. */
import { describe, expect, test } from 'vitest'
import { createMesh, type MeshOptions, outcomeOf, type Transport } from '../../../src/index.ts'
import { fakeTransport, virtualClock } from '../../../src/testing/index.ts'

/** What was connected to: the address, and the name for TLS; `-` without TLS. */
function watched(script: Parameters<typeof fakeTransport>[0] = { '*': { body: 'hello' } }) {
  const inner = fakeTransport(script)
  const seen: string[] = []
  const transport: Transport = {
    connect(target, listener) {
      seen.push(`${target.address} ${target.tls === undefined ? '-' : (target.tls.sni ?? 'no name')}`)
      return inner.connect(target, listener)
    },
  }
  return { transport, seen, inner }
}

const entry = (host: string, more: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 's' },
  spec: { hosts: [host], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], ...more },
})
const rule = (host: string, trafficPolicy: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 's' },
  spec: { host, trafficPolicy },
})
const route = (host: string, http: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 's' },
  spec: { hosts: [host], http: [http] },
})
const STATIC = { resolution: 'STATIC', endpoints: [{ address: '10.0.0.1' }] }
const mesh = (rules: MeshOptions['rules'], transport: Transport, more: MeshOptions = {}) =>
  createMesh({ rules, transport, clock: virtualClock(), ...more })

describe('the name for TLS', () => {
  test('is the Host of the request where the rules give none, after it was rewritten', async () => {
    const { transport, seen } = watched()
    const own = mesh([entry('s.test', STATIC), rule('s.test', { tls: { mode: 'SIMPLE' } })], transport)
    await own.fetch('http://s.test/')
    expect(seen).toEqual(['10.0.0.1:80 s.test'])
    const rewrite = route('s.test', { rewrite: { authority: 'other.test' }, route: [{ destination: { host: 's.test' } }] })
    expect(await own.patch(rewrite)).toMatchObject({ accepted: true })
    await own.fetch('http://s.test/')
    expect(seen).toEqual(['10.0.0.1:80 s.test', '10.0.0.1:80 other.test'])
  })

  test('is the one that the rules give', async () => {
    const { transport, seen } = watched()
    await mesh([entry('s.test', STATIC), rule('s.test', { tls: { mode: 'SIMPLE', sni: 'theirs.test' } })], transport).fetch(
      'http://s.test/',
    )
    expect(seen).toEqual(['10.0.0.1:80 theirs.test'])
  })

  test('of a mirror is its own affair', async () => {
    const { transport, seen } = watched()
    const plain = { ...entry('m.test', { ...STATIC, endpoints: [{ address: '10.0.0.2' }] }), metadata: { name: 'm' } }
    const mirror = route('s.test', { route: [{ destination: { host: 's.test' } }], mirror: { host: 'm.test' } })
    await mesh([entry('s.test', STATIC), plain, rule('s.test', { tls: { mode: 'SIMPLE' } }), mirror], transport).fetch('http://s.test/')
    expect(seen).toEqual(['10.0.0.1:80 s.test', '10.0.0.2:80 -'])
  })
})

describe('requests that go where they want to', () => {
  const wild = entry('*.shop.test', { resolution: 'NONE' })

  test('resolution NONE: the host of the request itself is called, as the cluster that the rules name', async () => {
    const { transport, seen } = watched()
    const own = mesh(wild, transport)
    const response = await own.fetch('http://a.shop.test/')
    expect([response.status, await response.text()]).toEqual([200, 'hello'])
    expect(outcomeOf(response)).toMatchObject({ cluster: 'outbound|80||*.shop.test', endpoint: 'a.shop.test:80' })
    await own.fetch('http://b.shop.test/')
    await own.fetch('http://a.shop.test/')
    expect(seen).toEqual(['a.shop.test:80 -', 'b.shop.test:80 -'])
    expect(own.snapshot().clusters['outbound|80||*.shop.test|http|a.shop.test|80']!.stats.upstream_rq_total).toBe(2)
    expect(own.explain({ url: 'http://a.shop.test/' }).warnings).toEqual([])
  })

  test('also when the registry alone may be called, to another port when the service says so', async () => {
    const { transport, seen } = watched()
    const meshConfig = { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }
    const ports = [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 8080 }]
    const own = mesh(entry('*.shop.test', { resolution: 'NONE', ports }), transport, { meshConfig })
    expect((await own.fetch('http://a.shop.test/')).status).toBe(200)
    expect((await own.fetch('http://a.other.test/')).status).toBe(502)
    expect(seen).toEqual(['a.shop.test:8080 -'])
  })

  test('loadBalancer PASSTHROUGH does not look at endpoints; those set by hand count', async () => {
    const { transport, seen } = watched()
    const own = mesh([entry('s.test', STATIC), rule('s.test', { loadBalancer: { simple: 'PASSTHROUGH' } })], transport)
    await own.fetch('http://s.test/')
    own.setEndpoints('s.test||80', [{ address: '10.0.0.9:80' }])
    await own.fetch('http://s.test/')
    expect(seen).toEqual(['s.test:80 -', '10.0.0.9:80 -'])
  })

  test('a failure is answered as of any governed host, and the policies are those of the cluster', async () => {
    const breaker = {
      apiVersion: 'meshless.dev/v1',
      kind: 'ResiliencePolicy',
      metadata: { name: 'b' },
      spec: { targets: [{ host: '*.shop.test' }], circuitBreaker: { consecutiveFailures: 2 } },
    }
    const { transport } = watched({})
    const never = route('*.shop.test', { route: [{ destination: { host: '*.shop.test' } }], retries: { attempts: 0 } })
    const own = mesh([wild, breaker, never], transport)
    const answers: string[] = []
    for (const host of ['a', 'b', 'c']) {
      const response = await own.fetch(`http://${host}.shop.test/`)
      const { flags, details } = outcomeOf(response)!
      answers.push(`${response.status} ${flags} ${details.split('{')[0]}`)
    }
    const down = '503 UF upstream_reset_before_response_started'
    expect(answers).toEqual([down, down, '503  meshless_circuit_open'])
  })

  test('settings that change reach the hosts that are known, and rules that give endpoints take over', async () => {
    const { transport, seen } = watched()
    const own = mesh(wild, transport)
    await own.fetch('http://a.shop.test/')
    await own.apply([wild, rule('*.shop.test', { tls: { mode: 'SIMPLE' } })])
    await own.fetch('http://a.shop.test/')
    await own.apply(entry('*.shop.test', STATIC))
    await own.fetch('http://a.shop.test/')
    expect(seen).toEqual(['a.shop.test:80 -', 'a.shop.test:80 a.shop.test', '10.0.0.1:80 -'])
    expect(Object.keys(own.snapshot().clusters)).not.toContain('outbound|80||*.shop.test|http|a.shop.test|80')
  })

  test('a mirror goes where the request wants to as well', async () => {
    const { transport, seen } = watched()
    const mirror = route('s.test', { route: [{ destination: { host: 's.test' } }], mirror: { host: '*.shop.test' } })
    await mesh([entry('s.test', STATIC), { ...wild, metadata: { name: 'w' } }, mirror], transport).fetch('http://s.test/')
    expect(seen).toEqual(['10.0.0.1:80 -', 's.test:80 -'])
  })
})

describe('a port of protocol HTTPS', () => {
  const ports = [{ number: 443, name: 'https', protocol: 'HTTPS' }]
  const REGISTRY_ONLY = { meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } } }

  test('is governed: its endpoints, its cluster, TLS for the host of the URL', async () => {
    const { transport, seen } = watched()
    const own = mesh(entry('s.test', { ...STATIC, ports }), transport, REGISTRY_ONLY)
    const response = await own.fetch('https://s.test/')
    expect(outcomeOf(response)).toMatchObject({ route: 'encrypted', cluster: 'outbound|443||s.test', endpoint: '10.0.0.1:443' })
    expect(seen).toEqual(['10.0.0.1:443 s.test'])
    expect(own.explain({ url: 'https://s.test/' })).toMatchObject({
      verdict: 'sent to outbound|443||s.test',
      warnings: ['port 443 is HTTPS: Istio makes no HTTP routes for it; here every request goes to its cluster'],
    })
    expect((await own.fetch('https://unknown.test/')).status).toBe(502)
  })

  test('with resolution NONE, as egress is mostly written', async () => {
    const { transport, seen } = watched()
    const own = mesh(entry('*.shop.test', { resolution: 'NONE', ports }), transport, REGISTRY_ONLY)
    expect((await own.fetch('https://a.shop.test/')).status).toBe(200)
    expect(seen).toEqual(['a.shop.test:443 a.shop.test'])
  })
})
