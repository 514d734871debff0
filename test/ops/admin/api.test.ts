/** The admin API as a function: what it answers, whom it refuses, what it writes down. */
import { describe, expect, test } from 'vitest'
import { parseYaml } from '../../../src/base/formats/yaml.ts'
import { MeshCore } from '../../../src/mesh/mesh.ts'
import { adminApi } from '../../../src/ops/admin/api.ts'
import { AdminError, type AdminReply } from '../../../src/ops/admin/reply.ts'
import { virtualClock } from '../../../src/testing/index.ts'
import { all, destination, instantTransport, policy, service, virtual } from '../../mesh/documents.ts'

const TOKEN = 'correct horse battery'
const A = 'outbound|80||a.test'
const base = all(
  service('a'),
  destination('a'),
  virtual(
    'a',
    '[{ name: main, route: [{ destination: { host: a.test, subset: v1 }, weight: 90 }, { destination: { host: a.test, subset: v2 }, weight: 10 }] }]',
  ),
  policy('a', 'circuitBreaker: {}'),
)

function setup(options: { token?: string; rules?: string; trust?: object } = {}) {
  const core = new MeshCore(
    { rules: options.rules ?? base, clock: virtualClock(1000) },
    instantTransport(() => 200),
  )
  const api = adminApi(core, { token: 'token' in options ? options.token : TOKEN, trust: options.trust })
  const ask = (
    method: string,
    path: string,
    body: unknown = '',
    headers: Record<string, string> = {},
  ): Promise<AdminReply & { body?: any }> => {
    const all: Record<string, string> = { host: '127.0.0.1:9901', authorization: `Bearer ${TOKEN}`, ...headers }
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return api({
      method,
      target: path,
      header: name => all[name] || undefined,
      read: async limit => {
        if (text.length > limit) throw new AdminError(413, 'body-too-large', `the body has more than ${limit} bytes`)
        return text
      },
      from: '127.0.0.1',
    })
  }
  return { core, ask }
}

