import { afterEach, describe, expect, test } from 'vitest'
import { createMesh } from '../../src/index.ts'
import { all, destination, service } from './documents.ts'

describe('options of a mesh', () => {
  test.each([
    [{ mode: 'observ' as any }, /mode: "observ" is not one of enforce, observe, off; did you mean observe\?/],
    [{ rulez: '' } as any, /rulez is no option; did you mean rules\?/],
    [{ workload: { ns: 'x' } } as any, /workload: ns is no option; known: namespace/],
    ['kind: VirtualService' as any, /rules are given as \{ rules \}/],
    [null as any, /rules are given as \{ rules \}/],
    [{ transport: 'fetch' } as any, /transport: expected a transport such as nodeTransport/],
    [
      { meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONY' } } },
      /outboundTrafficPolicy.mode: "REGISTRY_ONY" is not one of ALLOW_ANY, REGISTRY_ONLY/,
    ],
    [{ processes: 0 }, /processes: 0 is not a whole number above 0/],
    [{ discovery: { unlisted: 'mdns' as any } }, /discovery.unlisted/],
    [{ sources: ['./rules' as any] }, /sources: each is a source such as files/],
    [{ sources: [{ name: 'apply', start: () => () => {} }] }, /two are named "apply"/],
    [{ limits: { history: 1.5 } }, /limits.history/],
  ])('%j is refused', (options, message) => {
    expect(() => createMesh(options)).toThrow(message)
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
