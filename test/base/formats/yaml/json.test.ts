/** JSON is read by a reader of its own: what it makes of a text, and where, must be what YAML's makes of it. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseYamlDocuments } from '../../../../src/base/formats/yaml.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? 20260824)
/** A comment makes a text YAML and moves nothing before it. */
const asYaml = (text: string) => `${text}\n# not JSON`

const pathsOf = (value: unknown, path: (string | number)[] = []): (string | number)[][] => [
  path,
  [...path, 'missing'],
  ...(Array.isArray(value)
    ? value.flatMap((item, i) => pathsOf(item, [...path, i]))
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]))
      : []),
]

it('reads values and their places as the reader of YAML', () => {
  const value = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()))
  const layout = fc.constantFrom<[string, (value: unknown) => string]>(
    ['one line', v => JSON.stringify(v)],
    ['indented', v => JSON.stringify(v, undefined, 2)],
    ['behind a marker', v => `---\n${JSON.stringify(v, undefined, 1)}`],
    ['with blanks', v => `\n  ${JSON.stringify(v, undefined, '\t').replaceAll('\t', ' ')}  \n`],
  )
  fc.assert(
    fc.property(value, layout, (value, [, write]) => {
      const text = write(value)
      const [json, ...more] = parseYamlDocuments(text)
      const [yaml] = parseYamlDocuments(asYaml(text))
      expect(more).toEqual([])
      expect(json!.faults).toEqual([])
      expect(JSON.stringify(json!.value)).toBe(JSON.stringify(value))
      expect([json!.value, json!.line]).toEqual([yaml!.value, yaml!.line])
      for (const path of pathsOf(value)) expect([path, json!.locate(path)]).toEqual([path, yaml!.locate(path)])
    }),
    { numRuns: 150, seed },
  )
})

it.each([
  ['{"a":1,"a":2}', 'the key "a" is there twice'],
  ['{"a":{"b":1,\n "b":2},"__proto__":1}', 'the key "b" is there twice'],
])('%s: the same error at the same place', (text, message) => {
  const [json] = parseYamlDocuments(text)
  expect(json!.faults).toEqual(parseYamlDocuments(asYaml(text))[0]!.faults)
  expect(json!.faults[0]!.message).toBe(message)
})

it.each([
  '{',
  '[1,]',
  '{"a":}',
  '{"a" 1}',
  '["a',
  '[01]',
  '[1 2]',
  '{a: 1}',
  '["\\x"]',
  '["a\nb"]',
  '[1] [2]',
  '{"a":1}}',
  '[tru]',
  "['a']",
  '[\u00A01]',
  '{"a":1,}',
])('what is not JSON is read as YAML: %j', text => {
  const [given] = parseYamlDocuments(text)
  const [yaml] = parseYamlDocuments(asYaml(text))
  expect([given!.value, given!.faults.map(f => f.message)]).toEqual([yaml!.value, yaml!.faults.map(f => f.message)])
})

it('a key __proto__ is a key like any other', () => {
  const [document] = parseYamlDocuments('{"__proto__":{"polluted":true}}')
  expect(Object.getPrototypeOf(document!.value)).toBeNull()
  expect(Object.keys(document!.value as object)).toEqual(['__proto__'])
})