describe('who may ask', () => {
  test.each(['evil.example', 'localhost.evil.example:80', '', '10.0.0.1'])('host %j is not us', async host => {
    const { ask } = setup()
    expect(await ask('GET', '/snapshot', '', { host })).toMatchObject({ status: 421, body: { error: { code: 'wrong-host' } } })
  })

  test.each(['localhost:1', '127.0.0.1', '[::1]:80'])('host %s is', async host => {
    expect((await setup().ask('GET', '/snapshot', '', { host })).status).toBe(200)
  })

  test('reads are open, writes need the token, and without one they are off', async () => {
    const { ask, core } = setup()
    expect((await ask('GET', '/rules', '', { authorization: '' })).status).toBe(200)
    for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`])
      expect(await ask('PUT', '/rules', base, { authorization })).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
    expect(await setup({ token: undefined as any }).ask('PUT', '/rules', base)).toMatchObject({
      status: 403,
      body: { error: { code: 'writes-are-off' } },
    })
    expect(core.rules.version).toBe(1)
  })

  test('every address that changes something needs the token', async () => {
    const { ask } = setup()
    const { body } = await ask('GET', '/')
    const open = ['GET', 'POST /plan', 'POST /explain']
    for (const { method, path } of body.addresses)
      if (!open.includes(method) && !open.includes(`${method} ${path}`))
        expect([method, path, (await ask(method, path, '{}', { authorization: '' })).status]).toEqual([method, path, 401])
  })
})

describe('what a web page can make a browser send', () => {
  const body = { url: 'http://a.test/' }
  const own = { host: '127.0.0.1:9901', origin: 'http://127.0.0.1:9901' }

  test.each([
    [{ origin: 'http://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://localhost:3000' }],
    [{ origin: 'http://127.0.0.1' }],
    [{ origin: 'nonsense' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
  ])('refuses a POST with %j, and a stream of events', async headers => {
    const { ask } = setup()
    for (const authorization of ['', `Bearer ${TOKEN}`])
      for (const [method, path] of [
        ['POST', '/explain'],
        ['POST', '/plan'],
        ['PUT', '/rules'],
        ['GET', '/events'],
      ] as const)
        expect(await ask(method, path, body, { ...headers, authorization })).toMatchObject({
          status: 403,
          body: { error: { code: 'foreign-origin' } },
        })
    const read = await ask('GET', '/snapshot', '', headers)
    expect(read.status).toBe('sec-fetch-site' in headers ? 403 : 200)
  })

  test('serves somebody who follows a link, and no frame', async () => {
    const { ask } = setup()
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect((await ask('GET', '/snapshot', '', link)).status).toBe(200)
    expect((await ask('GET', '/snapshot', '', { ...link, 'sec-fetch-dest': 'iframe' })).status).toBe(403)
    expect((await ask('POST', '/explain', body, link)).status).toBe(403)
    expect((await ask('GET', '/events', '', link)).status).toBe(403)
  })

  test('serves a page of its own address', async () => {
    const { ask } = setup()
    const same = { ...own, 'sec-fetch-site': 'same-origin', authorization: '' }
    expect((await ask('POST', '/explain', body, same)).status).toBe(200)
    expect((await ask('GET', '/events', '', same)).stream).toBeDefined()
  })

  test.each([
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/json',
    'application/yaml',
    '',
    'application/json, text/plain',
  ])('reads no body of type %j without the token', async type => {
    const { ask } = setup()
    // An empty value is a header too.
    const headers = { authorization: '', 'content-type': type || ' ' }
    expect(await ask('POST', '/explain', body, headers)).toMatchObject({
      status: 415,
      body: { error: { code: 'unsupported-media-type', hint: 'expected application/json' } },
    })
  })

  test.each(['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.x+json'])('reads a body of type %s', async type => {
    const headers = { authorization: '', 'content-type': type }
    expect((await setup().ask('POST', '/explain', body, headers)).status).toBe(200)
  })

  test('reads no compressed body', async () => {
    const headers = { authorization: '', 'content-encoding': 'gzip' }
    expect((await setup().ask('POST', '/explain', body, headers)).status).toBe(415)
  })
})

describe('what a request without the token can cost', () => {
  test('reads an explanation of at most 32 KiB, whatever maxBodyBytes is', async () => {
    const { ask } = setup()
    const body = { url: `http://a.test/${'x'.repeat(40_000)}` }
    for (const authorization of ['', `Bearer ${TOKEN}`]) expect((await ask('POST', '/explain', body, { authorization })).status).toBe(413)
  })

  test('refuses a plan before its body is read', async () => {
    const { ask } = setup()
    const headers = { authorization: '' }
    expect((await ask('POST', '/plan', 'x'.repeat(10_000_000), headers)).status).toBe(401)
    const off = setup({ token: undefined as any })
    expect(await off.ask('POST', '/plan', base)).toMatchObject({ status: 403, body: { error: { code: 'writes-are-off' } } })
  })

  test('checks host, target, origin and token before it reads', async () => {
    const { ask } = setup()
    const long = 'x'.repeat(10_000_000)
    expect((await ask('PUT', '/rules', long, { host: 'evil' })).status).toBe(421)
    expect((await ask('PUT', '/nowhere', long)).status).toBe(404)
    expect((await ask('PUT', '/rules', long, { origin: 'http://evil' })).status).toBe(403)
    expect((await ask('PUT', '/rules', long, { authorization: '' })).status).toBe(401)
    expect((await ask('PUT', '/rules', long)).status).toBe(413)
  })
})

