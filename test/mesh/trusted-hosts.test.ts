/** Documents of several sources that act together: hosts that a source is not trusted with stay as they were. */
import axios from 'axios'
import { describe, expect, test } from 'vitest'
import type { Trust } from '../../src/index.ts'
import { MeshCore } from '../../src/mesh/mesh.ts'
import { adminApi } from '../../src/ops/admin/api.ts'
import { instantTransport } from './documents.ts'
import { entry, meshWith, routes, rule, sourceOf, statusOf, to } from './less-trusted.ts'

const trust: Trust = { hosts: ['*.shop.test'] }
const bank = entry('bank.test', { endpoints: undefined, workloadSelector: { labels: { app: 'bank' } } })
const workload = (name: string, address: string, app = 'bank') => rule('WorkloadEntry', name, { address, labels: { app } })
const shop = entry('a.shop.test', { endpoints: [{ address: '10.0.0.1' }] })

describe('a WorkloadEntry', () => {
  test('does not join a service of a host that its source is not trusted with', async () => {
    const { mesh, problem, dialed } = await meshWith({
      rules: [bank, workload('own', '10.0.0.1')],
      low: [workload('theirs', '10.6.6.6')],
      trust,
    })
    expect(problem.diagnostics).toMatchObject([
      { severity: 'error', code: 'trust-host', kind: 'WorkloadEntry', name: 'theirs', path: 'spec' },
    ])
    for (let i = 0; i < 4; i++) await statusOf(mesh, 'http://bank.test/')
    expect(dialed).toEqual(['10.0.0.1:80'])
  })

  test('that was there before such a service is left out of it, and the service is accepted', async () => {
    const { mesh, problem, dialed } = await meshWith({ low: [workload('theirs', '10.6.6.6')], trust })
    expect(problem).toBeUndefined()
    expect(await mesh.apply([bank, workload('own', '10.0.0.1')])).toMatchObject({
      accepted: true,
      warnings: [{ code: 'trust-host', name: 'theirs' }],
    })
    for (let i = 0; i < 4; i++) await statusOf(mesh, 'http://bank.test/')
    expect(dialed).toEqual(['10.0.0.1:80'])
  })

  test('of the program does not serve a host of the source by a name that the source is not trusted with', async () => {
    const { problem } = await meshWith({
      rules: [workload('own', 'db.bank.test')],
      low: [entry('a.shop.test', { resolution: 'DNS', endpoints: undefined, workloadSelector: { labels: { app: 'bank' } } })],
      trust,
    })
    expect(problem.diagnostics).toMatchObject([{ code: 'trust-host', kind: 'ServiceEntry', path: 'spec.workloadSelector' }])
  })

  test('joins services of hosts that its source is trusted with', async () => {
    const { mesh, problem, dialed } = await meshWith({
      rules: [entry('a.shop.test', { endpoints: undefined, workloadSelector: { labels: { app: 'shop' } } })],
      low: [workload('theirs', '10.0.0.2', 'shop')],
      trust,
    })
    expect(problem).toBeUndefined()
    expect(await statusOf(mesh, 'http://a.shop.test/')).toBe(200)
    expect(dialed).toEqual(['10.0.0.2:80'])
  })
})

describe('a delegate', () => {
  const delegate = (http: object) => rule('VirtualService', 'part', { http: [http] })
  const forged = { directResponse: { status: 418 } }

  test('does not answer for a host that its source is not trusted with', async () => {
    const root = routes('bank.test', { delegate: { name: 'part' } })
    const { mesh, problem } = await meshWith({ rules: [entry('bank.test'), root], low: [delegate(forged)], trust })
    expect(problem.diagnostics).toMatchObject([{ code: 'trust-host', name: 'part', path: 'spec' }])
    expect(await statusOf(mesh, 'http://bank.test/')).not.toBe(418)
  })

  test('that was there before does not either, and strict reports no missing delegate', async () => {
    const { mesh, problem } = await meshWith({ low: [delegate(forged)], trust, options: { strict: true } })
    expect(problem).toBeUndefined()
    const applied = await mesh.apply([entry('bank.test'), routes('bank.test', { delegate: { name: 'part' } })])
    expect(applied).toMatchObject({ accepted: true, warnings: [{ code: 'trust-host', name: 'part' }] })
    expect(await statusOf(mesh, 'http://bank.test/')).not.toBe(418)
  })

  test('of the program is not used for hosts that it names and the root is not trusted with', async () => {
    const { problem } = await meshWith({
      rules: [shop, bank, delegate(to('bank.test'))],
      low: [routes('a.shop.test', { delegate: { name: 'part' } })],
      trust,
    })
    expect(problem.diagnostics).toMatchObject([{ code: 'trust-host', name: 'a.shop.test', path: 'spec.http[0].delegate' }])
  })

  test('is used where both are trusted', async () => {
    const root = routes('a.shop.test', { delegate: { name: 'part' } })
    const { mesh, problem } = await meshWith({ rules: [shop, root], low: [delegate(forged)], trust })
    expect(problem).toBeUndefined()
    expect(await statusOf(mesh, 'http://a.shop.test/')).toBe(418)
  })
})

