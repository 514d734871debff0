/** How far a source that is trusted less reaches: which addresses are dialed in the end, and which hosts change. */
import { describe, expect, test } from 'vitest'
import { TIGHT, type Trust } from '../../src/index.ts'
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

/** The program's own rules name addresses as Istio allows it. */
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
    names: { 'a.test': [address] },
  }),
  'one of several answers of DNS, tried after the first': address => ({
    low: [entry('a.test', { resolution: 'DNS_ROUND_ROBIN', endpoints: undefined })],
    names: { 'a.test': ['10.0.0.1', address] },
  }),
  'an answer of DNS for a host that only its route names': address => ({
    low: [routes('a.test', to('evil.test'))],
    names: { 'evil.test': [address] },
  }),
  'an answer of DNS for a host that a document of the program named first': address => ({
    rules: [rule('DestinationRule', 'evil', { host: 'evil.test', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } })],
    low: [routes('a.test', to('evil.test'))],
    names: { 'evil.test': [address] },
  }),
  'a service of the program that its route leads to': address => ({
    rules: [entry('a.test'), entry('meta.test', { endpoints: [{ address: literal(address) }] })],
    low: [routes('a.test', to('meta.test'))],
  }),
  'a service of the program with such a name, that its route leads to': address => ({
    rules: [entry('a.test'), entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [routes('a.test', to('meta.test'))],
    names: { 'meta.test': [address] },
  }),
  'a mirror': address => ({
    rules: [entry('a.test'), entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [routes('a.test', { ...to('a.test'), mirror: { host: 'meta.test' } })],
    names: { 'meta.test': [address] },
  }),
  'a fallback': address => ({
    rules: [entry('a.test'), entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [rule('ResiliencePolicy', 'a', { targets: [{ host: 'a.test' }], fallback: { destination: { host: 'meta.test' } } })],
    names: { 'meta.test': [address] },
    script: { '10.0.0.1:80': { status: 503 } },
  }),
  'a delegate': address => ({
    rules: [
      entry('a.test'),
      entry('meta.test', { resolution: 'DNS', endpoints: undefined }),
      routes('a.test', { delegate: { name: 'low' } }),
    ],
    low: [rule('VirtualService', 'low', { http: [to('meta.test')] })],
    names: { 'meta.test': [address] },
  }),
  'a route to a host that goes where it wants to': address => ({
    rules: [entry('a.test')],
    low: [entry('*.low.test', { resolution: 'NONE', endpoints: undefined })],
    names: { 'evil.low.test': [address] },
    url: 'http://evil.low.test/',
  }),
  'PASSTHROUGH for a service of the program': address => ({
    rules: [entry('a.test')],
    low: [rule('DestinationRule', 'a', { host: 'a.test', trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } } })],
    names: { 'a.test': [address] },
  }),
  'a proxy for unknown hosts': address => ({
    rules: [entry('a.test'), entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [
      rule('Sidecar', 'low', {
        outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy: { host: 'meta.test', port: { number: 80 } } },
      }),
    ],
    names: { 'meta.test': [address] },
    url: 'http://unknown.test/',
  }),
  'a redirect by its route': address => ({
    rules: [entry('a.test')],
    low: [routes('a.test', { redirect: { authority: inUrl(address) } })],
  }),
  'a redirect by its route to a name': address => ({
    rules: [entry('a.test')],
    low: [routes('a.test', { redirect: { authority: 'evil.test' } })],
    names: { 'evil.test': [address] },
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
    names: { 'evil.test': [address] },
  }),
  'a redirect by an endpoint of its own, to a service of the program': address => ({
    rules: [entry('meta.test', { resolution: 'DNS', endpoints: undefined })],
    low: [entry('a.test', { endpoints: [{ address: '10.0.0.1' }] })],
    script: { '10.0.0.1:80': { status: 308, headers: { location: 'http://meta.test/' } } },
    names: { 'meta.test': [address] },
  }),
  'a redirect that its route reaches by a service of the program': address => ({
    rules: [entry('a.test')],
    low: [routes('a.test', { ...to('a.test'), headers: { request: { set: { 'x-redirect': '1' } } } })],
    script: { '10.0.0.1:80': { status: 302, headers: { location: `//${inUrl(address)}/` } } },
  }),
}

/** As it stands in a URL; zones have no place there. */
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
