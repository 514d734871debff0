/** Warnings about rules are printed once as warnings of the process, unless somebody listens for them. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createMesh, type Diagnostic } from '../../src/index.ts'
import { fakeTransport } from '../../src/testing/index.ts'
import { all, service, virtual } from './documents.ts'

let printed: Error[] = []
beforeEach(() => {
  printed = []
  vi.spyOn(process, 'emitWarning').mockImplementation(warning => void printed.push(warning as Error))
})
afterEach(() => void vi.restoreAllMocks())
const turn = () => new Promise(setImmediate)

const SURPRISING = all(service('a'), virtual('a', '[{ route: [{ destination: { host: a.test, subset: gone } }] }]'))
const MESSAGE =
  'VirtualService a spec.http[0].route[0].destination: no DestinationRule for a.test has a subset gone: calls get 503 (Add a DestinationRule with this subset.) [destination-subset-unknown]'
const meshOf = (options: object) => createMesh({ transport: fakeTransport(), ...options })

describe('warnings of createMesh', () => {
  test('are printed once', async () => {
    const mesh = meshOf({ rules: SURPRISING })
    await turn()
    expect(printed.map(w => [w.name, w.message])).toEqual([['MeshlessRulesWarning', expect.stringContaining(MESSAGE)]])
    await mesh.apply(SURPRISING)
    await mesh.apply(all(service('a')))
    await mesh.apply(SURPRISING)
    await turn()
    expect(printed.length).toBe(1)
  })

  test('go to a listener that is attached right after it', async () => {
    const mesh = meshOf({ rules: SURPRISING })
    const heard: Diagnostic[] = []
    mesh.on('warning', warning => heard.push(warning))
    await turn()
    expect(heard).toEqual(mesh.diagnostics)
    expect([heard.map(d => d.code), printed]).toEqual([['destination-subset-unknown'], []])
  })

  test('several are one warning of the process, with as many lines', async () => {
    meshOf({ rules: all(SURPRISING, virtual('b')) })
    await turn()
    expect(printed.length).toBe(1)
    expect(printed[0]!.message.split('\n').length).toBe(3)
    expect(printed[0]!.stack).toBeUndefined()
  })

  test('there is none for rules without a fault, nor for an info', async () => {
    meshOf({ rules: all(service('a'), virtual('a'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n') })
    await turn()
    expect(printed).toEqual([])
  })

  test('what the transport cannot do is among them', async () => {
    const rules = all(service('a').replace('name: http, protocol: HTTP', 'name: http2, protocol: HTTP2'))
    meshOf({ rules, transport: { ...fakeTransport(), cannot: ['http2'] } })
    await turn()
    expect(printed.length).toBe(1)
  })
})

describe('warnings of later rules', () => {
  test.each(['applied', 'warning'] as const)('are not printed where %s is listened to', async type => {
    const mesh = meshOf({})
    mesh.on(type, () => {})
    await mesh.apply(SURPRISING)
    await turn()
    expect(printed).toEqual([])
  })

  test('of apply, patch and a source are printed without a listener', async () => {
    for (const change of ['apply', 'patch'] as const) {
      await meshOf({})[change](SURPRISING)
      await turn()
      expect(printed.splice(0).length).toBe(1)
    }
    const mesh = meshOf({ sources: [{ name: 'mine', start: (deliver: any) => (deliver([{ documents: SURPRISING }]), () => {}) }] })
    await mesh.ready()
    await turn()
    expect(printed.length).toBe(1)
  })

  test('an emptied text is one of them, an empty list is meant', async () => {
    const mesh = meshOf({ rules: service('a') })
    expect(await mesh.apply('')).toMatchObject({ accepted: true, warnings: [{ code: 'rules-emptied' }] })
    await mesh.apply(service('a'))
    expect(await mesh.apply([])).toMatchObject({ accepted: true, warnings: [] })
    expect(await mesh.apply('')).toMatchObject({ accepted: true, warnings: [] })
  })
})

describe('what a source does wrong', () => {
  const broken = (start: any) => meshOf({ sources: [{ name: 'mine', start }] })
  test('is printed when nobody listens', async () => {
    const refused = broken((deliver: any) => void deliver([{ documents: 'kind: VirtualService\napiVersion: networking.istio.io/v1' }]))
    await refused.ready().catch(() => {})
    await turn()
    expect(printed.splice(0).map(w => [w.name, w.message.slice(0, 51)])).toEqual([
      ['MeshlessRulesError', 'rules of mine were refused, the last good ones stay'],
    ])
    const failed = broken((_deliver: any, fail: any) => void fail(new Error('gone')))
    await failed.ready().catch(() => {})
    expect(printed.map(w => w.message)).toEqual(['source mine: gone'])
  })

  test('is not printed when somebody does', async () => {
    const mesh = broken((deliver: any, fail: any) => {
      setImmediate(() => {
        deliver([{ documents: 'kind: VirtualService\napiVersion: networking.istio.io/v1' }])
        fail(new Error('gone'))
      })
    })
    mesh.on('rejected', () => {})
    mesh.on('sourceError', () => {})
    await mesh.ready().catch(() => {})
    await turn()
    await turn()
    expect(printed).toEqual([])
  })
})