describe('a ResiliencePolicy that names a route', () => {
  const named = (host: string, name = 'main') => routes(host, { name, ...to(host) })
  const policy = (route: string) => rule('ResiliencePolicy', 'low', { targets: [{ route }], fallback: { directResponse: { status: 299 } } })
  const script = { '*': { status: 503 } }

  test.each([
    ['main', [named('bank.test')]],
    ['default', []],
    ['allow_any', [shop]],
  ])('does not act on the route %s of a foreign host', async (route, rules) => {
    const { mesh, problem } = await meshWith({ rules: [entry('bank.test'), ...rules], low: [policy(route)], trust, script })
    if (route === 'main') expect(problem.diagnostics).toMatchObject([{ code: 'trust-host', path: 'spec.targets[0].route' }])
    for (const url of ['http://bank.test/', 'http://unknown.test/']) expect(await statusOf(mesh, url)).toBe(503)
  })

  test('acts on routes of its own of the same name', async () => {
    const { mesh, problem } = await meshWith({
      rules: [entry('bank.test'), named('bank.test'), shop, named('a.shop.test')],
      low: [policy('main')],
      trust,
      script,
    })
    expect(problem).toBeUndefined()
    expect(await statusOf(mesh, 'http://bank.test/')).toBe(503)
    expect(await statusOf(mesh, 'http://a.shop.test/')).toBe(299)
    const values = (url: string) => mesh.explain({ url }).destinations[0]!.policy.map(({ name }) => name)
    expect(values('http://bank.test/')).not.toContain('fallback.directResponse')
    expect(values('http://a.shop.test/')).toContain('fallback.directResponse')
  })

  test('keeps no callers of a foreign split at one destination', async () => {
    const split = {
      name: 'main',
      route: [
        { destination: { host: 'bank.test' }, weight: 50 },
        { destination: { host: 'a.shop.test' }, weight: 50 },
      ],
    }
    const { mesh } = await meshWith({
      rules: [entry('bank.test'), shop, routes('bank.test', split), named('a.shop.test')],
      low: [rule('ResiliencePolicy', 'low', { targets: [{ route: 'main' }], split: { by: { httpHeaderName: 'x-user' } } })],
      trust,
    })
    expect(mesh.explain({ url: 'http://bank.test/', headers: { 'x-user': 'a' } }).staysAt).toBeUndefined()
  })
})

describe('documents that name other hosts', () => {
  const rules = [entry('bank.test'), routes('bank.test', { directResponse: { status: 201 } })]

  test('are not hidden by one of the same name, of whichever source', async () => {
    const decoy = { ...routes('a.shop.test', { directResponse: { status: 202 } }), metadata: { name: 'bank.test' } }
    const { mesh } = await meshWith({
      low: [decoy],
      trust,
      options: { sources: [sourceOf('low', [decoy], trust), sourceOf('files', rules, undefined)] },
    })
    expect(await statusOf(mesh, 'http://bank.test/')).toBe(201)
    expect(mesh.diagnostics).toMatchObject([
      { code: 'document-shadowed', message: expect.stringContaining('which low is not trusted with') },
    ])
  })

  const api = (allowed: object | undefined, set: object[] = rules) => {
    const core = new MeshCore(
      { rules: set },
      instantTransport(() => 200),
    )
    const answer = adminApi(core, { token: 'sixteen characters', trust: allowed })
    const headers: Record<string, string> = { host: 'localhost', authorization: 'Bearer sixteen characters' }
    const ask = (method: string, target: string, body: unknown = '') =>
      answer({
        method,
        target,
        header: name => headers[name],
        read: async () => (typeof body === 'string' ? body : JSON.stringify(body)),
        from: '127.0.0.1',
      })
    return { core, ask }
  }
  const renamed = { ...routes('a.shop.test', { directResponse: { status: 202 } }), metadata: { name: 'bank.test' } }

  test.each<[string, string, unknown]>([
    ['PUT', '/rules', [shop]],
    ['PATCH', '/rules', { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'bank.test' }, $delete: true }],
    ['PATCH', '/rules', renamed],
    ['PUT', '/rules/VirtualService/default/bank.test', renamed],
    ['DELETE', '/rules/VirtualService/default/bank.test', ''],
  ])('are not replaced or removed by %s %s', async (method, path, body) => {
    const { core, ask } = api(trust)
    const { status, body: reply } = (await ask(method, path, body)) as any
    expect(status).toBe(422)
    expect(reply.error.diagnostics.every(({ code }: { code: string }) => code === 'trust-host')).toBe(true)
    expect(core.rules.version).toBe(1)
    expect((await api(undefined).ask(method, path, body)).status).toBe(200)
  })

  test('are not brought back or removed by POST /rollback', async () => {
    const { core, ask } = api(trust)
    await core.rules.apply([shop])
    expect(await ask('POST', '/rollback', { version: 1 })).toMatchObject({ status: 422 })
    await ask('PATCH', '/rules', routes('a.shop.test', to('a.shop.test')))
    expect(await ask('POST', '/rollback', { version: 2 })).toMatchObject({ status: 200 })
  })

  test.each<[string, object]>([
    ['breaker', { cluster: 'bank.test||80', action: 'forceOpen' }],
    ['eject', { cluster: 'bank.test||80', address: '10.0.0.1:80' }],
    ['uneject', { cluster: 'outbound|80||bank.test', address: '10.0.0.1:80' }],
    ['weight', { cluster: 'bank.test||80', address: '10.0.0.1:80', weight: 2 }],
    ['weight', { virtualService: 'default/bank.test', weights: { 'bank.test': 0 } }],
  ])('are not steered by POST /control/%s', async (control, body) => {
    const policy = rule('ResiliencePolicy', 'bank', { targets: [{ host: 'bank.test' }], circuitBreaker: {} })
    const set = [entry('bank.test'), routes('bank.test', to('bank.test')), policy]
    const reply = await api(trust, set).ask('POST', `/control/${control}`, body)
    expect([403, 422]).toContain(reply.status)
    expect(JSON.stringify(reply.body)).toContain('trust-host')
    expect((await api(undefined, set).ask('POST', `/control/${control}`, body)).status).toBe(200)
  })

  test('an addition beside them is accepted', async () => {
    const { ask } = api(trust)
    expect((await ask('PATCH', '/rules', [shop, routes('a.shop.test', to('a.shop.test'))])).status).toBe(200)
  })
})

