/**
 * Generated and mutated documents: whatever is given, `validate` and `translate` answer, and every error has its place. A few thousand
 * here; 10⁵ by `npm run test:fuzz`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Shape } from '../../src/rules/istio/schema/field.ts'
import { ISTIO_KINDS, ISTIO_VERSIONS, OWN_KINDS, OWN_VERSION } from '../../src/rules/istio/schema/index.ts'
import { translate } from '../../src/rules/translate.ts'
import { validate } from '../../src/rules/validate.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1500)
const seed = Number(process.env['FUZZ_SEED'] ?? 20260824)

const WORDS = [
  'a',
  'b',
  'reviews',
  'reviews.prod',
  'a.default.svc.cluster.local',
  '*.com',
  '*',
  '',
  'mesh',
  '10.0.0.1',
  '::1',
  '/',
  '/api',
  '5xx',
  '%',
  'é😀',
]
const text = fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 12 }))

/** Values that fit a shape, mostly. */
function fitting(shape: Shape, depth: number): fc.Arbitrary<unknown> {
  switch (shape.type) {
    case 'string':
      return text
    case 'bytes':
      return fc.constantFrom('', 'aGk=', '!')
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.oneof(fc.constantFrom(0, 1, 80, 100, 8080, 70000), fc.integer({ min: shape.min, max: Math.min(shape.max, 2 ** 31 - 1) }))
    case 'number':
      return fc.constantFrom(0, 0.5, 50, 100, 101)
    case 'duration':
      return fc.constantFrom('1s', '0s', '250ms', '1.5ms', '1h30m', '-1s', 'x', '5')
    case 'enum':
      return fc.constantFrom(...shape.values)
    case 'list':
      return fc.array(fitting(shape.of, depth + 1), { maxLength: depth > 4 ? 1 : 3 })
    case 'map':
      return fc.dictionary(text, fitting(shape.of, depth + 1), { maxKeys: 2 })
    case 'message': {
      const fields = Object.entries(shape.fields).map(([name, field]) => [name, fitting(field, depth + 1)] as const)
      return fc
        .subarray(fields, { maxLength: Math.min(fields.length, depth === 0 ? 8 : Math.max(1, 5 - depth)) })
        .chain(some => fc.record(Object.fromEntries(some)))
    }
    case 'any':
      return fc.oneof(
        fc.constantFrom('*', { host: 'a' }, { host: 'a', subset: 'v1' }, { maxConcurrentCalls: 1 }, {}),
        fc.jsonValue({ maxDepth: 2 }),
      )
  }
}

const document = fc.constantFrom(...ISTIO_KINDS, ...OWN_KINDS).chain(([kind, spec]) =>
  fc.record({
    apiVersion: fc.constantFrom(...(ISTIO_KINDS.has(kind) ? ISTIO_VERSIONS : [OWN_VERSION])),
    kind: fc.constant(kind),
    metadata: fc.record(
      { name: fc.constantFrom('a', 'b', 'c'), namespace: fc.constantFrom('default', 'other', '') },
      { requiredKeys: ['name'] },
    ),
    spec: fitting(spec, 0),
  }),
)

const ODD: unknown[] = [
  null,
  '',
  0,
  -1,
  1e308,
  true,
  [],
  {},
  [null],
  { a: null },
  '\u0000',
  'x'.repeat(5000),
  { __proto__: null, toString: 1 },
  'yes',
  '2024-01-01',
]

/** Puts something odd somewhere into a value. */
function mutated(value: any, steps: readonly number[], odd: unknown): unknown {
  const copy = structuredClone(value)
  let at: any = copy
  for (const step of steps) {
    const keys = typeof at === 'object' && at !== null ? Object.keys(at) : []
    if (keys.length === 0) break
    const key = keys[step % keys.length]!
    if (step % 7 === 0 || typeof at[key] !== 'object' || at[key] === null) {
      if (step % 5 === 0) delete at[key]
      else if (step % 5 === 1) at[`${key}_x`] = odd
      else at[key] = odd
      break
    }
    at = at[key]
  }
  return copy
}

const documents = fc.array(
  fc
    .tuple(document, fc.array(fc.nat(1000), { maxLength: 8 }), fc.constantFrom(...ODD), fc.boolean())
    .map(([value, steps, odd, mutate]) => (mutate ? mutated(value, steps, odd) : value)),
  { minLength: 1, maxLength: 4 },
)

function answers(input: any, inText: boolean): void {
  for (const options of [{ lint: true }, { strict: true }]) {
    const found = validate(input, options)
    for (const { severity, code, message, line, column } of found) {
      expect(code).toMatch(/^[a-z0-9-]+$/)
      expect(message).not.toBe('')
      if (inText && severity === 'error')
        expect({ code, message, placed: line! > 0 && column! > 0 }).toEqual({ code, message, placed: true })
    }
  }
  const { clusters, routes, endpoints } = translate(input, { workload: { namespace: 'default', labels: { app: 'a' }, locality: 'eu/1/a' } })
  expect(JSON.stringify({ clusters, routes, endpoints })).not.toBe('')
}

