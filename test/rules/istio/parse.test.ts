import { describe, expect, it } from 'vitest'
import { parseRules } from '../../../src/rules/istio/parse.ts'
import { validate } from '../../../src/rules/validate.ts'

const rule = (name: string, spec = 'host: a') =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: ${name}}\nspec: {${spec}}\n`

describe('parseRules', () => {
  it('reads several documents and lists, skips comments, leaves other kinds alone', () => {
    const { documents, diagnostics } = parseRules(
      `# nothing\n---\n${rule('one')}---\napiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: networking.istio.io/v1beta1, kind: DestinationRule, metadata: {name: two}, spec: {host: b}}\n`,
    )
    expect(documents.map(d => d.metadata.name)).toEqual(['one', 'two'])
    expect(diagnostics.map(d => [d.severity, d.code, d.kind])).toEqual([['info', 'kind-not-read', 'Service']])
    expect(documents[1]!.locate!('spec.host')!.line).toBe(17)
  })
  it('gives the spec in its normal form', () => {
    const { documents } = parseRules(
      rule('a', 'host: a, traffic_policy: {connectionPool: {tcp: {maxConnections: "5"}}, loadBalancer: {simple: 4}}'),
    )
    expect(JSON.parse(JSON.stringify(documents[0]!.spec))).toEqual({
      host: 'a',
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 5 } }, loadBalancer: { simple: 'ROUND_ROBIN' } },
    })
  })
  it.each([
    './rules.yaml',
    'rules/a.yml',
    'C:\\rules\\a.json',
    '/etc/mesh.yaml\n',
    './rules',
    '../rules/',
    '/etc/mesh',
    'rules/',
    'C:\\rules',
  ])('recognises the path %j', path => {
    expect(validate(path)).toMatchObject([{ code: 'path-given', line: 1, hint: expect.stringContaining('files(') }])
  })
  it('a word is no document, and might be a directory', () => {
    expect(validate('rules')).toMatchObject([{ code: 'not-a-document', hint: expect.stringContaining('files(path)') }])
  })
  it('objects made in code have paths and no lines, and are not changed', () => {
    const given = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'a' },
      spec: { host: 'a', trafficPolicy: { outlierDetection: { interval: '10' } } },
    }
    const [found] = validate(Object.freeze(given))
    expect(found).toMatchObject({
      code: 'invalid-duration',
      path: 'spec.trafficPolicy.outlierDetection.interval',
      hint: 'add a unit: "10s"',
    })
    expect(found!.line).toBeUndefined()
  })
})

describe('validate', () => {
  it('says all faults at once, each with its place and a hint', () => {
    const found = validate(
      rule('a', 'host: "a b", trafficPolicy: {outlierDetection: {maxEjectionPercent: 101}, conectionPool: {}}, subsets: [{name: v_1}]'),
    )
    expect(found.map(d => [d.severity, d.path])).toEqual([
      ['warning', 'spec.trafficPolicy.conectionPool'],
      ['error', 'spec.host'],
      ['error', 'spec.trafficPolicy.outlierDetection.maxEjectionPercent'],
      ['error', 'spec.subsets[0].name'],
    ])
    expect(found[0]!.hint).toContain('connectionPool')
    for (const d of found) expect([d.line, d.hint !== undefined]).toEqual([4, true])
  })
  it.each([
    [''],
    ['a: ['],
    ['- 1'],
    [[]],
    [null],
    [3],
    [{}],
    [{ kind: 'VirtualService' }],
    [
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: {}, labels: { a: {} } },
        spec: { hosts: [{}], http: [{ timeout: {} }] },
      },
    ],
  ])('never throws: %j', input => {
    expect(Array.isArray(validate(input as string))).toBe(true)
  })
  it('checks the targets and blocks of a ResiliencePolicy', () => {
    const policy = (spec: object) =>
      validate({ apiVersion: 'meshless.dev/v1', kind: 'ResiliencePolicy', metadata: { name: 'a' }, spec }, { strict: true }).map(
        d => d.path,
      )
    expect(
      policy({
        targets: ['*', { host: 'a', subset: 'v1', port: 80 }, { route: 'r' }, { workloadSelector: { labels: {} }, methods: ['GET'] }],
        bulkhead: {},
      }),
    ).toEqual(['spec.targets[3]']) // a warning: calls that come in are not governed
    expect(
      policy({ targets: [{ host: 'a', route: 'r' }, { subset: 'x' }, { route: 'r', port: 1 }], circuitBreaker: 3, bulkheads: {} }),
    ).toEqual(['spec.bulkheads', 'spec.targets[0]', 'spec.targets[1]', 'spec.targets[2].port', 'spec.circuitBreaker'])
  })
})