test('a document that says $delete outside of a patch is judged like every other', async () => {
  const forged = { ...entry('bank.test', { endpoints: [{ address: '169.254.169.254' }] }), $delete: true }
  const { problem } = await meshWith({ low: [forged], trust: { ...trust, linkLocal: false } })
  expect(problem.diagnostics.map((d: any) => d.code)).toEqual(expect.arrayContaining(['trust-host', 'trust-link-local']))
})

describe('an upstream of the source', () => {
  const redirecting = (location: string, low = [shop]) =>
    meshWith({
      rules: [entry('bank.test', { endpoints: [{ address: '10.0.0.7' }] })],
      low,
      trust,
      script: { '10.0.0.1:80': { status: 307, headers: { location } } },
    })

  test.each(['http://bank.test/', 'http://unknown.test/', 'https://a.shop.test.bank.test/', 'http://10.0.0.7/'])(
    'does not redirect to %s, a host that the source is not trusted with',
    async location => {
      const { mesh, dialed } = await redirecting(location)
      expect(await statusOf(mesh, 'http://a.shop.test/', { method: 'POST', body: 'x' })).toBe('ERR_TRUST')
      expect(dialed).toEqual(['10.0.0.1:80'])
    },
  )

  test('does not redirect axios there either', async () => {
    const { mesh, dialed } = await redirecting('http://bank.test/')
    const error = await axios.post('http://a.shop.test/', 'x', { adapter: mesh.axios() }).catch(e => e)
    expect([error.code, error.message]).toEqual(['ERR_FR_REDIRECTION_FAILURE', expect.stringContaining('redirect to the host bank.test')])
    expect(dialed).toEqual(['10.0.0.1:80'])
  })

  test('does not do it by a workload that joins a service of the program', async () => {
    const { mesh } = await meshWith({
      rules: [entry('a.shop.test', { endpoints: undefined, workloadSelector: { labels: { app: 'shop' } } })],
      low: [workload('theirs', '10.0.0.1', 'shop')],
      trust,
      script: { '10.0.0.1:80': { status: 302, headers: { location: 'http://bank.test/' } } },
    })
    expect(await statusOf(mesh, 'http://a.shop.test/')).toBe('ERR_TRUST')
  })

  test.each(['http://b.shop.test/', 'http://a.shop.test:8080/x'])('redirects to %s', async location => {
    const { mesh, dialed } = await redirecting(location)
    expect(await statusOf(mesh, 'http://a.shop.test/')).toBe(200)
    expect(dialed.length).toBe(2)
  })

  test('of the program redirects where it likes, also under rules of the source for its host', async () => {
    const { mesh, dialed } = await meshWith({
      rules: [shop, entry('bank.test', { endpoints: [{ address: '10.0.0.7' }] })],
      low: [routes('a.shop.test', to('a.shop.test'))],
      trust,
      script: { '10.0.0.1:80': { status: 302, headers: { location: 'http://bank.test/' } } },
    })
    expect(await statusOf(mesh, 'http://a.shop.test/')).toBe(200)
    expect(dialed).toEqual(['10.0.0.1:80', '10.0.0.7:80'])
  })
})