describe('targets', () => {
  test.each([
    '//',
    '///',
    '//evil.example/rules',
    '/rules//a',
    '*',
    '',
    'rules',
    'ftp://127.0.0.1/',
    '/%',
    '/rules/%zz',
    '/%c3',
    'http:',
    '//[',
    '/rules/VirtualService/default/%ff',
  ])('answers 400 for the target %j', async target => {
    expect(await setup().ask('GET', target)).toMatchObject({ status: 400, body: { error: { code: 'malformed-target' } } })
  })

  test.each([
    ['/rules/', 200],
    ['/rules?x=%', 200],
    ['/?//', 200],
    ['http://127.0.0.1:9901/rules', 200],
    ['http://localhost', 400],
    ['http://evil.example/rules', 421],
    ['http://[/rules', 421],
    ['/#', 404],
    ['/__proto__', 404],
    ['/rules/__proto__', 200],
    ['/rules/VirtualService/__proto__/constructor', 404],
  ])('%s: %i', async (target, status) => expect((await setup().ask('GET', target)).status).toBe(status))
})

describe('rules', () => {
  test('a list that can be applied again', async () => {
    const { ask } = setup()
    const { body, headers } = await ask('GET', '/rules')
    expect(body).toMatchObject({ kind: 'List', metadata: { resourceVersion: '1' }, sources: { 'VirtualService/default/a': 'apply' } })
    expect(headers['etag']).toBe('"v1"')
    expect(await ask('PUT', '/rules', body)).toMatchObject({ status: 200, body: { accepted: true, version: 2 } })
    expect((await ask('GET', '/rules/virtualservice')).body.items.length).toBe(1)
    expect((await ask('GET', '/rules', '', { 'if-none-match': '"v2"' })).status).toBe(304)
  })

  test('one document: read, changed by who read it, and refused to who did not', async () => {
    const { ask } = setup()
    const path = '/rules/VirtualService/default/a'
    const { headers } = await ask('GET', path)
    const merge = { spec: { http: [{ name: 'new', directResponse: { status: 204 } }] } }
    const done = await ask('PATCH', path, merge, { 'if-match': headers['etag']! })
    expect(done).toMatchObject({ status: 200, body: { version: 2 } })
    expect(await ask('PATCH', path, merge, { 'if-match': headers['etag']! })).toMatchObject({
      status: 412,
      body: { error: { code: 'changed' } },
    })
    expect((await ask('GET', path)).body.spec).toMatchObject({ hosts: ['a.test'], http: [{ name: 'new' }] })
    expect(await ask('PUT', path, virtual('a'), { 'if-none-match': '*' })).toMatchObject({
      status: 412,
      body: { error: { code: 'exists' } },
    })
    expect(await ask('PUT', '/rules/VirtualService/default/b', virtual('b'))).toMatchObject({ status: 201 })
    expect(await ask('PUT', path, virtual('b'))).toMatchObject({ status: 400, body: { error: { code: 'other-document' } } })
    for (const other of [
      { metadata: { name: 'b' } },
      { metadata: { namespace: 'prod' } },
      { metadata: null },
      { metadata: { name: null } },
      { kind: 'DestinationRule' },
      { kind: 'List', items: [parseYaml(virtual('b'))] },
      { kind: 'ConfigMap' },
      { $delete: true },
    ])
      expect([other, await ask('PATCH', path, other)]).toMatchObject([other, { status: 400, body: { error: { code: 'other-document' } } }])
    for (const other of [
      virtual('A'),
      all(virtual('a'), virtual('b')),
      'kind: ConfigMap\napiVersion: v1',
      '# nothing',
      `${virtual('a')}\n$delete: true`,
    ])
      expect([other, await ask('PUT', path, other)]).toMatchObject([other, { status: 400 }])
    expect(await ask('DELETE', path)).toMatchObject({ status: 200 })
    expect(await ask('DELETE', path)).toMatchObject({
      status: 404,
      body: { error: { hint: expect.stringContaining('VirtualService/default/b') } },
    })
  })

  test('a version that was overtaken is 412 and says the one in force', async () => {
    const { ask } = setup()
    await ask('PUT', '/rules', base, { 'if-match': '"v1"' })
    expect(await ask('PUT', '/rules', base, { 'if-match': '"v1"' })).toMatchObject({ status: 412, headers: { etag: '"v2"' } })
    expect(await ask('PUT', '/rules', base, { 'if-match': 'seven' })).toMatchObject({
      status: 400,
      body: { error: { code: 'wrong-etag' } },
    })
  })

  test('wrong rules are refused with every diagnostic, and nothing is changed', async () => {
    const { ask, core } = setup()
    const refused = await ask('PATCH', '/rules', virtual('a', '[{ timeout: soon, retries: { attempts: many } }]'))
    expect(refused.status).toBe(422)
    expect(refused.body.error.diagnostics.length).toBeGreaterThan(1)
    expect(refused.body.error.diagnostics[0].line).toBeGreaterThan(0)
    expect(await ask('PUT', '/rules', '  ')).toMatchObject({ status: 400, body: { error: { code: 'empty-body' } } })
    expect(core.rules.version).toBe(1)
  })

  test('rules that come this way reach no sockets, files or link-local addresses unless told so', async () => {
    const far = service('b').replace('10.0.0.1', '169.254.169.254')
    expect(await setup().ask('PATCH', '/rules', far)).toMatchObject({
      status: 422,
      body: { error: { diagnostics: [{ code: 'trust-link-local', line: 11 }] } },
    })
    expect(await setup({ trust: {} }).ask('PATCH', '/rules', far)).toMatchObject({ status: 200 })
  })

  test('secrets are hidden from who has no token, and what was hidden is never written', async () => {
    const secret = virtual(
      'a',
      '[{ headers: { request: { set: { authorization: "Bearer s3cret", x-a: plain } } }, directResponse: { status: 200 } }]',
    )
    const { ask } = setup({ rules: all(service('a'), secret) })
    const hidden = await ask('GET', '/rules/VirtualService/default/a', '', { authorization: '' })
    expect(hidden.body.spec.http[0].headers.request.set).toEqual({ authorization: '[redacted]', 'x-a': '[redacted]' })
    for (const path of ['/rules', '/config', '/snapshot', '/history'])
      expect(JSON.stringify((await ask('GET', path, '', { authorization: '' })).body)).not.toContain('s3cret')
    expect(JSON.stringify((await ask('GET', '/config')).body)).toContain('s3cret')
    expect(await ask('PUT', '/rules/VirtualService/default/a', hidden.body)).toMatchObject({
      status: 400,
      body: { error: { code: 'redacted-value' } },
    })
  })

  test('plan and explain change nothing', async () => {
    const { ask, core } = setup()
    expect((await ask('POST', '/plan?patch', virtual('b'))).body.changes.documents).toEqual([
      { key: 'VirtualService/default/b', change: 'added' },
    ])
    expect((await ask('POST', '/explain', { url: 'http://a.test/' })).body.route).toBe('main')
    expect(await ask('POST', '/explain', { url: 'nowhere' })).toMatchObject({ status: 400 })
    expect(await ask('POST', '/explain', '[')).toMatchObject({ status: 400, body: { error: { code: 'unreadable-body' } } })
    expect(core.rules.version).toBe(1)
  })

  test('rollback', async () => {
    const { ask } = setup()
    await ask('PUT', '/rules', service('b'))
    expect(await ask('POST', '/rollback', { version: 1 })).toMatchObject({ status: 200, body: { version: 3 } })
    expect(await ask('POST', '/rollback', { version: 99 })).toMatchObject({ status: 404, body: { error: { code: 'version-not-kept' } } })
    expect((await ask('GET', '/history')).body.versions.length).toBe(3)
  })
})

