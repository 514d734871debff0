/** What is made from the descriptions of the kinds: types, tables and JSON Schema. `npm run schema` makes them anew. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { parseYamlDocuments } from '../../../../src/base/formats/yaml.ts'
import type { DestinationRule, ResiliencePolicy, VirtualService } from '../../../../src/index.ts'
import { rulesJsonSchema } from '../../../../src/rules/istio/schema/publish/json-schema.ts'
import { rulesTypes } from '../../../../src/rules/istio/schema/publish/types.ts'
import { validate } from '../../../../src/rules/validate.ts'
import { rulesPage } from '../../../config/rules-pages.ts'
import { misfits } from './draft07.ts'

const text = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')
const pages = readdirSync(new URL('../../../../docs/rules', import.meta.url)).filter(page => page.endsWith('.md'))

it('the types are those of the descriptions', () => expect(text('src/rules/istio/types.ts')).toBe(rulesTypes()))
it.each(pages)('docs/rules/%s says what the code says', page => {
  const now = text(`docs/rules/${page}`)
  expect(now).toBe(rulesPage(now))
})
it.each(pages)('examples of docs/rules/%s are accepted', page => {
  for (const [, yaml] of text(`docs/rules/${page}`).matchAll(/^```yaml\n([\s\S]*?)^```/gm))
    expect(validate(yaml!, { strict: true }).filter(({ severity }) => severity === 'error')).toEqual([])
})

describe('JSON Schema', () => {
  const schema = rulesJsonSchema()
  const fits = (document: unknown) => misfits(schema, JSON.parse(JSON.stringify(document)))
  const yaml = (source: string) => parseYamlDocuments(source).map(({ value }) => value)

  it('accepts what is written in the docs', () => {
    for (const page of pages)
      for (const [, block] of text(`docs/rules/${page}`).matchAll(/^```yaml\n([\s\S]*?)^```/gm))
        for (const document of yaml(block!)) expect(fits(document), block).toEqual([])
  })
  it('agrees with the CRD about recorded documents', () => {
    const cases = JSON.parse(text('test/conformance/istiod-validation/validation.json'))
    const refused: string[] = []
    for (const { name, yaml: source, ok, crd } of cases) {
      const [document] = yaml(source)
      if (ok && crd.ok) expect({ name, misfits: fits(document) }).toEqual({ name, misfits: [] })
      else if (fits(document).length > 0) refused.push(name)
    }
    expect(refused.length).toBeGreaterThan(30)
  })
  it.each([
    ['kind: VirtualService\napiVersion: networking.istio.io/v1\nmetadata: { name: a }\nspec: { hosts: [a], htpp: [] }', ['.spec.htpp']],
    ['kind: VirtualService\napiVersion: networking.istio.io/v2\nmetadata: { name: a }\nspec: { hosts: [a] }', ['.apiVersion']],
    [
      'kind: VirtualService\napiVersion: networking.istio.io/v1\nmetadata: { name: a }\nspec: { http: [{ timeout: 5 }] }',
      ['.spec.http[0].timeout'],
    ],
    [
      'kind: ResiliencePolicy\napiVersion: meshless.dev/v1\nmetadata: { name: a }\nspec: { targets: ["*"], bulkhead: { maxConcurrentCalls: x } }',
      ['.spec.bulkhead.maxConcurrentCalls'],
    ],
    [
      'kind: ResiliencePolicy\napiVersion: meshless.dev/v1\nmetadata: { name: a }\nspec: { targets: ["*"], circuitBreaker: { recordException: x } }',
      ['.spec.circuitBreaker.recordException'],
    ],
    ['kind: Service\napiVersion: v1\nspec: { anything: 1 }', []],
  ])('judges %s', (source, expected) => expect(fits(yaml(source)[0])).toEqual(expected))
})

describe('types', () => {
  it('rules are written as typed objects', () => {
    const route: VirtualService = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'a' },
      spec: { hosts: ['a'], http: [{ route: [{ destination: { host: 'a', subset: 'v1' }, weight: 1 }], timeout: '1s' }] },
    }
    const rule: DestinationRule = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'a' },
      spec: { host: 'a', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } }, subsets: [{ name: 'v1', labels: { version: 'v1' } }] },
    }
    const policy: ResiliencePolicy = {
      apiVersion: 'meshless.dev/v1',
      kind: 'ResiliencePolicy',
      metadata: { name: 'a' },
      spec: {
        targets: ['*'],
        circuitBreaker: { failureRateThreshold: 50, waitDurationInOpenState: '60s' },
        bulkhead: { maxConcurrentCalls: 5 },
      },
    }
    expect(validate([route, rule, policy])).toEqual([])
    expectTypeOf<NonNullable<ResiliencePolicy['spec']['circuitBreaker']>>().not.toHaveProperty('recordException')
    // @ts-expect-error a duration is text
    const wrong: VirtualService['spec'] = { http: [{ timeout: 5 }] }
    expect(wrong).toBeDefined()
  })
})
