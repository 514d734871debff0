/** A weighted route on which a caller stays: by header, cookie, address or query, in every process, over new weights. */
import { describe, expect, test } from 'vitest'
import { createMesh, validate } from '../../src/index.ts'
import { fakeTransport, seededRandom, virtualClock } from '../../src/testing/index.ts'

const rulesOf = (split: string, weights = [50, 50], more = '') => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec:
  hosts: [s.test]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 10.0.0.1, labels: { v: a } }, { address: 10.0.0.2, labels: { v: b } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec: { host: s.test, subsets: [{ name: a, labels: { v: a } }, { name: b, labels: { v: b } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s }
spec:
  hosts: [s.test]
  http:
  - name: canary
    ${more}
    route:
    - { destination: { host: s.test, subset: a }, weight: ${weights[0]} }
    - { destination: { host: s.test, subset: b }, weight: ${weights[1]} }
---
${split === '' ? '' : `apiVersion: meshless.dev/v1\nkind: ResiliencePolicy\nmetadata: { name: sticky }\nspec: ${split}`}
`
const HEADER = '{ targets: [{ route: canary }], split: { by: { httpHeaderName: x-user } } }'

function meshOf(rules: string, seed = 1) {
  const transport = fakeTransport({ '10.0.0.1:80': { body: 'a' }, '10.0.0.2:80': { body: 'b' } })
  const mesh = createMesh({ rules, transport, clock: virtualClock(), random: seededRandom(seed) })
  const ask = async (headers: Record<string, string> = {}, path = '/') => (await mesh.fetch(`http://s.test${path}`, { headers })).text()
  return { mesh, ask }
}
const users = Array.from({ length: 60 }, (_, i) => `u${i}`)

describe('by a header', () => {
  test('the same caller meets the same version, in every process', async () => {
    const [one, other] = [meshOf(rulesOf(HEADER), 1), meshOf(rulesOf(HEADER), 99)]
    const sides = new Set<string>()
    for (const user of users) {
      const side = await one.ask({ 'x-user': user })
      sides.add(side)
      for (const { ask } of [one, other, one]) expect(await ask({ 'x-user': user })).toBe(side)
    }
    expect(sides.size).toBe(2)
  })
  test('who has no such header goes by chance; without the policy all do', async () => {
    for (const [rules, headers] of [
      [rulesOf(HEADER), {}],
      [rulesOf(''), { 'x-user': 'u1' }],
    ] as const) {
      const { ask } = meshOf(rules)
      const seen = new Set<string>()
      for (let i = 0; i < 40; i++) seen.add(await ask(headers))
      expect(seen.size).toBe(2)
    }
  })
  test('new weights move only those who must go: from the one that shrinks to the one that grows', async () => {
    const { mesh, ask } = meshOf(rulesOf(HEADER, [90, 10]))
    const before = new Map<string, string>()
    for (const user of users) before.set(user, await ask({ 'x-user': user }))
    await mesh.apply(rulesOf(HEADER, [60, 40]))
    let moved = 0
    for (const user of users) {
      const now = await ask({ 'x-user': user })
      if (now === before.get(user)) continue
      moved++
      expect([before.get(user), now]).toEqual(['a', 'b'])
    }
    expect(moved).toBeGreaterThan(0)
    expect(moved).toBeLessThan(users.length / 2)
  })
  test('every try of a request goes the same way, and so do mirrors by their own share', async () => {
    const transport = fakeTransport({ '*': { status: 503 } })
    const rules = rulesOf(HEADER, [50, 50], 'retries: { attempts: 3, retryOn: 5xx, backoff: 1ms }')
    const mesh = createMesh({ rules, transport, random: seededRandom(1) })
    await mesh.fetch('http://s.test/', { headers: { 'x-user': 'u3' } })
    expect(transport.requests).toHaveLength(4)
    expect(new Set(transport.requests.map(r => r.endpoint)).size).toBe(1)
    await mesh.close()
  })
})

test('by a query parameter, by an address', async () => {
  const query = meshOf(rulesOf('{ targets: ["*"], split: { by: { httpQueryParameterName: user } } }'))
  const bySide = new Set<string>()
  for (const user of users) {
    const side = await query.ask({}, `/?user=${user}`)
    bySide.add(side)
    expect(await query.ask({}, `/x?a=b&user=${user}`)).toBe(side)
  }
  expect(bySide.size).toBe(2)
  const address = meshOf(rulesOf('{ targets: ["*"], split: { by: { useSourceIp: true } } }'))
  const byAddress = new Set<string>()
  for (let i = 0; i < 30; i++) {
    const from = { 'x-forwarded-for': `10.1.1.${i}` }
    const side = await address.ask(from)
    byAddress.add(side)
    expect(await address.ask(from)).toBe(side)
  }
  expect(byAddress.size).toBe(2)
})

describe('by a cookie', () => {
  const cookie = (more = '') => rulesOf(`{ targets: [{ route: canary }], split: { by: { httpCookie: { name: side${more} } } } }`)
  test('a newcomer gets one of its own, and stays where it went', async () => {
    const { mesh } = meshOf(cookie(', ttl: 60s, path: /'))
    const sides = new Set<string>()
    const made = new Set<string>()
    for (let i = 0; i < 30; i++) {
      const first = await mesh.fetch('http://s.test/')
      const set = first.headers.getSetCookie()
      expect(set).toHaveLength(1)
      expect(set[0]).toMatch(/^side="[0-9a-f]{1,16}"; Max-Age=60; Path=\/; HttpOnly$/)
      const [pair] = set[0]!.split(';')
      const side = await first.text()
      sides.add(side)
      made.add(pair!)
      const again = await mesh.fetch('http://s.test/', { headers: { cookie: pair! } })
      expect(await again.text()).toBe(side)
      expect(again.headers.getSetCookie()).toEqual([])
    }
    expect(sides.size).toBe(2)
    expect(made.size).toBe(30)
  })
  test('without a ttl none is made', async () => {
    const { mesh } = meshOf(cookie())
    expect((await mesh.fetch('http://s.test/')).headers.getSetCookie()).toEqual([])
  })
})

test('explain says where this caller stays and who said so', () => {
  const { mesh } = meshOf(rulesOf(HEADER))
  const told = mesh.explain({ url: 'http://s.test/', headers: { 'x-user': 'u1' } })
  expect(told.staysAt).toMatch(/^outbound\|80\|[ab]\|s\.test$/)
  expect(told.verdict).toBe(`sent to ${told.staysAt}, as always with this caller`)
  expect(told.policy.find(v => v.name === 'split.by.httpHeaderName')).toMatchObject({
    value: 'x-user',
    from: { document: 'ResiliencePolicy/default/sticky', path: 'spec.split.by.httpHeaderName' },
  })
  expect(mesh.explain({ url: 'http://s.test/' }).staysAt).toBeUndefined()
})

describe('wrong', () => {
  test.each([
    ['{ targets: [{ host: s.test }], split: { by: { httpHeaderName: x } } }', 'invalid-target', 'spec.targets[0]'],
    ['{ targets: ["*"], split: { by: {} } }', 'required', 'spec.split.by'],
    ['{ targets: ["*"], split: {} }', 'required', 'spec.split.by'],
    ['{ targets: ["*"], split: { by: { httpHeaderName: x, useSourceIp: true } } }', 'conflict', 'spec.split.by'],
    ['{ targets: ["*"], split: { by: { httpCookie: { path: / } } } }', 'required', 'spec.split.by.httpCookie.name'],
    ['{ targets: ["*"], split: { by: { header: x } } }', 'unknown-field', 'spec.split.by.header'],
  ])('%s', (split, code, path) => {
    expect(validate(rulesOf(split)).filter(d => d.severity === 'error')).toMatchObject([{ code, path }])
  })
  test('a VirtualService is as it was: Istio is not told of it', () => {
    expect(validate(rulesOf(HEADER), { strict: true })).toEqual([])
  })
})
