/** Each rule of lint finds the bad example of its section in docs/rules/lint.md, not the good one, and can be silenced. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LINT_RULES } from '../../../src/rules/istio/lint.ts'
import { validate } from '../../../src/rules/validate.ts'

const page = readFileSync(new URL('../../../docs/rules/lint.md', import.meta.url), 'utf8')
const sections = [...page.matchAll(/^## ([\w-]+)\n([\s\S]*?)(?=^## |(?![\s\S]))/gm)].map(([, code, text]) => ({
  code: code!,
  bad: /^```yaml bad\n([\s\S]*?)^```/m.exec(text!)?.[1] ?? '',
  good: /^```yaml good\n([\s\S]*?)^```/m.exec(text!)?.[1] ?? '',
}))
const codes = (yaml: string, ignore: string[] = []) => validate(yaml, { lint: { ignore } }).map(({ code }) => code)

it('every rule has a section, and every section a rule', () => {
  expect(sections.map(({ code }) => code)).toEqual(LINT_RULES.map(({ code }) => code))
})

describe.each(sections)('$code', ({ code, bad, good }) => {
  it('is found, with its place and a hint', () => {
    const found = validate(bad, { lint: true }).filter(d => d.code === code)
    expect(found).not.toEqual([])
    for (const { line, column, path, hint, severity } of found) {
      expect(line).toBeGreaterThan(1)
      expect(column).toBeGreaterThan(0)
      expect(path).toBeTruthy()
      expect(hint).toBeTruthy()
      expect(severity).not.toBe('error')
    }
    expect(validate(bad).filter(({ severity }) => severity === 'error')).toEqual([])
  })
  it('is not found in the good example, which is accepted', () => {
    expect(validate(good).filter(({ severity }) => severity === 'error')).toEqual([])
    expect(codes(good)).not.toContain(code)
  })
  it('can be silenced', () => {
    expect(codes(bad, [code])).not.toContain(code)
    const annotated = bad.replace(
      /metadata: \{ name: (\w+) \}/g,
      `metadata: { name: $1, annotations: { meshless.dev/lint-ignore: "x, ${code}" } }`,
    )
    expect(codes(annotated)).not.toContain(code)
  })
})