describe('control', () => {
  test('a breaker by hand', async () => {
    const { ask } = setup()
    expect(await ask('POST', '/control/breaker', { cluster: A, action: 'forceOpen' })).toMatchObject({ body: { state: 'FORCED_OPEN' } })
    expect(await ask('POST', '/control/breaker', { cluster: 'a.test||80', action: 'reset' })).toMatchObject({ body: { state: 'CLOSED' } })
    expect(await ask('POST', '/control/breaker', { cluster: A, action: 'explode' })).toMatchObject({ status: 400 })
    expect(await ask('POST', '/control/breaker', { cluster: 'nobody', action: 'close' })).toMatchObject({ status: 404 })
    expect(await ask('POST', '/control/breaker', { cluster: A })).toMatchObject({
      status: 400,
      body: { error: { message: 'action is missing' } },
    })
  })

  test('an endpoint out and back', async () => {
    const { ask } = setup()
    expect(await ask('POST', '/control/eject', { cluster: A, address: '10.0.0.1:80', for: '5m' })).toMatchObject({
      body: { health: 'ejected' },
    })
    expect(await ask('POST', '/control/uneject', { cluster: A, address: '10.0.0.1:80' })).toMatchObject({ body: { health: 'healthy' } })
    expect(await ask('POST', '/control/eject', { cluster: A, address: '1.1.1.1:80' })).toMatchObject({ status: 404 })
    for (const odd of [{ fro: '5m' }, { for: 'soon' }])
      expect(await ask('POST', '/control/eject', { cluster: A, address: '10.0.0.1:80', ...odd })).toMatchObject({
        status: 400,
        body: { error: { code: 'wrong-body' } },
      })
  })

  test('shares of a route, and the weight of an endpoint', async () => {
    const { ask, core } = setup()
    expect(await ask('POST', '/control/weight', { virtualService: 'a', weights: { v1: 50, v2: 50 } })).toMatchObject({
      status: 200,
      body: { version: 2 },
    })
    expect((await ask('POST', '/explain', { url: 'http://a.test/' })).body.destinations.map((d: any) => d.percent)).toEqual([50, 50])
    expect(await ask('POST', '/control/weight', { virtualService: 'default/a', route: 'main', weights: { v3: 1 } })).toMatchObject({
      status: 400,
      body: { error: { code: 'unknown-destination', hint: 'it goes to v1, v2' } },
    })
    expect(await ask('POST', '/control/weight', { virtualService: 'a', route: 'none', weights: {} })).toMatchObject({
      status: 400,
      body: { error: { hint: 'route: one of main' } },
    })
    expect(await ask('POST', '/control/weight', { cluster: A, address: '10.0.0.2:80', weight: 7 })).toMatchObject({ status: 200 })
    expect(
      core
        .cluster(A)
        .hosts()
        .map(h => h.weight),
    ).toEqual([1, 7])
  })
})

