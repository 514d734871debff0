/** `strict` means the same to `validate` and to a mesh: what one refuses, the other does. */
import { describe, expect, test } from 'vitest'
import { createMesh, type RuleError, validate } from '../../src/index.ts'
import { service, virtual } from './documents.ts'

const rule = (host: string, subsets = '') => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: "rule-${host}" }
spec: { host: ${host}, subsets: [${subsets}] }
`
const to = (host: string, destination: string) => virtual(host, `[{ route: [{ destination: ${destination} }] }]`)
const policy = (target: string) => `
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: p }
spec: { targets: [${target}], bulkhead: { maxConcurrentCalls: 1 } }
`
const V1 = '{ name: v1, labels: { version: v1 } }'

const errorsOf = (found: readonly { severity: string; code: string }[]) => found.filter(d => d.severity === 'error').map(d => d.code)
function meshErrors(rules: string[], unlisted: 'dns' | 'none') {
  try {
    void createMesh({ rules, strict: true, discovery: { unlisted, resolver: { resolve: async () => [] } } }).close()
    return []
  } catch (error) {
    return errorsOf((error as RuleError).diagnostics)
  }
}

describe('strict', () => {
  test.each<[string, string[], string[]]>([
    ['a host that no document describes', [service('a'), to('a', '{ host: nowhere.test }')], ['destination-host-unknown']],
    ['the same where no services are described at all', [to('a', '{ host: nowhere.test }')], []],
    ['a subset without any DestinationRule', [service('a'), to('a', '{ host: a.test, subset: v1 }')], ['destination-subset-unknown']],
    [
      'a subset that its DestinationRule lacks',
      [service('a'), rule('a.test', V1), to('a', '{ host: a.test, subset: v2 }')],
      ['destination-subset-unknown'],
    ],
    ['a subset of a host that is described elsewhere', [to('a', '{ host: a.test, subset: v1 }')], []],
    ['a port', [service('a'), to('a', '{ host: a.test, port: { number: 81 } }')], ['destination-port-unknown']],
    ['a DestinationRule for an unknown host', [service('a'), rule('b.test')], ['host-unknown']],
    ['a delegate', [virtual('a', '[{ delegate: { name: gone } }]'), virtual('b').replace('hosts: [b.test], ', '')], ['delegate-unknown']],
    ['a policy for an unknown host', [service('a'), policy('{ host: b.test }')], ['host-unknown']],
    [
      'a policy for an unknown route',
      [service('a'), virtual('a', '[{ name: r, route: [{ destination: { host: a.test } }] }]'), policy('{ route: x }')],
      ['route-unknown'],
    ],
    ['an unknown field', [service('a').replace('resolution:', 'resolutoin: x\n  resolution:')], ['unknown-field']],
    ['nothing', [service('a'), rule('a.test', V1), to('a', '{ host: a.test, subset: v1 }')], []],
  ])('%s', (_what, rules, codes) => {
    expect(errorsOf(validate(rules, { strict: true }))).toEqual(codes)
    expect(meshErrors(rules, 'dns')).toEqual(codes)
    expect(meshErrors(rules, 'none')).toEqual(codes)
  })

  test('names are completed with the domain of the mesh', () => {
    const rules = [service('a').replace('[a.test]', '[a.default.svc.corp.test]'), to('a', '{ host: a }')]
    expect(() => createMesh({ rules, strict: true, workload: { domain: 'corp.test' } })).not.toThrow()
    expect(() => createMesh({ rules, strict: true })).toThrow(/no service a\.default\.svc\.cluster\.local is known/)
  })
})

describe('what is told of an unknown host', () => {
  const message = (rules: string[]) => validate(rules).find(d => d.code === 'destination-host-unknown')?.message
  test('does not claim a 503 where a mesh looks it up', () => {
    expect(message([service('a'), to('a', '{ host: nowhere.test }')])).toBe(
      'no service nowhere.test is known: Istio answers calls with 503, a mesh looks the name up by DNS',
    )
  })

  test.each([
    ['another case of letters', [service('b'), to('a', '{ host: B.test }')]],
    [
      'a wildcard',
      [
        service('b')
          .replace('[b.test]', '["*.test"]')
          .replace('STATIC', 'NONE')
          .replace(/ {2}endpoints:[\s\S]*/, ''),
        to('a', '{ host: c.test }'),
      ],
    ],
  ])('does where a document describes it by %s', (_how, rules) => {
    expect(message(rules)).toMatch(/^no service \S+ is known: calls get 503$/)
    const mesh = createMesh({ rules })
    expect(mesh.diagnostics.find(d => d.code === 'destination-host-unknown')?.message).toBe(message(rules))
  })
})