describe('what was once not answered', () => {
  const common = { apiVersion: 'networking.istio.io/v1', metadata: { name: 'a' } }
  const rule = (kind: string, spec: object) => ({ ...common, kind, spec })
  const service = rule('ServiceEntry', { hosts: ['a'], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }] })
  const to = { route: [{ destination: { host: 'a', subset: 'v1' } }] }
  it.each([
    ['a route to nobody', [service, rule('VirtualService', { hosts: ['a'], http: [{ route: [{}] }] })]],
    ['a copy to nobody', [service, rule('VirtualService', { hosts: ['a'], http: [{ ...to, mirror: {}, mirrors: [{}] }] })]],
    [
      'a subset without a name',
      [rule('DestinationRule', { host: 'a', subsets: [{}] }), rule('VirtualService', { hosts: ['a'], http: [to] })],
    ],
  ])('%s', (_, documents) => {
    answers(documents, false)
    answers(documents.map(value => stringify(value)).join('---\n'), true)
  })
})

describe('whatever is given is answered', () => {
  it('documents made in code', () => {
    fc.assert(
      fc.property(documents, given => answers(given, false)),
      { numRuns: RUNS, seed },
    )
  }, 3_600_000)

  it('the same as text', () => {
    fc.assert(
      fc.property(documents, given => answers(given.map(value => stringify(value)).join('---\n'), true)),
      { numRuns: Math.ceil(RUNS / 3), seed },
    )
  }, 3_600_000)

  it('texts with something changed', () => {
    const folder = new URL('../../docs/rules/', import.meta.url)
    const samples = readdirSync(folder).flatMap(page =>
      [...readFileSync(new URL(page, folder), 'utf8').matchAll(/^```yaml[^\n]*\n([\s\S]*?)^```/gm)].map(([, block]) => block!),
    )
    const piece = fc.constantFrom(
      '\n',
      '  ',
      ': ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '&a ',
      '*a',
      '<<: ',
      '!!int ',
      '|',
      '#',
      '\t',
      '---',
      '?',
      ',',
      '\u0000',
      '\uFEFF',
      '%',
      '0x1F',
      '~',
    )
    const change = fc.tuple(fc.nat(), fc.nat(12), fc.oneof(piece, fc.string({ maxLength: 3 })))
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.array(change, { minLength: 1, maxLength: 4 }), (sample, changes) => {
        let changed = sample
        for (const [where, length, by] of changes) {
          const at = where % (changed.length + 1)
          changed = changed.slice(0, at) + by + changed.slice(at + length)
        }
        answers(changed, true)
      }),
      { numRuns: Math.ceil(RUNS / 3), seed },
    )
  }, 3_600_000)
})

describe('what costs too much is refused', () => {
  const document = 'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: a }\nspec:\n'
  it.each([
    ['brackets', `a: ${'['.repeat(100_000)}`],
    ['closed brackets', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['maps', `a: ${'{a: '.repeat(5000)}`],
    ['items', `${'- '.repeat(20_000)}a`],
    ['questions', `${'? '.repeat(5000)}a`],
    [
      'aliases of aliases',
      `${document}${Array.from(
        { length: 30 },
        (_, i) =>
          `  a${i}: &a${i} [${
            i === 0
              ? 'x'
              : Array(9)
                  .fill(`*a${i - 1}`)
                  .join()
          }]`,
      ).join('\n')}\n  http: *a29\n`,
    ],
    ['an alias of itself', `${document}  http: &a [*a]\n`],
    [
      'merges of merges',
      `${document}${Array.from({ length: 25 }, (_, i) => `  a${i}: &a${i} { ${i === 0 ? 'x: 1' : `<<: [*a${i - 1}, *a${i - 1}, *a${i - 1}]`} }`).join('\n')}\n`,
    ],
  ])('%s', (_, yaml) => {
    const found = validate(yaml)
    expect(found.some(({ severity, line }) => severity === 'error' && line! > 0)).toBe(true)
  })
  it.each([
    ['a long text', `${document}  hosts: ["${'a'.repeat(2_000_000)}"]\n  http: [{ route: [{ destination: { host: a } }] }]\n`],
    ['a long key', `${document}  ${'k'.repeat(1_000_000)}: 1\n`],
    ['many keys', `${document}${Array.from({ length: 20_000 }, (_, i) => `  k${i}: 1`).join('\n')}\n`],
    ['many documents', Array(3000).fill(`${document}  hosts: [a]\n  http: []\n`).join('---\n')],
    [
      'a pattern that backtracks',
      `${document}  hosts: [a]\n  http: [{ match: [{ uri: { regex: "(a*)*b" } }], route: [{ destination: { host: "${'a-'.repeat(10_000)}" } }] }]\n`,
    ],
  ])('%s is answered', (_, yaml) => expect(validate(yaml, { lint: true }).length).toBeGreaterThan(0))
  it('objects in a circle, and deep ones', () => {
    const circle: any = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'a' }, spec: {} }
    circle.spec.http = [circle]
    expect(validate(circle)[0]!.code).toBe('unreadable')
    let deep: any = {}
    for (let i = 0; i < 100_000; i++) deep = { deep }
    expect(validate(deep)[0]!.code).toBe('unreadable')
  })
})
