/**
 * Documents nested in every style that YAML has, and objects nested by a program: what is deeper
 * than the bound is refused, what is not is read, and nothing throws. A few hundred here; 10⁵ by
 * `npm run test:fuzz`.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseYamlDocuments, yamlDocuments } from '../../src/base/formats/yaml.ts'
import { validate } from '../../src/rules/validate.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 150)
const seed = Number(process.env['FUZZ_SEED'] ?? 20260824)
const BOUND = 100
/** Heavier cases are for `npm run test:fuzz`. */
const isHeavy = RUNS > 1000
const LONG = isHeavy ? 2_000_000 : 20_000
/** A level may be two collections to the parser: an explicit key is one, and what is in it another. */
const MARGIN = 10

/** A level of nesting in block style: what opens it at an indentation, and how much deeper the next one is. */
const BLOCK: Record<string, (indent: number, n: number) => { open: string; deeper: number }> = {
  'item on the line': () => ({ open: '- ', deeper: 2 }),
  'item on the next line': indent => ({ open: `-\n${' '.repeat(indent + 1)}`, deeper: 1 }),
  'item with a tab': () => ({ open: '-\t', deeper: 2 }),
  'key and value below': (indent, n) => ({ open: `k${n}:\n${' '.repeat(indent + 1)}`, deeper: 1 }),
  'list as indented as its key': (indent, n) => ({ open: `k${n}:\n${' '.repeat(indent)}- `, deeper: 2 }),
  'explicit key': () => ({ open: '? ', deeper: 2 }),
  'explicit key and value': (indent, n) => ({ open: `? k${n}\n${' '.repeat(indent)}: `, deeper: 2 }),
  'item with an anchor': (indent, n) => ({ open: `- &a${n}\n${' '.repeat(indent + 1)}`, deeper: 1 }),
  'item with a tag': indent => ({ open: `- !!seq\n${' '.repeat(indent + 1)}`, deeper: 1 }),
  'item with a comment': indent => ({ open: `- # ${'['.repeat(3)}\n${' '.repeat(indent + 1)}`, deeper: 1 }),
  'quoted key': (indent, n) => ({ open: `"k ${n}":\n${' '.repeat(indent + 3)}`, deeper: 3 }),
  'key in a key': (_, n) => ({ open: `k${n}: `, deeper: 0 }),
}
const FLOW: Record<string, { open: string; close: string }> = {
  list: { open: '[', close: ']' },
  'second of a list': { open: '[a, ', close: ', b]' },
  map: { open: '{k: ', close: '}' },
  'quoted map': { open: '{"k":', close: '}' },
  'map with an explicit key': { open: '{? k : ', close: '}' },
  'map as a key': { open: '{? ', close: ' : x}' },
  'pair in a list': { open: '[k: ', close: ']' },
  'list on lines': { open: '[\n', close: '\n]' },
  'with an anchor': { open: '&x [', close: ']' },
  'with a tag': { open: '!!seq [', close: ']' },
  'with a comment': { open: '[ # {{{\n', close: ' ]' },
  json: { open: '{"a":[', close: ']}' },
}
/** How many collections a level is. */
const DOUBLE = new Set(['list as indented as its key', 'json', 'pair in a list'])

const levels = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 250 }) },
  { weight: 2, arbitrary: fc.integer({ min: 90, max: 110 }) },
  { weight: 1, arbitrary: fc.integer({ min: 250, max: 1000 }) },
)
const nested = fc
  .record({
    block: fc.array(fc.constantFrom(...Object.keys(BLOCK)), { minLength: 1, maxLength: 3 }),
    blocks: levels,
    flow: fc.array(fc.constantFrom(...Object.keys(FLOW)), { minLength: 1, maxLength: 3 }),
    flows: fc.oneof(fc.constant(0), levels),
    isFlowOnly: fc.boolean(),
    closed: fc.boolean(),
    before: fc.constantFrom('', '', '', '# comment\n', '---\n', '--- ', '%YAML 1.2\n---\n', 'a: 1\n---\n', 'a: 1\n...\n', '\uFEFF'),
    after: fc.constantFrom('', '', '\n', '\n---\nb: 1', '\n...\n', '\n# end'),
  })
  .map(({ block, blocks, flow, flows, isFlowOnly, closed, before, after }) => {
    let depth = 0
    let text = ''
    let indent = 0
    for (let n = 0; n < blocks && !isFlowOnly; n++) {
      const style = block[n % block.length]!
      const { open, deeper } = BLOCK[style]!(indent, n)
      // The indentation of deep documents is most of their text.
      if (indent + deeper > 240) break
      text += open
      indent += deeper
      depth += DOUBLE.has(style) ? 2 : 1
    }
    let closing = ''
    for (let n = 0; n < flows; n++) {
      const style = flow[n % flow.length]!
      text += FLOW[style]!.open
      closing = FLOW[style]!.close + closing
      depth += DOUBLE.has(style) ? 2 : 1
    }
    return { text: before + text + (flows > 0 || isFlowOnly ? 'x' : 'x') + (closed ? closing : '') + after, depth }
  })

