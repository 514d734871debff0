/** How far a source that is trusted less reaches: which addresses are dialed in the end, and which hosts change. */
import { describe, expect, test } from 'vitest'
import { outcomeOf, TIGHT, type Trust } from '../../src/index.ts'
import { files } from '../../src/rules/sources/files.ts'
import { entry, meshWith, routes, rule, type Setup, statusOf, to } from './less-trusted.ts'

const METADATA = '169.254.169.254'

/** One of each way to write an address that must not be dialed; all of them are in the test of `isLinkLocal`. */
const SPELLINGS = [
  METADATA,
  '0xA9FEA9FE',
  '2852039166',
  '169.254.43518',
  '169.254.169.254.',
  '0:0:0:0:0:ffff:a9fe:a9fe',
  '64:ff9b::169.254.169.254',
  'fe80::1%eth0',
  'FD00:0EC2:0:0:0:0:0:254',
]

/** The program's own rules name addresses as Istio allows it, and DNS answers with them. */
const literal = (address: string) => (address.includes(':') ? address : METADATA)

/** Where a document of the source can name the address, or a name that leads to it. */
const PLACES: Record<string, (address: string) => Omit<Setup, 'trust'> & { url?: string }> = {
  'an endpoint of a static service': address => ({ low: [entry('a.test', { endpoints: [{ address }] })] }),
  'an endpoint that is looked up': address => ({
    low: [entry('a.test', { resolution: 'DNS', endpoints: [{ address }] })],
    names: { [address]: [METADATA] },
  }),
  'a workload that a service of its own selects': address => ({
    low: [
      entry('a.test', { resolution: 'DNS', endpoints: undefined, workloadSelector: { labels: { app: 'a' } } }),
      rule('WorkloadEntry', 'w', { address, labels: { app: 'a' } }),
    ],
    names: { [address]: [METADATA] },
  }),
  'a workload of the program that its service selects': address => ({
    rules: [rule('WorkloadEntry', 'w', { address: literal(address), labels: { app: 'a' } })],
    low: [entry('a.test', { endpoints: undefined, workloadSelector: { labels: { app: 'a' } } })],
  }),
  'an answer of DNS for a service': address => ({
    low: [entry('a.test', { resolution: 'DNS', endpoints: undefined })],
    names: { 'a.test': [literal(address)] },
  }),
  'one of several answers of DNS, tried after the first': address => ({
    low: [entry('a.test', { resolution: 'DNS_ROUND_ROBIN', endpoints: undefined })],
    names: { 'a.test': ['10.0.0.1', literal(address)] },
  }),
  'an answer of DNS for a host that only its route names': address => ({
    low: [routes('a.test', to('evil.test'))],
    names: { 'evil.test': [literal(address)] },
  }),
  'an answer of DNS for a host that a document of the program named first': address => ({
    rules: [rule('DestinationRule', 'evil', { host: 'evil.test', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } })],
    low: [routes('a.test', to('evil.test'))],
    names: { 'evil.test': [literal(address)] },
  }),
  'a service of the program that its route leads to': address => ({
    rules: [entry('a.test'), entry('meta.test', { endpoints: [{ address: literal(address) }] })],
    low: [routes('a.test', to('meta.test'))],
  }),
  'a service of the program with such a name, that its route leads to': address => ({
    rules: [entry('a.test'), entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [routes('a.test', to('meta.test'))],
    names: { 'meta.test': [literal(address)] },
  }),
  'a mirror': address => ({
    rules: [entry('a.test'), entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [routes('a.test', { ...to('a.test'), mirror: { host: 'meta.test' } })],
    names: { 'meta.test': [literal(address)] },
  }),
  'a fallback': address => ({
    rules: [entry('a.test'), entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [rule('ResiliencePolicy', 'a', { targets: [{ host: 'a.test' }], fallback: { destination: { host: 'meta.test' } } })],
    names: { 'meta.test': [literal(address)] },
    script: { '10.0.0.1:80': { status: 503 } },
  }),
  'a delegate': address => ({
    rules: [
      entry('a.test'),
      entry('meta.test', { resolution: 'DNS', endpoints: undefined }),
      routes('a.test', { delegate: { name: 'low' } }),
    ],
    low: [rule('VirtualService', 'low', { http: [to('meta.test')] })],
    names: { 'meta.test': [literal(address)] },
  }),
  'a route to a host that goes where it wants to': address => ({
    rules: [entry('a.test')],
    low: [entry('*.low.test', { resolution: 'NONE', endpoints: undefined })],
    names: { 'evil.low.test': [literal(address)] },
    url: 'http://evil.low.test/',
  }),
  'PASSTHROUGH for a service of the program': address => ({
    rules: [entry('a.test')],
    low: [rule('DestinationRule', 'a', { host: 'a.test', trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } } })],
    names: { 'a.test': [literal(address)] },
  }),
  'a proxy for unknown hosts': address => ({
    rules: [entry('a.test'), entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [
      rule('Sidecar', 'low', {
        outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy: { host: 'meta.test', port: { number: 80 } } },
      }),
    ],
    names: { 'meta.test': [literal(address)] },
    url: 'http://unknown.test/',
  }),
  'a redirect by its route': address => ({
    rules: [entry('a.test')],
    low: [routes('a.test', { redirect: { authority: inUrl(address) } })],
  }),
  'a redirect by its route to a name': address => ({
    rules: [entry('a.test')],
    low: [routes('a.test', { redirect: { authority: 'evil.test' } })],
    names: { 'evil.test': [literal(address)] },
  }),
  'a Location that its route puts on a response of its own': address => ({
    rules: [entry('a.test')],
    low: [
      routes('a.test', {
        directResponse: { status: 302 },
        headers: { response: { set: { location: `http://${inUrl(address)}/` } } },
      }),
    ],
  }),
  'a Location that its route makes of the request': address => ({
    rules: [entry('a.test')],
    low: [
      routes('a.test', {
        directResponse: { status: 302 },
        headers: { response: { set: { location: '%REQ(x-to)%' } } },
      }),
    ],
    url: `x-to http://${inUrl(address)}/`,
  }),
  'a redirect by an endpoint of its own': address => ({
    low: [entry('a.test', { endpoints: [{ address: '10.0.0.1' }] })],
    script: { '10.0.0.1:80': { status: 302, headers: { location: `http://${inUrl(address)}/` } } },
  }),
  'a redirect by an endpoint of its own, to a name': address => ({
    low: [entry('a.test', { endpoints: [{ address: '10.0.0.1' }] })],
    script: { '10.0.0.1:80': { status: 307, headers: { location: 'http://evil.test/' } } },
    names: { 'evil.test': [literal(address)] },
  }),
  'a redirect by an endpoint of its own, to a service of the program': address => ({
    rules: [entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [entry('a.test', { endpoints: [{ address: '10.0.0.1' }] })],
    script: { '10.0.0.1:80': { status: 308, headers: { location: 'http://meta.test/' } } },
    names: { 'meta.test': [literal(address)] },
  }),
  'a redirect that its route reaches by a service of the program': address => ({
    rules: [entry('a.test')],
    low: [routes('a.test', { ...to('a.test'), headers: { request: { set: { 'x-redirect': '1' } } } })],
    script: { '10.0.0.1:80': { status: 302, headers: { location: `//${inUrl(address)}/` } } },
  }),
}

/** As it is written in a URL, which takes no zones. */
const inUrl = (address: string) => (address.includes(':') ? `[${address.replace(/%.*/, '')}]` : address)

const HARMLESS = /^10\.0\.0\.\d+:\d+$/

/** Why the rules are refused, or what a request dials under them. */
async function attempted(place: string, address: string, trust: Trust | undefined) {
  const { url = 'http://a.test/', ...setup } = PLACES[place]!(address)
  const { mesh, dialed, problem, codes } = await meshWith({ ...setup, trust })
  const [name, value] = url.split(' ')
  if (problem === undefined)
    await (value === undefined ? statusOf(mesh, url) : statusOf(mesh, 'http://a.test/', { headers: { [name!]: value } }))
  await mesh.close()
  return { dialed, refused: problem === undefined ? undefined : codes.filter(code => code.startsWith('trust-')) }
}

describe.each(Object.keys(PLACES))('%s', place => {
  test.each(SPELLINGS)('does not lead to %s', async address => {
    const { dialed, refused } = await attempted(place, address, TIGHT)
    expect(refused).not.toEqual([])
    expect(dialed.filter(at => !HARMLESS.test(at))).toEqual([])
  })

  test('leads there when the source is trusted', async () => {
    const { dialed, refused } = await attempted(place, METADATA, undefined)
    expect(refused).toBeUndefined()
    expect(dialed.some(at => at.includes(METADATA) || /^\w+\.(?:low\.)?test:80$/.test(at))).toBe(true)
  })
})

describe('what is left out', () => {
  const lookedUp = entry('a.test', { resolution: 'DNS', endpoints: undefined })

  test('is reported by the response, by explain and by the error of a redirect', async () => {
    const { mesh } = await meshWith({ low: [lookedUp], trust: TIGHT, names: { 'a.test': [METADATA] } })
    const response = await mesh.fetch('http://a.test/')
    const outcome = outcomeOf(response)!
    expect([response.status, outcome.flags]).toEqual([503, 'UH'])
    expect(outcome.error).toMatchObject({ code: 'ERR_TRUST', message: expect.stringContaining(`${METADATA} (link-local)`) })
    expect(mesh.explain({ url: 'http://a.test/' }).warnings).toEqual([
      expect.stringMatching(/has no endpoint: answered 503 UH; 169.254.169.254 \(link-local\): the source of the rules that lead there/),
    ])
  })

  test('is the cause of the error where local replies are thrown', async () => {
    const setup = { low: [lookedUp], trust: TIGHT, names: { 'a.test': [METADATA] }, options: { localReplies: 'throw' as const } }
    const { mesh } = await meshWith(setup)
    const error = await mesh.fetch('http://a.test/').catch(problem => problem)
    expect(error).toMatchObject({ code: 'ERR_NO_HEALTHY_ENDPOINT', cause: { code: 'ERR_TRUST' } })
  })

  test('is reported for an endpoint that a route of the source may not lead to', async () => {
    const { mesh } = await meshWith({
      rules: [entry('a.test'), entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
      low: [routes('a.test', to('meta.test'))],
      trust: TIGHT,
      names: { 'meta.test': [METADATA] },
    })
    expect(outcomeOf(await mesh.fetch('http://a.test/'))!.error).toMatchObject({ code: 'ERR_TRUST' })
    expect(outcomeOf(await mesh.fetch('http://meta.test/'))!.endpoint).toBe(`${METADATA}:80`)
    const candidates = (url: string) => mesh.explain({ url }).destinations[0]!.endpoints.map(({ candidate, why }) => [candidate, why])
    expect(candidates('http://a.test/')).toEqual([[false, 'out: link-local, and the source of the route is not trusted with it']])
    expect(candidates('http://meta.test/')).toEqual([[true, 'in']])
  })

  test('is an error of fetch where a redirect leads there, by name or by address', async () => {
    const redirecting = (location: string) =>
      meshWith({
        low: [entry('a.test')],
        trust: TIGHT,
        names: { 'evil.test': [METADATA] },
        script: { '10.0.0.1:80': { status: 302, headers: { location } } },
      })
    for (const location of ['http://0xa9fea9fe/', 'http://evil.test/']) {
      const { mesh } = await redirecting(location)
      const error = await mesh.fetch('http://a.test/').catch(problem => problem)
      expect(error).toBeInstanceOf(TypeError)
      expect(error.cause).toMatchObject({ code: 'ERR_TRUST' })
    }
    const { mesh, dialed } = await redirecting('http://good.test/')
    expect((await mesh.fetch('http://a.test/')).redirected).toBe(true)
    expect(dialed).toEqual(['10.0.0.1:80', '10.0.0.9:80'])
  })

  test('leaves the other addresses of the service', async () => {
    const { mesh, dialed } = await meshWith({
      low: [lookedUp],
      trust: TIGHT,
      names: { 'a.test': ['10.0.0.1', 'fe80::1', '10.0.0.2', '::ffff:169.254.0.1'] },
    })
    for (let i = 0; i < 8; i++) expect(await statusOf(mesh, 'http://a.test/')).toBe(200)
    expect([...new Set(dialed)].sort()).toEqual(['10.0.0.1:80', '10.0.0.2:80'])
  })

  test('is not what the program itself has for the same service', async () => {
    const { mesh, dialed } = await meshWith({
      rules: [entry('a.test', { endpoints: [{ address: METADATA }] })],
      low: [{ ...entry('a.test', { endpoints: [{ address: '10.0.0.1' }] }), metadata: { name: 'low' } }],
      trust: TIGHT,
    })
    for (let i = 0; i < 20; i++) await statusOf(mesh, 'http://a.test/')
    expect([...new Set(dialed)].sort()).toEqual(['10.0.0.1:80', `${METADATA}:80`])
  })

  test('is left out of a running cluster when a bounded document takes the place of a free one', async () => {
    const { mesh, dialed } = await meshWith({
      rules: [lookedUp],
      low: [lookedUp],
      trust: TIGHT,
      names: { 'a.test': [METADATA] },
    })
    expect(await statusOf(mesh, 'http://a.test/')).toBe(200)
    expect(dialed).toEqual([`${METADATA}:80`])
    await mesh.apply([]) // the document of the source is no longer hidden
    expect(await statusOf(mesh, 'http://a.test/')).toBe(503)
    await mesh.apply([lookedUp])
    expect(await statusOf(mesh, 'http://a.test/')).toBe(200)
  })
})

describe('sockets', () => {
  const socket = entry('sock.test', { endpoints: [{ address: 'unix:///run/a.sock' }] })

  test.each([
    ['a route', [routes('a.test', to('sock.test'))]],
    ['a mirror', [routes('a.test', { ...to('a.test'), mirror: { host: 'sock.test' } })]],
    ['a fallback', [rule('ResiliencePolicy', 'a', { targets: [{ host: 'a.test' }], fallback: { destination: { host: 'sock.test' } } })]],
  ])('of the program are not reached by %s of the source for another host', async (_, low) => {
    const script = { '10.0.0.1:80': { status: 503 } }
    const { mesh, dialed } = await meshWith({ rules: [entry('a.test'), socket], low, trust: TIGHT, script })
    await statusOf(mesh, 'http://a.test/')
    expect(dialed).not.toContain('/run/a.sock')
    const free = await meshWith({ rules: [entry('a.test'), socket], low, script })
    await statusOf(free.mesh, 'http://a.test/')
    expect(free.dialed).toContain('/run/a.sock')
  })

  test('of the program stay reachable under rules of the source for the same host', async () => {
    const { mesh, dialed, problem } = await meshWith({
      rules: [socket],
      low: [routes('sock.test', { ...to('sock.test'), timeout: '1s' }), rule('DestinationRule', 's', { host: 'sock.test', subsets: [] })],
      trust: TIGHT,
    })
    expect(problem).toBeUndefined()
    expect(await statusOf(mesh, 'http://sock.test/')).toBe(200)
    expect(dialed).toEqual(['/run/a.sock'])
  })
})

test('rules of the program and of files reach everything unless their trust says otherwise', async () => {
  const { mesh, problem, dialed } = await meshWith({
    rules: [entry('meta.test', { endpoints: [{ address: METADATA }] }), routes('a.test', { redirect: { authority: 'meta.test' } })],
    low: [entry('sock.test', { endpoints: [{ address: 'unix:///run/a.sock' }] }), rule('Sidecar', 's', { egress: [{ hosts: ['*/*'] }] })],
  })
  expect(problem).toBeUndefined()
  for (const url of ['http://a.test/', 'http://sock.test/']) expect(await statusOf(mesh, url)).toBe(200)
  expect(dialed).toEqual([`${METADATA}:80`, '/run/a.sock'])
  expect(files('.').trust).toBeUndefined()
})
