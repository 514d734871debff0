/** No request without the token sees a value that a rule matches, sets or rewrites, wherever it is. */
import { describe, expect, test } from 'vitest'
import { MeshCore } from '../../../src/mesh/mesh.ts'
import { adminApi } from '../../../src/ops/admin/api.ts'
import { ENDPOINTS } from '../../../src/ops/admin/endpoints.ts'
import { cleanText, redactDocument, SECRET_FIELDS } from '../../../src/ops/admin/redact.ts'
import type { Field, Message } from '../../../src/rules/istio/schema/field.ts'
import { ISTIO_KINDS, OWN_KINDS } from '../../../src/rules/istio/schema/index.ts'
import { virtualClock } from '../../../src/testing/index.ts'
import { instantTransport, service } from '../../mesh/documents.ts'

const TOKEN = 'correct horse battery'
const SECRET = 's3cret'
const BYTES = Buffer.from(SECRET).toString('base64')

const to = (host: string) => ({ destination: { host } })
const rules = [
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: {
      name: 'a',
      labels: { app: 'shown-label' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"spec":"${SECRET}"}`, other: SECRET },
      managedFields: [{ fieldsV1: { [`v:"${SECRET}"`]: {} } }],
    },
    status: { conditions: [{ message: SECRET }] },
    spec: {
      hosts: ['a.test'],
      unknown: { set: { 'x-key': SECRET } },
      http: [
        { match: [{ uri: { exact: `/${SECRET}` } }], route: [to('a.test')] },
        { match: [{ uri: { prefix: `/${SECRET}/` }, ignoreUriCase: true }], route: [to('a.test')] },
        { match: [{ uri: { regex: `/.*${SECRET}` } }], route: [to('a.test')] },
        {
          match: [{ headers: { 'x-a': { exact: SECRET }, 'x-b': { prefix: SECRET }, 'x-c': { regex: `${SECRET}.*` } } }],
          route: [to('a.test')],
        },
        {
          match: [
            { method: { exact: 'OPTIONS' }, withoutHeaders: { 'x-a': { exact: SECRET } } },
            { headers: { cookie: { regex: `.*id=${SECRET}.*` } } },
          ],
          route: [to('a.test')],
        },
        {
          match: [{ queryParams: { key: { exact: SECRET }, other: { regex: SECRET } } }],
          redirect: { uri: `/x?y=${SECRET}`, authority: `${SECRET}.test` },
        },
        { match: [{ method: { exact: 'PUT' } }], directResponse: { status: 200, body: { string: SECRET } } },
        { match: [{ method: { exact: 'PATCH' } }], directResponse: { status: 200, body: { bytes: BYTES } } },
        { match: [{ method: { exact: 'DELETE' } }], route: [to('a.test')], rewrite: { uri: `/bot${SECRET}`, authority: `${SECRET}.test` } },
        { match: [{ method: { exact: 'HEAD' } }], route: [to('a.test')], rewrite: { uriRegexRewrite: { match: SECRET, rewrite: SECRET } } },
        {
          match: [{ method: { exact: 'POST' } }],
          route: [
            { ...to('a.test'), weight: 1, headers: { request: { set: { 'x-d': SECRET } }, response: { add: { 'x-e': SECRET } } } },
            { ...to('b.test'), weight: 1 },
          ],
          headers: { request: { set: { 'x-f': SECRET }, add: { authorization: SECRET } }, response: { set: { 'set-cookie': SECRET } } },
        },
      ],
    },
  },
  ...['a.test', '*'].map((host, i) => ({
    apiVersion: 'meshless.dev/v1',
    kind: 'ResiliencePolicy',
    metadata: { name: `p${i}` },
    spec: {
      targets: [host === '*' ? '*' : { host }],
      circuitBreaker: { scope: 'route' },
      fallback: { directResponse: { status: 200, body: { string: SECRET } } },
    },
  })),
]

function setup(options: { token?: string } = { token: TOKEN }) {
  const core = new MeshCore(
    { rules: [service('a'), service('b'), ...rules], clock: virtualClock(1000) },
    instantTransport(() => 200),
  )
  const api = adminApi(core, options)
  const ask = (method: string, target: string, body: unknown = '', token = '') => {
    const headers: Record<string, string> = { host: 'localhost', ...(token !== '' && { authorization: `Bearer ${token}` }) }
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return api({ method, target, header: name => headers[name], read: async () => text, from: '' })
  }
  return { core, ask }
}

const requests = ['GET', 'PUT', 'PATCH', 'HEAD', 'POST', 'DELETE'].flatMap(method =>
  ['/', `/${SECRET}`, `/?key=${SECRET}`].map(path => ({ method, url: `http://a.test${path}` })),
)

describe('without the token', () => {
  test('no GET shows a secret, and with the token several do', async () => {
    const { ask } = setup()
    const shown: string[] = []
    for (const { method, path, streams } of ENDPOINTS) {
      if (method !== 'GET' || streams) continue
      const target = path.replace(':kind', 'VirtualService').replace(':namespace', 'default').replace(':name', 'a')
      const reply = await ask('GET', target)
      expect([target, reply.status]).toEqual([target, 200])
      expect(
        JSON.stringify(reply, undefined, 1)
          .split('\n')
          .filter(line => line.includes(SECRET) || line.includes(BYTES)),
      ).toEqual([])
      if (JSON.stringify(await ask('GET', target, '', TOKEN)).includes(SECRET)) shown.push(target)
    }
    expect(shown).toEqual(['/rules', '/rules/VirtualService', '/rules/VirtualService/default/a', '/snapshot', '/config'])
  })

  test('the structure of rules stays', async () => {
    const { ask } = setup()
    const { body } = (await ask('GET', '/rules/VirtualService/default/a')) as any
    expect(body.metadata).toMatchObject({ name: 'a', labels: { app: 'shown-label' } })
    expect(body.spec.hosts).toEqual(['a.test'])
    expect(body.spec.http[3].match[0].headers['x-b']).toEqual({ prefix: '[redacted]' })
    expect(body.spec.http[10].route[1]).toEqual({ destination: { host: 'b.test' }, weight: 1 })
    const { body: config } = (await ask('GET', '/config')) as any
    const matchers = config.routes[0].virtualHosts[0].routes.flatMap((route: any) => route.match.headers ?? [])
    expect(matchers).toContainEqual({
      name: 'x-a',
      invertMatch: true,
      treatMissingHeaderAsEmpty: true,
      stringMatch: { exact: '[redacted]' },
    })
    expect(matchers).toContainEqual({ name: ':method', stringMatch: { exact: 'POST' } })
  })

  test.each(requests)('an explanation of $method $url shows no secret that the request does not have', async request => {
    const { ask } = setup()
    const { status, body } = (await ask('POST', '/explain', request)) as any
    const { url: _, ...rest } = body
    expect(status).toBe(200)
    expect(JSON.stringify(rest)).not.toMatch(new RegExp(`${SECRET}|${BYTES}`))
    expect(JSON.stringify(rest)).toContain('path = [redacted]')
  })

  test('the name of a header and the operator stay, the method is shown', async () => {
    const { ask } = setup()
    const { body } = (await ask(
      'POST',
      '/explain',
      requests.find(r => r.method === 'POST'),
    )) as any
    const texts = body.tried.flatMap((route: any) => route.conditions.map((c: any) => c.text))
    expect(texts).toEqual(
      expect.arrayContaining([
        'path starts with [redacted]',
        'path matches [redacted]',
        'x-a = [redacted]',
        'not x-a = [redacted]',
        'x-b starts with [redacted]',
        'query key = [redacted]',
        ':method = POST',
      ]),
    )
  })

  const refused = [
    { ...rules[0], spec: { hosts: ['a.test'], http: [{ timeout: SECRET, headers: { request: { set: { 'x y': SECRET } } } }] } },
    `apiVersion: ${SECRET}\nkind: [`,
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: SECRET.toUpperCase() },
      spec: { hosts: [`${SECRET} x`] },
    },
    { apiVersion: `networking.istio.io/${SECRET}`, kind: 'VirtualService' },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'd' },
      spec: { host: 'a.test', trafficPolicy: { loadBalancer: { simple: SECRET } } },
    },
  ]
  test.each(refused)('messages of refused writes are not shown (%#)', async body => {
    const { ask } = setup()
    const { stream } = await ask('GET', '/events')
    const whole = await ask('GET', '/events', '', TOKEN)
    const seen: string[] = []
    const seenWhole: string[] = []
    stream!((type, data) => seen.push(`${type} ${JSON.stringify(data)}`))
    whole.stream!((type, data) => seenWhole.push(JSON.stringify([type, data])))
    expect((await ask('PATCH', '/rules', body, TOKEN)).status).toBe(422)
    expect(seen.length).toBe(2)
    expect(seen.join()).not.toContain(SECRET)
    expect(JSON.parse(seen[1]!.slice('rejected '.length)).errors[0]).toMatchObject({
      severity: 'error',
      code: expect.any(String),
      message: '[redacted]',
    })
    expect(seenWhole.join()).not.toContain('[redacted]')
    const audit = (await ask('GET', '/audit')) as any
    expect(JSON.stringify(audit)).not.toContain(SECRET)
    expect(audit.body.entries[0]).toMatchObject({ status: 422, error: 'rules-refused' })
  })

  test('warnings of rules quote no secret, and are printed although somebody follows the events', async () => {
    const printed: string[] = []
    const listen = (warning: Error) => printed.push(warning.message)
    process.on('warning', listen)
    const { core, ask } = setup()
    const seen: string[] = []
    ;(await ask('GET', '/events?types=warning,rejected')).stream!((type, data) => seen.push(`${type} ${JSON.stringify(data)}`))
    await core.rules.apply([service('a'), { ...rules[0], metadata: { name: 'a', annotations: { x: 1 } } }])
    const odd = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'w' },
      spec: { hosts: ['w.test'], http: [{ route: [to('w.test')], headers: { request: { set: { 'x-a': SECRET }, sett: SECRET } } }] },
    }
    await core.announced(core.rules.apply([service('a'), odd]))
    await new Promise(resolve => setImmediate(resolve))
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', listen)
    expect(seen.some(text => text.startsWith('warning '))).toBe(true)
    expect(seen.join()).not.toContain(SECRET)
    expect(printed.join()).toContain('sett')
  })

  test('errors of sources are not shown, nor the credentials of their addresses', async () => {
    const source = {
      name: `http://user:${SECRET}@rules.test/x`,
      start: (_: unknown, fail: (error: Error) => void) => (fail(new Error(SECRET)), () => {}),
    }
    const core = new MeshCore(
      { sources: [source], clock: virtualClock() },
      instantTransport(() => 200),
    )
    const api = adminApi(core, { token: TOKEN })
    const ask = (target: string, authorization?: string) =>
      api({ method: 'GET', target, header: name => ({ host: 'localhost', authorization })[name], read: async () => '', from: '' })
    const events: unknown[] = []
    ;(await ask('/events')).stream!((_, data) => events.push(data))
    core.events.emit('sourceError', { source: source.name, error: new Error(SECRET), at: 0 })
    const snapshot = (await ask('/snapshot')) as any
    expect(JSON.stringify([events, snapshot, await ask('/rules'), await ask('/history')])).not.toContain(SECRET)
    expect(snapshot.body.sources[1]).toMatchObject({ name: 'http://[redacted]@rules.test/x', state: 'failed', error: '[redacted]' })
    expect(JSON.stringify(await ask('/snapshot', `Bearer ${TOKEN}`))).toContain(SECRET)
    await core.close()
  })

  test('an explanation shows the address of a source without its credentials', async () => {
    const source = {
      name: 'remote',
      start: (deliver: any) => (deliver([{ documents: rules, origin: `https://user:${SECRET}@rules.test/a.yaml` }]), () => {}),
    }
    const core = new MeshCore(
      { rules: service('a'), sources: [source], clock: virtualClock() },
      instantTransport(() => 200),
    )
    await core.ready()
    const api = adminApi(core, { token: TOKEN })
    const request = { method: 'DELETE', url: 'http://a.test/' }
    const { status, body } = (await api({
      method: 'POST',
      target: '/explain',
      header: name => ({ host: 'localhost' })[name],
      read: async () => JSON.stringify(request),
      from: '',
    })) as any
    expect([status, body.rule.source, body.policy.find((value: any) => value.from.source !== undefined)]).toMatchObject([
      200,
      'https://[redacted]@rules.test/a.yaml',
      undefined,
    ])
    expect(JSON.stringify(body)).not.toContain(SECRET)
    await core.close()
  })

  test('without a token configured nothing shows them', async () => {
    const { ask } = setup({})
    expect(JSON.stringify(await ask('GET', '/rules', '', TOKEN))).not.toContain(SECRET)
  })

  test('an entity tag confirms no guess of a secret', async () => {
    const tag = async () => (await setup().ask('GET', '/rules/VirtualService/default/a')).headers['etag']
    const { createHash } = await import('node:crypto')
    const { core } = setup()
    const document = core.rules.sets.get('apply')!.documents.find(d => d.kind === 'VirtualService')!
    const guess = createHash('sha256')
      .update(JSON.stringify([document.asWritten, document.metadata]))
      .digest('base64url')
      .slice(0, 16)
    expect(await tag()).toBe(await tag())
    expect(await tag()).not.toBe(`"${guess}"`)
  })
})

