/** The list of codes is complete, and has no code that nobody gives. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { DIAGNOSTIC_CODES } from '../../../src/rules/istio/diagnostic-codes.ts'

const root = fileURLToPath(new URL('../../../src/rules/istio', import.meta.url))
const GIVEN =
  /(?:\.error\(|\.warn\(|\bcrd\(|\bfault\(|\bcode: |'(?:error|warning|info)',\s*|\blax,\s*|\b(?:range|unknown|missing|value): |\b(?:told|report)\()\s*'([a-z][a-z0-9]*(?:-[a-z0-9]+)*)'/g
/** Words that stand where a code may stand. */
const WORDS = new Set(['string'])

it('every code that is given is listed, and the other way round', () => {
  const given = new Set<string>()
  for (const file of readdirSync(root, { recursive: true }) as string[]) {
    if (!file.endsWith('.ts') || file.includes('publish') || file.startsWith('lint') || file === 'types.ts') continue
    for (const [, code] of readFileSync(path.join(root, file), 'utf8').matchAll(GIVEN)) if (!WORDS.has(code!)) given.add(code!)
  }
  expect([...given].sort()).toEqual(Object.keys(DIAGNOSTIC_CODES).sort())
})