describe('what happened', () => {
  test('every write is written down, refused ones too', async () => {
    const { ask } = setup()
    await ask('PUT', '/rules', base)
    await ask('PUT', '/rules', base, { authorization: 'Bearer no' })
    await ask('GET', '/rules')
    expect((await ask('GET', '/audit')).body.entries).toEqual([
      { at: 1000, from: '127.0.0.1', action: 'PUT /rules', status: 200, version: 2 },
      { at: 1000, from: '127.0.0.1', action: 'PUT /rules', status: 401, version: 2, error: 'the token is wrong' },
    ])
  })

  test('events, of the types asked for, until the reader leaves', async () => {
    const { ask, core } = setup()
    const { stream } = await ask('GET', '/events?types=applied,ejection')
    const seen: unknown[] = []
    const stop = stream!((event, data) => seen.push([event, (data as any).version]))
    await core.rules.apply(all(base, service('b')))
    core.eject(A, '10.0.0.1:80')
    await core.rules.apply('kind: [')
    stop()
    await core.rules.apply(base)
    expect(seen).toEqual([
      ['hello', 1],
      ['applied', 2],
      ['ejection', undefined],
    ])
    expect(core.events.listening).toBe(0)
    expect(await ask('GET', '/events?types=ejektion')).toMatchObject({ status: 400, body: { error: { code: 'unknown-event' } } })
  })

  test('addresses and methods that are not there', async () => {
    const { ask } = setup()
    expect(await ask('GET', '/rulez')).toMatchObject({ status: 404, body: { error: { code: 'not-found' } } })
    expect(await ask('DELETE', '/rules')).toMatchObject({ status: 405, headers: { allow: 'GET, PUT, PATCH' } })
  })
})
