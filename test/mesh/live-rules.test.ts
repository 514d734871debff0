/** How rules change: as a whole, one after the other, or not at all. */
import { describe, expect, test } from 'vitest'
import type { Source } from '../../src/core/source.ts'
import { createMesh, RuleError } from '../../src/index.ts'
import { virtualClock } from '../../src/testing/index.ts'
import { all, destination, policy, service, virtual } from './documents.ts'

const A = 'outbound|80||a.test'
const base = all(service('a'), destination('a'), virtual('a'))
const mesh = (rules = base, options = {}) => createMesh({ rules, clock: virtualClock(), ...options })

describe('apply', () => {
  test('takes over a whole set and counts the versions', async () => {
    const m = mesh()
    expect(m.snapshot().version).toBe(1)
    const applied = await m.apply(all(service('b')))
    expect(applied).toMatchObject({ accepted: true, version: 2 })
    expect(Object.keys(m.snapshot().clusters)).toContain('outbound|80||b.test')
    expect(Object.keys(m.snapshot().clusters)).not.toContain(A)
  })

  test.each([
    ['a wrong option of a policy', policy('a', 'circuitBreaker: { failureRateThreshold: 0 }')],
    [
      'a pattern that cannot be compiled',
      virtual('a', '[{ match: [{ uri: { regex: "(" } }], route: [{ destination: { host: a.test } }] }]'),
    ],
    [
      'a formatter that is not known',
      virtual('a', '[{ headers: { request: { set: { x: "%HOSTNAME%" } } }, route: [{ destination: { host: a.test } }] }]'),
    ],
    ['a text that is no YAML', 'a: [\n'],
    ['a missing field', virtual('a', '[{ route: [{ weight: 1 }] }]')],
  ])('%s: nothing of the set takes effect', async (_, wrong) => {
    const m = mesh()
    const before = JSON.stringify(m.snapshot())
    const seen: string[] = []
    m.on('applied', () => seen.push('applied'))
    m.on('rejected', e => seen.push(`rejected ${e.source} ${e.action}`))
    const refused = await m.apply(all(service('a', 4), service('other'), wrong))
    expect(refused.accepted).toBe(false)
    expect(JSON.stringify(m.snapshot())).toBe(before)
    expect(seen).toEqual(['rejected apply apply'])
    expect(m.history().length).toBe(1)
    if (!refused.accepted) expect(refused.errors[0]!.line ?? 0).toBeGreaterThan(0)
  })

  test('applies queue up in the order they were asked for', async () => {
    const m = mesh()
    const results = await Promise.all([m.apply(service('b')), m.apply('kind: VirtualService'), m.apply(service('c'))])
    expect(results.map(r => (r.accepted ? r.version : 'refused'))).toEqual([2, 'refused', 3])
    expect(Object.keys(m.snapshot().clusters)).toContain('outbound|80||c.test')
  })

  test('a version that was overtaken is a conflict', async () => {
    const m = mesh()
    expect(await m.apply(service('b'), { ifVersion: 1 })).toMatchObject({ accepted: true, version: 2 })
    expect(await m.apply(base, { ifVersion: 1 })).toMatchObject({
      accepted: false,
      conflict: { expected: 1, actual: 2 },
      errors: [{ code: 'version-conflict' }],
    })
  })

  test('an error names the route that cannot be compiled, and its place', async () => {
    const refused = await mesh().apply(
      virtual(
        'a',
        '[{ directResponse: { status: 200 }, match: [{ uri: { exact: /x } }] },\n  { headers: { request: { set: { x: "%HOSTNAME%" } } }, route: [{ destination: { host: a.test } }] }]',
      ),
    )
    expect(refused).toMatchObject({
      errors: [{ path: expect.stringContaining('spec.http[1]'), line: 6, kind: 'VirtualService', name: 'a' }],
    })
  })

  test('wrong initial rules throw', () => {
    expect(() => mesh('a: [')).toThrow(RuleError)
  })

  test('a closed mesh takes no rules', async () => {
    const m = mesh()
    await m.close()
    expect(await m.apply(base)).toMatchObject({ accepted: false, errors: [{ code: 'mesh-closed' }] })
  })
})