const deepest = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(deepest)) : 0

describe('nested texts', () => {
  it('are refused beyond the bound, in whatever style', () => {
    fc.assert(
      fc.property(nested, ({ text, depth }) => {
        const documents = parseYamlDocuments(text)
        const faults = documents.flatMap(document => document.faults)
        if (depth > BOUND + MARGIN) expect(faults).not.toEqual([])
        if (depth < BOUND / 2) expect(faults.filter(({ message }) => message.includes('nested'))).toEqual([])
        for (const { value } of documents) expect(deepest(value)).toBeLessThanOrEqual(BOUND + 1)
        for (const { line, column } of faults) expect(line > 0 && column > 0).toBe(true)
        if (text.length % 8 === 0) expect(validate(text)).toBeInstanceOf(Array)
      }),
      { numRuns: RUNS, seed },
    )
  }, 3_600_000)

  it.each(Object.keys(BLOCK))('of 100,000 levels: %s', style => {
    let text = ''
    for (let n = 0; n < 100_000 && text.length < LONG; n++) text += BLOCK[style]!(0, n).open
    const [document] = parseYamlDocuments(`${text}x`)
    // Lines of one indentation are neighbours, not children.
    const isFlat = ['key and value below', 'quoted key', 'list as indented as its key'].includes(style)
    if (!isFlat) expect(document!.faults).not.toEqual([])
  })

  it.each(Object.keys(FLOW))('of 100,000 levels: %s', style => {
    const { open, close } = FLOW[style]!
    for (const text of [open.repeat(100_000), `${open.repeat(100_000)}x${close.repeat(100_000)}`])
      expect(parseYamlDocuments(text)[0]!.faults[0]!.message).toBe('nested deeper than 100')
  })

  it.each([99, 100, 101, 102])('of %i levels are read up to 100, as YAML and as JSON', depth => {
    const isRead = depth <= 100
    for (const text of [
      `${'['.repeat(depth)}x${']'.repeat(depth)}`,
      `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
      `${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`,
      `${'- '.repeat(depth)}x`,
      Array.from({ length: depth }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    ]) {
      const [document] = parseYamlDocuments(text)
      expect([text.slice(0, 10), document!.faults.length]).toEqual([text.slice(0, 10), isRead ? 0 : 1])
    }
  })
})

describe('long texts', () => {
  const texts: [string, (count: number) => string][] = [
    ['commas', count => `[${'a,'.repeat(count)}]`],
    ['empty items', count => '-\n'.repeat(count)],
    ['line ends', count => `a:${'\n'.repeat(count)} b`],
    ['comments', count => '#\n'.repeat(count)],
    ['JSON values', count => `[${'1,'.repeat(count)}1]`],
    ['keys', count => Array.from({ length: count }, (_, i) => `k${i}:`).join('\n')],
    ['aliases', count => `- &a x\n${'- *a\n'.repeat(count)}`],
    ['lines in a text', count => 'a b\n'.repeat(count)],
    ['lines in quotes', count => `"${'a\n'.repeat(count)}"`],
    ['lines in a block', count => `a: |\n${'  a\n'.repeat(count)}`],
  ]
  it.each(texts)('with too many %s are refused', (_, make) => {
    const tokens = 5000
    const faults = parseYamlDocuments(make(tokens), { tokens }).flatMap(document => document.faults)
    expect(faults.map(({ message }) => message)).toEqual(['the document has more than 5000 tokens; split it into several documents'])
    expect(parseYamlDocuments(make(100), { tokens })[0]?.faults ?? []).toEqual([])
  })
  it.runIf(isHeavy).each(texts)(
    'of 4 MiB with many %s end',
    (_, make) => {
      const text = make(4_194_304).slice(0, 4_194_304)
      expect(parseYamlDocuments(text).length).toBeLessThan(100)
    },
    60_000,
  )

  it.each([
    ['commas', `[${','.repeat(1000)}]`],
    ['closing brackets', ']'.repeat(1_000_000)],
    ['equal keys', `{${'"a":1,'.repeat(1000)}"a":1}`],
    ['equal keys in a block', 'a: 1\n'.repeat(1000)],
    ['tags', `${'!a '.repeat(1000)}x`],
    ['anchors', `${'&a '.repeat(1000)}x`],
    ['directives', `${'%a\n'.repeat(1000)}--- x`],
  ])('with too many wrong %s report the first of them', (_, text) => {
    const faults = parseYamlDocuments(text).flatMap(document => document.faults)
    expect(faults.at(-1)!.message).toBe('more than 100 errors; the rest is not reported')
    expect(faults.length).toBeLessThanOrEqual(101)
  })

  it('with too many documents are cut', () => {
    for (const text of ['---\n'.repeat(2000), 'a\n...\n'.repeat(2000)]) {
      const documents = parseYamlDocuments(text, { documents: 1000 })
      expect([documents.length, documents.at(-1)!.faults[0]!.message]).toEqual([1001, 'the text has more than 1000 documents'])
    }
  })

  it('of many documents are let go while they are read', () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const count = isHeavy ? 50_000 : 3000
    const text = `--- [${'a,'.repeat(70)}]\n`.repeat(count)
    gc()
    const before = process.memoryUsage().heapUsed
    let read = 0
    for (const { faults } of yamlDocuments(text)) if (faults.length === 0) read++
    gc()
    expect(read).toBe(count)
    // All of it would be some 13 kB for each document.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(25_000_000)
  }, 600_000)

  it.runIf(isHeavy)(
    'with more merges than a function has arguments are read',
    () => {
      expect(parseYamlDocuments(`<<: [${'{},'.repeat(150_000)}{}]`)[0]!.faults).toEqual([])
    },
    60_000,
  )

  it.runIf(isHeavy)(
    'with more wrong members than a function has arguments are reported in full',
    () => {
      const head = '"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{"name":"a"}'
      const members = Array.from({ length: 200_000 }, (_, i) => `"k${i}":1`).join()
      expect(validate(`{${head},"spec":{${members}}}`).length).toBeGreaterThan(200_000)
    },
    60_000,
  )
})

describe('nested objects', () => {
  const document = (spec: unknown) => ({ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'a' }, spec })
  const object = fc
    .record({
      depth: levels,
      lists: fc.boolean(),
      circle: fc.option(fc.nat(), { freq: 3 }),
      shared: isHeavy ? fc.nat(20).map(n => n === 0) : fc.constant(false),
    })
    .map(({ depth, lists, circle, shared }) => {
      const parts: any[] = [{}]
      for (let n = 0; n < depth; n++) {
        const inner = parts.at(-1)
        parts.push(lists ? [inner] : shared ? { a: inner, b: inner } : { a: inner })
      }
      if (circle !== null) {
        const at = parts[circle % parts.length]
        if (Array.isArray(at)) at.push(parts.at(-1))
        else at.c = parts.at(-1)
      }
      return { value: parts.at(-1), isRead: circle === null && depth < BOUND - 5 && !(shared && !lists && depth > 16), depth }
    })

  it('are refused when they are too deep, too large or contain themselves', () => {
    fc.assert(
      fc.property(object, ({ value, isRead, depth }) => {
        const codes = validate(document({ unknown: value })).map(({ code }) => code)
        if (isRead) expect(codes).not.toContain('unreadable')
        if (depth > BOUND) expect(codes).toEqual(['unreadable'])
      }),
      { numRuns: Math.ceil(RUNS / 10), seed },
    )
  }, 3_600_000)

  it.each([
    [
      'a getter that throws nothing',
      Object.defineProperty({}, 'x', {
        enumerable: true,
        get() {
          throw undefined
        },
      }),
    ],
    ['a list without items', Object.assign([], { length: 4_000_000_000 })],
    ['an invalid date', new Date(Number.NaN)],
  ])('with %s are refused', (_, value) => {
    expect(validate(document({ hosts: [value] })).map(({ code }) => code)).toEqual(['unreadable'])
  })
})