describe('positions', () => {
  const messages = new Map<string, Message>()
  const collect = (shape: Message | Field): void => {
    if (shape.type === 'list' || shape.type === 'map') return collect(shape.of)
    if (shape.type !== 'message' || messages.has(shape.name)) return
    messages.set(shape.name, shape)
    for (const field of Object.values(shape.fields)) collect(field)
  }
  for (const spec of [...ISTIO_KINDS.values(), ...OWN_KINDS.values()]) collect(spec)

  test.each(Object.entries(SECRET_FIELDS))('%s has the fields that are hidden', (name, fields) => {
    expect(Object.keys(messages.get(name)?.fields ?? {})).toEqual(expect.arrayContaining([...fields]))
  })

  test('what is not described is hidden', () => {
    const written = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Sidecar',
      metadata: { name: 'x', uid: SECRET },
      spec: { Egress: SECRET, egress: SECRET },
      more: [SECRET],
    }
    expect(JSON.stringify(redactDocument(written))).not.toContain(SECRET)
    expect(redactDocument({ apiVersion: 'v1', kind: 'Secret', spec: { a: 1 }, data: { [SECRET]: SECRET } })).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      spec: '[redacted]',
      data: '[redacted]',
    })
  })

  test.each([
    ['https://user:pw@host/x', 'https://[redacted]@host/x'],
    ['at //u@h and http://a:b@c', 'at //[redacted]@h and http://[redacted]@c'],
    ['mail@example.com', 'mail@example.com'],
    ['a.test:80|{"prefix":"/x"}|a.test||80', 'a.test:80|[redacted]'],
  ])('%s is shown as %s', (text, shown) => expect(cleanText(text)).toBe(shown))
})