describe('what depends on a change, and nothing else', () => {
  test('the same content keeps its compiled routes and its state', async () => {
    const m = mesh(all(base, service('b', 2, 11), virtual('b')))
    m.eject(A, '10.0.0.1:80')
    await m.patch(virtual('b', '[{ directResponse: { status: 418 } }]'))
    expect(m.snapshot().clusters[A]!.endpoints.map(e => e.health)).toEqual(['ejected', 'healthy'])
    const plan = m.plan(virtual('b', '[{ directResponse: { status: 200 } }]'), { patch: true })
    expect(plan.changes).toEqual({
      documents: [
        {
          key: 'VirtualService/default/b',
          change: 'changed',
          fields: [{ path: 'spec.http[0].directResponse.status', from: 418, to: 200 }],
        },
      ],
      hosts: ['b.test'],
      routes: [{ host: 'b.test', port: '80', change: 'changed', routes: ['#1'] }],
      clusters: [],
    })
  })
})

describe('patch', () => {
  test('creates, updates and deletes single documents', async () => {
    const m = mesh()
    expect(await m.patch(all(service('b'), virtual('b')))).toMatchObject({ accepted: true, version: 2 })
    expect(await m.patch({ kind: 'VirtualService', metadata: { name: 'b' }, $delete: true })).toMatchObject({ accepted: true, version: 3 })
    expect(await m.patch(`${virtual('a')}\n$delete: true\n`)).toMatchObject({ accepted: true, version: 4 })
    expect(m.history().map(v => [v.action, ...v.added, ...v.changed.map(k => `~${k}`), ...v.removed.map(k => `-${k}`)])).toEqual([
      ['initial', 'ServiceEntry/default/a', 'DestinationRule/default/a', 'VirtualService/default/a'],
      ['patch', 'ServiceEntry/default/b', 'VirtualService/default/b'],
      ['patch', '-VirtualService/default/b'],
      ['patch', '-VirtualService/default/a'],
    ])
  })

  test('all of it or nothing', async () => {
    const m = mesh()
    const refused = await m.patch([service('b'), { kind: 'VirtualService', metadata: { name: 'nobody' }, $delete: true }])
    expect(refused).toMatchObject({ accepted: false, errors: [{ code: 'document-not-found', hint: 'applied: VirtualService/default/a' }] })
    expect(Object.keys(m.snapshot().clusters)).not.toContain('outbound|80||b.test')
  })

  test('an update does not make a document younger', async () => {
    const dated = virtual('a').replace('{ name: a }', '{ name: a, creationTimestamp: "2020-01-01T00:00:00Z" }')
    const rival = virtual('a', '[{ name: rival, directResponse: { status: 201 } }]').replace(
      'name: a }',
      'name: rival, creationTimestamp: "2021-01-01T00:00:00Z" }',
    )
    const m = mesh(all(service('a'), dated, rival))
    await m.patch(virtual('a', '[{ name: mine, directResponse: { status: 200 } }]'))
    expect(m.explain({ url: 'http://a.test/' }).route).toBe('mine')
  })
})

describe('plan', () => {
  test('says what would change and what becomes of the state, and changes nothing', () => {
    const m = mesh()
    const plan = m.plan(all(service('a', 1), destination('a', '{ loadBalancer: { simple: RANDOM } }'), service('b')))
    expect(plan).toMatchObject({ accepted: true, version: 1, errors: [] })
    expect(plan.changes.documents).toContainEqual({ key: 'VirtualService/default/a', change: 'removed' })
    const a = plan.changes.clusters.find(c => c.cluster === A)!
    expect(a).toMatchObject({ change: 'changed', fields: ['lbPolicy', 'endpoints'], endpoints: { added: [], removed: ['10.0.0.2:80'] } })
    expect(a.state).toEqual({ kept: true, note: 'kept; positions of the load balancer begin anew; state of 10.0.0.2:80 is dropped' })
    expect(plan.changes.clusters.find(c => c.cluster === 'outbound|80||b.test')).toMatchObject({ change: 'added', state: { kept: false } })
    expect(m.snapshot().version).toBe(1)
    expect(m.history().length).toBe(1)
  })

  test('a set that would be refused has errors and no changes', () => {
    expect(mesh().plan('kind: [')).toMatchObject({ accepted: false, changes: { documents: [], clusters: [] } })
  })
})

