import { describe, expect, it } from 'vitest'
import { parseYaml, parseYamlDocuments } from '../../../src/base/formats/yaml.ts'

const plain = (text: string) => JSON.parse(JSON.stringify(parseYaml(text)))

describe('what Istio makes of YAML', () => {
  it('reads the booleans of YAML 1.1, as values and as keys', () => {
    expect(plain('[yes, Yes, on, y, no, off, n, N, "yes", Ye]')).toEqual([true, true, true, true, false, false, false, false, 'yes', 'Ye'])
    expect(plain('y: 1')).toEqual({ true: 1 })
  })
  it('reads octal, hexadecimal and grouped numbers; dates and times stay text', () => {
    expect(plain('[0644, 0x10, 1_000, 0b11, 2020-01-01, 1:30]')).toEqual([420, 16, 1000, 3, '2020-01-01', '1:30'])
  })
  it('keeps an IPv6 address that ends in colons', () => {
    expect(plain('[2001:db8::, fd00::]')).toEqual(['2001:db8::', 'fd00::'])
    expect(plain('[{a: }, b: c]')).toEqual([{ a: null }, { b: 'c' }])
  })
  it('merges with <<, the own key first', () => {
    expect(plain('a: &a {x: 1, y1: 2}\nb: {<<: *a, x: 3}').b).toEqual({ x: 3, y1: 2 })
  })
})

describe('what a text can do', () => {
  it('a key __proto__ is a key like any other', () => {
    const value = parseYaml('__proto__: {polluted: true}\nconstructor: 1') as Record<string, unknown>
    expect(Object.getPrototypeOf(value)).toBeNull()
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
  it('refuses keys that are there twice', () => {
    expect(() => parseYaml('a: 1\na: 2')).toThrow(/line 2/)
    expect(() => parseYaml('true: 1\nyes: 2')).toThrow(/twice|unique/)
  })
  it.each([
    [
      'aliases',
      `a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join()}]`).join('\n')}`,
    ],
    ['brackets', '['.repeat(100_000)],
    ['indentation', Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['an alias of itself', 'a: &a [*a]'],
  ])('bounds %s', (_, text) => {
    const [document] = parseYamlDocuments(text)
    expect(document!.faults.length).toBeGreaterThan(0)
    expect(document!.value).toBeUndefined()
  })
  it('bounds the size', () => {
    expect(parseYamlDocuments('a: 12345', { size: 5 })[0]!.faults).toHaveLength(1)
  })
})

describe('where things stand', () => {
  const [document] = parseYamlDocuments('# first\na:\n  - b: 1\n    c: 2\n')
  it.each([
    [['a'], { line: 2, column: 1 }],
    [['a', 0, 'c'], { line: 4, column: 5 }],
    [['a', 0, 'missing'], { line: 3, column: 5 }],
    [['nothing'], { line: 2, column: 1 }],
  ] as const)('%j', (steps, position) => expect(document!.locate(steps)).toEqual(position))
})

describe('quoted text over several lines, as Kubernetes reads it', () => {
  it.each([
    ['indented deeper than its key', 'a:\n  b: "one\n    two"\n  c: 1'],
    ['indented like its key', 'a:\n  b: "one\n  two"\n  c: 1'],
    ['indented less than its key', 'a:\n  b: "one\n two"\n  c: 1'],
    ['not indented', 'a:\n  b: "one\ntwo"\n  c: 1'],
    ['in single quotes', "a:\n  b: 'one\n  two'\n  c: 1"],
    ['in a list', '- "one\ntwo"\n- x'],
    ['in a map in braces', 'a: { b: "one\ntwo", c: 1 }'],
  ])('%s', (_, text) => {
    expect(plain(text)).toEqual(text.startsWith('-') ? ['one two', 'x'] : { a: { b: 'one two', c: 1 } })
  })
  it('keeps the places of what follows', () => {
    const [document] = parseYamlDocuments('a:\n  b: "one\n  two"\n  c: 1')
    expect(document!.locate(['a', 'c'])).toEqual({ line: 4, column: 3 })
  })
  it('still says where a quote is never closed', () => {
    expect(() => parseYaml('a:\n  b: "one\n  c: 1')).toThrow(/quote.*line [23]/)
    expect(() => parseYaml('a: "one\nb: two "x\n')).toThrow(/line 1/)
  })
})
