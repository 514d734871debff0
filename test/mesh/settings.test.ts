import { afterEach, describe, expect, test } from 'vitest'
import { readOptions } from '../../src/core/schema/index.ts'
import { createMesh, type MeshOptions, TIGHT } from '../../src/index.ts'
import { adminFields } from '../../src/mesh/admin-options.ts'
import { readSettings } from '../../src/mesh/settings.ts'
import { all, destination, service } from './documents.ts'

describe('options of a mesh', () => {
  test.each([
    [{ mode: 'observ' as any }, /^createMesh: mode: "observ" is not one of enforce, observe, off \(did you mean observe\?\)$/],
    [{ rulez: '' } as any, /rulez: unknown option \(did you mean rules\?\)/],
    [{ workload: { ns: 'x' } } as any, /workload.ns: unknown option \(known: namespace, labels, locality, domain\)/],
    ['kind: VirtualService' as any, /rules are given as \{ rules \}/],
    [{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService' } as any, /rules are given as \{ rules \}/],
    [null as any, /rules are given as \{ rules \}/],
    [{ transport: 'fetch' } as any, /transport: "fetch" is not an object with connect \(such as nodeTransport\(\)/],
    [{ clock: Date } as any, /clock: a function is not an object with now, wall, schedule/],
    [{ meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONY' } } }, /mode: "REGISTRY_ONY" is not one of ALLOW_ANY, REGISTRY_ONLY/],
    [{ meshConfig: 'a: [' }, /^meshConfig: /],
    [{ processes: 0 }, /processes: 0 is out of range \(expected at least 1\)/],
    [{ discovery: { unlisted: 'mdns' as any } }, /discovery.unlisted: "mdns" is not one of dns, none/],
    [{ sources: ['./rules' as any] }, /sources\[0\]: .* \(such as files\("..rules"\); rules themselves are given as `rules`\)/],
    [{ sources: [{ name: 'apply', start: () => () => {} }] }, /sources\[0\].name: two are named "apply"/],
    [{ sources: [{ start: () => () => {} } as any] }, /sources\[0\].name: undefined is not a text/],
    [{ limits: { history: 1.5 } }, /limits.history: 1.5 is not a whole number/],
    [{ limits: { abandonedBodyTimeout: 'soon' } }, /^createMesh: limits.abandonedBodyTimeout: "soon" is not a duration/],
    [{ limits: { retryBufferLimit: '1 MB' } }, /^createMesh: limits.retryBufferLimit: "1 MB" is not a size/],
    [
      { clusters: { 'a.test': { healthCheck: [] } } as any },
      /clusters."a.test".healthCheck: unknown option \(did you mean healthChecks\?\)/,
    ],
    [{ strict: 'yes' as any, mode: 'on' as any }, /strict: "yes" is not true or false; mode: "on"/],
  ])('%j is refused', (options, message) => {
    expect(() => createMesh(options)).toThrow(message)
    expect(() => createMesh(options)).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS' }))
  })

  test('are copied, and left alone', () => {
    const labels = { app: 'web' }
    const options: MeshOptions = Object.freeze({ workload: Object.freeze({ labels }), limits: Object.freeze({ history: 3 }) })
    const read = readSettings(options)
    labels.app = 'other'
    expect(read).toMatchObject({ history: 3, dynamicHosts: 1000, retryBufferLimit: 1_048_576, workload: { namespace: 'default' } })
    expect({ ...read.workload.labels }).toEqual({ app: 'web' })
  })
})

describe('options of the methods of a mesh', () => {
  const mesh = createMesh({ rules: service('a') })
  const key = 'a.test||80'
  test.each<[string, () => unknown, RegExp]>([
    [
      'an event that is none',
      () => mesh.on('ejecton' as any, () => {}),
      /no event "ejecton" \(did you mean ejection\?\); there are ejection, /,
    ],
    ['no listener', () => mesh.on('ejection', undefined as any), /the listener is not a function/],
    [
      'explain a text',
      () => mesh.explain('http://a.test/' as any),
      /^explain: "http.* is not an object \(expected fields such as method, url/,
    ],
    ['explain nothing', () => mesh.explain(undefined as any), /url: is required/],
    ['explain a path', () => mesh.explain({ url: '/reviews' }), /url: "\/reviews" is no absolute URL/],
    [
      'explain with header',
      () => mesh.explain({ url: 'http://a.test/', header: {} } as any),
      /header: unknown option \(did you mean headers/,
    ],
    ['eject for', () => mesh.eject(key, '10.0.0.1:80', { for: 'ever' }), /^mesh.eject: for: "ever" is not a duration/],
    ['eject until', () => mesh.eject(key, '10.0.0.1:80', { until: 5 } as any), /until: unknown option \(known: for\)/],
    ['a cluster that is no text', () => mesh.eject(undefined as any, 'x'), /undefined is not a text such as/],
    ['plan', () => mesh.plan('', { patch: 1 as any }), /^mesh.plan: patch: 1 is not true or false/],
  ])('%s', (_, call, message) => expect(call).toThrow(message))
  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['apply', () => mesh.apply('', { version: 1 } as any), /^mesh.apply: version: unknown option/],
    ['patch', () => mesh.patch('', { ifVersion: '1' } as any), /^mesh.patch: ifVersion: "1" is not a whole number/],
    ['rollback', () => mesh.rollback(1, { ifVersion: 0.5 }), /^mesh.rollback: ifVersion/],
    ['ready', () => mesh.ready({ timeout: 'x' }), /^mesh.ready: timeout/],
    ['close', () => mesh.close({ drain: -1 }), /^mesh.close: drain: -1 is out of range/],
    ['admin', () => mesh.admin({ prot: 1 } as any), /^mesh.admin: prot: unknown option \(did you mean port\?\)/],
    ['admin trust', () => mesh.admin({ trust: { hostss: [] } as any }), /trust.hostss: unknown option \(did you mean hosts\?\)/],
    ['admin token', () => mesh.admin({ token: 'short' }), /at least 16 characters/],
  ])('%s', (_, call, message) => expect(call()).rejects.toThrow(message))
})

test('a trust that names hosts only opens nothing else', () => {
  const { trust } = readOptions(adminFields, { trust: { hosts: ['a.test'] } }, 'mesh.admin')
  expect(trust).toEqual({ ...TIGHT, hosts: ['a.test'] })
  expect(readOptions(adminFields, {}, 'mesh.admin').trust).toEqual(TIGHT)
  expect(readOptions(adminFields, { trust: { linkLocal: true } }, 'mesh.admin').trust).toEqual({ ...TIGHT, linkLocal: true })
})

describe('endpoints set by hand', () => {
  const mesh = createMesh({ rules: service('a') })
  const set = (endpoints: any) => () => mesh.setEndpoints('a.test||80', endpoints)
  test.each<[any, RegExp]>([
    [
      ['10.0.0.1:80'],
      /^setEndpoints\("outbound.80..a.test"\): endpoints\[0\]: "10.0.0.1:80" is not an object \(expected fields such as address/,
    ],
    [{ address: '10.0.0.1:80' }, /expected a list/],
    [undefined, /expected a list/],
    [[{}], /endpoints\[0\].address: is required/],
    [[{ address: '10.0.0.1' }], /address: "10.0.0.1" is not "ip:port", e.g. "10.0.0.7:8080" or "\[::1\]:8080"/],
    [[{ address: '::1:80' }], /"::1:80" is not "ip:port"/],
    [[{ address: '10.0.0.1:99999' }], /is not "ip:port"/],
    [[{ address: '10.0.0.1:80', weight: -1 }], /weight: -1 is out of range \(expected at least 1/],
    [[{ address: '10.0.0.1:80', wieght: 1 }], /wieght: unknown option \(did you mean weight\?\)/],
    [[{ address: '10.0.0.1:80', health: 'ill' }], /health: "ill" is not one of healthy, degraded, unhealthy/],
    [[{ address: '10.0.0.1:80' }, { address: '10.0.0.1:80' }], /endpoints\[1\].address: 10.0.0.1:80 is there twice/],
  ])('%j is refused', (endpoints, message) => {
    expect(set(endpoints)).toThrow(message)
    expect(mesh.snapshot().clusters['outbound|80||a.test']!.endpoints).toHaveLength(2)
  })
  test('IPv4, IPv6 and sockets are taken', () => {
    set([{ address: '10.0.0.9:80', labels: { a: 'b' } }, { address: '[::1]:80', weight: 2 }, { address: '/run/a.sock' }])()
    const { endpoints } = mesh.snapshot().clusters['outbound|80||a.test']!
    expect(endpoints.map(e => [e.address, e.weight])).toEqual([
      ['10.0.0.9:80', 1],
      ['[::1]:80', 2],
      ['/run/a.sock', 1],
    ])
  })
})

describe('beside an Istio sidecar', () => {
  afterEach(() => {
    delete process.env['ISTIO_META_TEST']
  })
  test('the mesh observes and says so, unless told otherwise', () => {
    process.env['ISTIO_META_TEST'] = '1'
    const mesh = createMesh()
    expect(mesh.snapshot().mode).toBe('observe')
    expect(mesh.diagnostics.map(d => d.code)).toContain('beside-sidecar')
    const told = createMesh({ mode: 'enforce' })
    expect(told.snapshot().mode).toBe('enforce')
    expect(told.diagnostics).toEqual([])
  })
})

describe('processes that share limits', () => {
  test('each takes its part, and a limit below their number is said', () => {
    const pool = '{ connectionPool: { tcp: { maxConnections: 10 }, http: { http1MaxPendingRequests: 2 } } }'
    const mesh = createMesh({ rules: all(service('a'), destination('a', pool)), processes: 4 })
    const { limits } = mesh.explain({ url: 'http://a.test/' }).destinations[0]!
    expect(limits).toMatchObject({ connections: { limit: 2 }, pending: { limit: 1 } })
    const said = mesh.diagnostics.filter(d => d.code === 'limit-below-processes')
    expect(said.map(d => [d.kind, d.name])).toContainEqual(['DestinationRule', 'a'])
    expect(said[0]!.message).toContain('maxPendingRequests is 2 and 4 processes share it')
  })
})
