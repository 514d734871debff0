import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { validate } from '../../../src/rules/validate.ts'

interface Verdict {
  name: string
  yaml: string
  ok: boolean
  warnings: string[]
  crd: { ok: boolean }
}

const read = (url: URL): Verdict[] => JSON.parse(readFileSync(url, 'utf8'))
const errors = (yaml: string, strict: boolean) => validate(yaml, { strict }).filter(d => d.severity === 'error')

function holds(cases: readonly Verdict[]): void {
  it.each(cases.map(c => [c.name, c] as const))('%s: as the webhook', (_, c) => {
    const found = errors(c.yaml, false)
    expect({ ok: found.length === 0, found }).toEqual({ ok: c.ok, found: c.ok ? [] : found })
    for (const d of found) {
      expect(d.line).toBeGreaterThan(0)
      expect(d.path).toBeDefined()
    }
    if (c.ok && c.warnings.length > 0) expect(validate(c.yaml).filter(d => d.severity === 'warning')).not.toHaveLength(0)
  })
  it.each(cases.map(c => [c.name, c] as const))('%s: strict, as webhook and CRD', (_, c) => {
    expect(errors(c.yaml, true).length === 0).toBe(c.ok && c.crd.ok)
  })
}

describe('verdicts of istiod on our own documents', () => holds(read(new URL('./validation.json', import.meta.url))))

const shared = new URL('../../../../shared/istio/verdicts.json', import.meta.url)
describe.skipIf(!existsSync(shared))('verdicts of istiod on its own documents (../shared)', () =>
  holds(existsSync(shared) ? read(shared) : []),
)