describe('history and rollback', () => {
  test('an earlier version comes back as a new one', async () => {
    const m = mesh()
    await m.apply(service('b'))
    expect(await m.rollback(1)).toMatchObject({ accepted: true, version: 3 })
    expect(m.explain({ url: 'http://a.test/' }).destinations[0]!.cluster).toBe(A)
    expect(m.history().map(v => [v.version, v.action])).toEqual([
      [1, 'initial'],
      [2, 'apply'],
      [3, 'rollback'],
    ])
  })

  test('what changes nothing is no version, and its places are the new ones', async () => {
    const m = mesh()
    const applied: number[] = []
    m.on('applied', event => applied.push(event.version))
    await m.apply(all(base, service('b')))
    expect(await m.apply(`# a comment\n${all(base, service('b'))}`)).toMatchObject({ accepted: true, version: 2 })
    expect(await m.patch(service('b'))).toMatchObject({ accepted: true, version: 2 })
    expect(await m.patch([])).toMatchObject({ accepted: true, version: 2 })
    expect(await m.rollback(2)).toMatchObject({ accepted: true, version: 2 })
    expect(m.history().map(v => v.version)).toEqual([1, 2])
    expect(applied).toEqual([2, 2, 2, 2, 2])
    expect(m.explain({ url: 'http://a.test/' }).rule).toMatchObject({ document: 'VirtualService/default/a' })
    await m.rollback(m.history().at(-2)!.version)
    expect(m.history().at(-1)).toMatchObject({ version: 3, removed: ['ServiceEntry/default/b'] })
  })

  test('an order that differs is a version, since the first of two rules may win', async () => {
    const m = mesh(all(service('a'), service('b')))
    expect(await m.apply(all(service('b'), service('a')))).toMatchObject({ accepted: true, version: 2 })
  })

  test('only so many are kept, and one that is gone is said', async () => {
    const m = mesh(base, { limits: { history: 2 } })
    for (const name of ['b', 'c', 'd']) await m.apply(service(name))
    expect(m.history().map(v => v.version)).toEqual([3, 4])
    expect(await m.rollback(1)).toMatchObject({ accepted: false, errors: [{ code: 'version-not-kept', hint: 'kept: 3, 4' }] })
  })
})

describe('documents whose source is trusted less', () => {
  test('sources are kept apart, and the earlier one wins', async () => {
    let deliver: (set: any) => void = () => {}
    const source: Source = {
      name: 'lower',
      start(given) {
        deliver = given
        return () => {}
      },
    }
    const m = mesh(base, { sources: [source] })
    deliver([{ documents: all(virtual('a', '[{ name: theirs, directResponse: { status: 200 } }]'), service('b')), origin: 'lower.yaml' }])
    await m.ready()
    expect(m.snapshot().sources).toEqual([
      { name: 'apply', version: 2, documents: 3, state: 'ok' },
      { name: 'lower', version: 2, documents: 2, state: 'ok' },
    ])
    expect(m.explain({ url: 'http://a.test/' }).route).not.toBe('theirs')
    expect(m.diagnostics.map(d => [d.code, d.source])).toContainEqual(['document-shadowed', 'lower.yaml'])
    await m.apply(service('a'))
    expect(m.explain({ url: 'http://a.test/' }).route).toBe('theirs')
    expect(await m.patch({ kind: 'ServiceEntry', metadata: { name: 'b' }, $delete: true })).toMatchObject({
      accepted: false,
      errors: [{ message: 'ServiceEntry/default/b belongs to lower' }],
    })
  })
})
